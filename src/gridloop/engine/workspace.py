"""A workspace: one folder with its settings, lake, ledger, vault, landing zone and artefacts; it may be moved."""

from __future__ import annotations

import json
import tomllib
import uuid
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

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

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise UsageError(
                f"{zone!r} is not a time zone.", ways_out=did_you_mean(zone, available_timezones())
            )
        ZoneInfo(zone)
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
    for name, value in config.model_dump(exclude_none=True).items():
        if isinstance(value, bool):
            lines.append(f"{name} = {str(value).lower()}")
        elif isinstance(value, int):
            lines.append(f"{name} = {value}")
        else:
            # JSON escapes all that TOML wants escaped, but the delete character
            escaped = json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
            lines.append(f"{name} = {escaped}")
    return "\n".join(lines) + "\n"
