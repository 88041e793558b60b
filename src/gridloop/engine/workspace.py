"""A workspace: one folder with its settings, lake, ledger, vault, landing zone and artefacts; it may be moved."""

from __future__ import annotations

import json
import tomllib
import uuid
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gridloop.domain.clock import Clock, ClockBehind, SystemClock
from gridloop.domain.errors import (
    UsageError,
    WorkspaceExists,
    WorkspaceNotFound,
    WorkspaceVersion,
    did_you_mean,
)
from gridloop.engine.durable import write_durably
from gridloop.engine.lock import exclusive_lock

SETTINGS_FILE = "gridloop.toml"
SCHEMA_VERSION = 1
"""Version of the workspace's layout and lake tables that this code writes; see `engine.migrations`."""


class ChannelSettings(BaseModel):
    """How one channel leaves the house: a table `[channels.email]` in `gridloop.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: Literal["file", "smtp", "twin"] = Field(
        default="file",
        description="`file` writes messages into the workspace's `outbox`, `smtp` sends mail, `twin` is for a demo.",
    )
    host: str | None = Field(default=None, description="Of smtp: the server.")
    port: int = Field(default=587, ge=1, le=65535, description="Of smtp: its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="Of smtp: how the connection is protected; `none` on loopback only."
    )
    user: str | None = Field(default=None, description="Of smtp: whom to log in as.")
    password_variable: str | None = Field(
        default=None, description="Of smtp: the environment variable that holds the password."
    )
    sender: str | None = Field(default=None, description="Of smtp: address that messages come from.")
    reply_to: str | None = Field(default=None, description="Of smtp: address that answers go to.")
    test_recipient: str | None = Field(
        default=None, description="When set, every message goes to this address instead of the customer's."
    )
    unsubscribe_url: str | None = Field(
        default=None, description="Start of the address of one-click unsubscription; a token is added to it."
    )
    unsubscribe_mailto: str | None = Field(
        default=None, description="Address that a mail of unsubscription goes to."
    )


class ScheduleSettings(BaseModel):
    """When the loop is carried out by itself while the console is served: a table `[schedules.nightly]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    FIELDS: ClassVar = ("minute", "hour", "day", "month", "weekday")

    at: str = Field(
        pattern=r"^\S+( \S+){4}$",
        description="Minute, hour, day, month and weekday as cron writes them, in the workspace's zone; weekdays by "
        "name, such as `30 2 * * mon-fri`.",
    )
    through: Literal["data", "insight", "strategy", "reach", "evaluation"] | None = Field(
        default=None, description="The last stage; all when not set."
    )
    catch_up: bool = Field(
        default=True, description="Whether a time that passed while nothing was served is made up for, once."
    )


class WorkspaceConfig(BaseModel):
    """The settings in `gridloop.toml`; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Identity of the workspace; names its key, stays when the folder moves.")
    name: str = Field(description="What people call it.")
    zone: str = Field(description="Time zone of the utility (IANA name), used where a source does not say.")
    currency: str = Field(pattern="^[A-Z]{3}$", description="The one currency of all money in it (ISO 4217).")
    prices_include_tax: bool = Field(
        default=True, description="Whether prices and amounts contain sales tax."
    )
    buckets: int = Field(
        default=4,
        ge=1,
        le=4096,
        description="Number of buckets the meters are spread over; fixed for life. Aim at 8,000 to 16,000 meters each.",
    )
    meter_ranges: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Row groups a bucket's file is cut into, by fixed ranges of meters; fixed for life.",
    )
    schema_version: int = Field(
        default=SCHEMA_VERSION, description="Layout version; raised by migrations only."
    )
    ledger_url: str | None = Field(
        default=None, description="Database of the ledger; SQLite inside the workspace when not set."
    )
    keys_folder: str | None = Field(
        default=None, description="Folder of the vault's key; the user's configuration folder when not set."
    )

    playbooks: tuple[str, ...] = Field(
        default=(), description="Plays that `gridloop run` plans; none until one is chosen."
    )
    channels: dict[str, ChannelSettings] = Field(
        default_factory=dict, description="How each channel leaves the house; see the settings of channels."
    )
    schedules: dict[str, ScheduleSettings] = Field(
        default_factory=dict,
        description="When the console carries the loop out by itself; see the settings of schedules.",
    )
    demo: bool = Field(
        default=False,
        description="Whether its customers are synthetic; such a workspace alone may approve its plans by itself.",
    )
    clock_behind_seconds: int = Field(
        default=0,
        ge=0,
        description="How far the present of a demo lies behind today; only a demo's may differ from 0.",
    )

    @model_validator(mode="after")
    def _only_a_demo_plays(self) -> Self:
        if not self.demo and self.clock_behind_seconds:
            raise ValueError("only a demo's clock may lie behind")
        if not self.demo and any(channel.transport == "twin" for channel in self.channels.values()):
            raise ValueError("only a demo has a channel to the twin")
        return self

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a path, a folder, or nothing at all
            raise UsageError(
                f"{zone!r} is not a time zone.", ways_out=did_you_mean(zone, available_timezones())
            ) from error
        return zone


class Workspace:
    """An opened workspace folder. Make one with `create`, open one with `open`."""

    def __init__(self, root: Path, config: WorkspaceConfig) -> None:
        self.root = root
        self.config = config

    @classmethod
    def create(cls, root: Path | str, **settings: object) -> Self:
        """Make a new workspace in `root`.

        Args:
            root: folder; made when missing; must not hold a workspace already.
            **settings: fields of `WorkspaceConfig`; `zone` and `currency` are required.

        Raises:
            WorkspaceExists: there is one already; nothing was changed.
            UsageError: a setting is unknown or has an impossible value.
        """
        folder = Path(root).resolve()
        if (folder / SETTINGS_FILE).exists():
            raise WorkspaceExists(
                f"{folder} already is a workspace.",
                ways_out=(f"Use it: `gridloop doctor -w {folder}`.", "Choose another folder."),
            )
        config = _validated({"id": uuid.uuid4().hex, "name": folder.name or "workspace", **settings})
        for part in ("lake", "vault", "landing", "artifacts"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        workspace = cls(folder, config)
        write_durably(folder / SETTINGS_FILE, _to_toml(config).encode())
        return workspace

    @classmethod
    def open(cls, root: Path | str, *, migrating: bool = False) -> Self:
        """Open the workspace in `root`.

        Args:
            root: its folder.
            migrating: accept an older schema version, to migrate it.

        Raises:
            WorkspaceNotFound: no `gridloop.toml` there.
            WorkspaceVersion: written by a newer Gridloop, or an older one that needs `gridloop doctor --migrate`.
            UsageError: `gridloop.toml` is damaged or holds an unknown setting.
        """
        folder = Path(root).resolve()
        path = folder / SETTINGS_FILE
        if not path.is_file():
            raise WorkspaceNotFound(
                f"{folder} is not a Gridloop workspace.",
                evidence={"missing": SETTINGS_FILE},
                ways_out=(
                    f"Make one: `gridloop init {folder}`.",
                    "Name another folder with `-w`.",
                    "See a full example: `gridloop demo`.",
                ),
            )
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path} cannot be read as TOML.",
                evidence={"reason": str(error)},
                ways_out=("Mend the line, or put the file back from a backup of the workspace.",),
            ) from error
        workspace = cls(folder, _validated(settings))
        workspace._check_version(migrating)
        return workspace

    def _check_version(self, migrating: bool) -> None:
        found = self.config.schema_version
        if found > SCHEMA_VERSION:
            raise WorkspaceVersion(
                "This workspace was written by a newer Gridloop.",
                evidence={"workspace": found, "this_version_writes": SCHEMA_VERSION},
                ways_out=("Upgrade Gridloop.",),
            )
        if found < SCHEMA_VERSION and not migrating:
            raise WorkspaceVersion(
                "This workspace was written by an older Gridloop and has to be migrated first.",
                evidence={"workspace": found, "this_version_writes": SCHEMA_VERSION},
                ways_out=(f"`gridloop doctor --migrate -w {self.root}` (make a copy of the folder before).",),
            )

    def with_settings(self, **changes: object) -> Workspace:
        """Write changed settings to `gridloop.toml` and return the workspace that has them."""
        config = _validated({**self.config.model_dump(), **changes})
        write_durably(self.root / SETTINGS_FILE, _to_toml(config).encode())
        return Workspace(self.root, config)

    @property
    def clock(self) -> Clock:
        """The present: the machine's clock, or a demo's, which lies behind it."""
        behind = self.config.clock_behind_seconds
        return ClockBehind(timedelta(seconds=behind)) if behind else SystemClock()

    @property
    def outbox_dir(self) -> Path:
        """Folder that the transport `file` writes messages into; the operator hands them on and empties it."""
        return self.root / "outbox"

    @property
    def lake_dir(self) -> Path:
        """Folder of the Iceberg tables and their catalogue."""
        return self.root / "lake"

    @property
    def vault_dir(self) -> Path:
        """Folder of the encrypted personal data."""
        return self.root / "vault"

    @property
    def landing_dir(self) -> Path:
        """Folder of the encrypted source files as they came."""
        return self.root / "landing"

    @property
    def artifacts_dir(self) -> Path:
        """Folder of models, reports and other files that a job made."""
        return self.root / "artifacts"

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy URL of the ledger."""
        return self.config.ledger_url or f"sqlite:///{self.root / 'ledger.db'}"

    def lock(self, *, command: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
        """Hold the workspace against other writers; see `engine.lock.exclusive_lock`."""
        return exclusive_lock(self.root / ".lock", command=command, wait_seconds=wait_seconds)


def _validated(settings: dict[str, object]) -> WorkspaceConfig:
    try:
        return WorkspaceConfig.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        faults = {"extra_forbidden": "is not known", "missing": "is missing"}
        raise UsageError(
            f"Setting {name!r} {faults.get(first['type'], 'has an impossible value')}.",
            # never the values of other settings, nor of an unknown one: a database's URL holds its password
            evidence={"value": first["input"], "reason": first["msg"]} if first["type"] not in faults else {},
            ways_out=did_you_mean(name, WorkspaceConfig.model_fields)
            if unknown
            else (f"Set {name!r} in {SETTINGS_FILE}; docs/reference/settings.md says what it may be.",),
        ) from error


def _to_toml(config: WorkspaceConfig) -> str:
    lines = ["# Settings of this Gridloop workspace; every key is explained in docs/reference/settings.md."]
    values = config.model_dump(exclude_none=True, exclude_defaults=False)
    tables = {kind: values.pop(kind) for kind in ("channels", "schedules")}
    lines += [f"{name} = {_toml_value(value)}" for name, value in values.items()]
    for kind, entries in tables.items():
        for name, entry in entries.items():
            lines += ["", f"[{kind}.{_toml_value(name)}]"]
            lines += [f"{key} = {_toml_value(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml_value(part) for part in value)}]"
    # JSON escapes all that TOML wants escaped, but the delete character
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
