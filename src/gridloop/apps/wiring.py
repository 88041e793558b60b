"""An opened workspace with everything that works on it; each part is opened when it is first used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gridloop.apps.actor import acting_user
from gridloop.engine.lake import Lake
from gridloop.engine.workspace import SETTINGS_FILE, Workspace

if TYPE_CHECKING:
    from gridloop.apps.demo_folders import DemoCounty, DemoFolders
    from gridloop.domain.clock import Clock
    from gridloop.engine.view import LakeView
    from gridloop.ledger.store import Ledger
    from gridloop.reach.channels.channel import Channel
    from gridloop.security.landing import LandingZone
    from gridloop.security.vault import Vault
    from gridloop.twin.answers import Answers
    from gridloop.twin.county import County


class Session:
    """One workspace, opened by one command.

    Args:
        workspace: the folder and its settings.

    Attributes:
        actor: in whose name records are made; the operating system's user until a command sets another.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.lake = Lake(workspace)
        self.actor = acting_user()

    @cached_property
    def ledger(self) -> Ledger:
        """The records that must never be lost or doubled."""
        from gridloop.ledger.store import Ledger

        return Ledger.open(self.workspace.ledger_url, self.clock)

    @cached_property
    def clock(self) -> Clock:
        """The present of the workspace."""
        return self.workspace.clock

    @cached_property
    def vault(self) -> Vault:
        """Personal data; opening it needs the key.

        Raises:
            KeyLost: the key is not where the workspace expects it.
        """
        from gridloop.security.vault import Vault

        return Vault.open(self.workspace.vault_dir, self.workspace.config.id, keys_dir=self.keys_folder)

    @cached_property
    def landing(self) -> LandingZone:
        """The source files as they came, encrypted."""
        from gridloop.security.landing import LandingZone

        return LandingZone(self.workspace.landing_dir, self.vault)

    @property
    def keys_folder(self) -> Path | None:
        """Folder of the vault's key when the settings name one."""
        named = self.workspace.config.keys_folder
        return Path(named) if named else None

    def published(self) -> LakeView:
        """All tables as the latest successful run published them."""
        return self.lake.view(self.ledger.runs.published())

    def close(self) -> None:
        """Close what was opened."""
        self.lake.close()
        for part in ("ledger", "vault"):
            opened = self.__dict__.pop(part, None)
            if opened is not None:
                opened.close()


def channel_of(session: Session, name: str) -> Channel:
    """The channel of that name, as the workspace sets it.

    Raises:
        UsageError: its transport cannot carry it.
        ServiceMissing: it leads to the synthetic county, which is not beside the workspace.
    """
    from gridloop.reach.channels.transports import make_channel

    return make_channel(session.workspace, name, {"twin": lambda name, _: _twin_channel(session, name)})


def _twin_channel(session: Session, name: str) -> Channel:
    from gridloop.apps.demo_folders import county_of
    from gridloop.apps.twin_channel import TwinChannel

    return TwinChannel(name, twin_answers(*county_of(session.workspace.root)))


def synthetic_county(county: DemoCounty) -> County:
    """The twin: a county that writes source files and, apart from them, the truth about it."""
    from gridloop.twin.county import County, TwinSettings

    return County(
        TwinSettings(
            customers=county.customers,
            days=county.days,
            seed=county.seed,
            continued_days=county.continued_days,
        )
    )


def twin_answers(folders: DemoFolders, county: DemoCounty) -> Answers:
    """The people of a demo's county, with all that they remember of messages."""
    from gridloop.twin.answers import Answers

    return Answers(synthetic_county(county), folders.answers)


@contextmanager
def opened(folder: Path | str) -> Iterator[Session]:
    """Open the workspace in `folder` for one command and close it after."""
    session = Session(Workspace.open(folder))
    try:
        _complete(session)
        yield session
    finally:
        session.close()


def create(folder: Path | str, **settings: object) -> Session:
    """Make a workspace with an empty ledger and a vault whose key is new.

    Args:
        folder: where; made when missing.
        **settings: fields of `engine.workspace.WorkspaceConfig`.

    Raises:
        WorkspaceExists: there is one already.
    """
    workspace = Workspace.create(folder, **settings)
    session = Session(workspace)
    try:
        _complete(session)
    except BaseException:
        (workspace.root / SETTINGS_FILE).unlink()  # a workspace without vault or ledger is none
        raise
    return session


def _complete(session: Session) -> None:
    """Make the ledger and the vault of a new workspace, or of one whose making was cut off while it holds nothing."""
    from gridloop.ledger.store import Ledger
    from gridloop.security.vault import Vault

    workspace = session.workspace
    used = any(
        any(folder.iterdir()) for folder in (workspace.lake_dir, workspace.landing_dir) if folder.is_dir()
    )
    if used or Vault.exists(workspace.vault_dir):
        return
    ledger = Ledger.open(workspace.ledger_url, session.clock)
    ledger.upgrade()
    ledger.close()
    Vault.create(workspace.vault_dir, workspace.config.id, keys_dir=session.keys_folder).close()
