"""The lake: Iceberg tables of one workspace, opened by name, read through a manifest, written by their owner only."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridloop.domain.errors import GridloopError, WriterNotOwner
from gridloop.domain.table import Stage, Store, TableSpec
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.commit import content_of, forget_snapshots, set_head, snapshot_gone
from gridloop.engine.durable import disk_full_is_told
from gridloop.engine.locations import ROOT_PROPERTY, SCHEME
from gridloop.engine.schema import iceberg_partition, iceberg_schema
from gridloop.engine.workspace import Workspace

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

    from gridloop.engine.maintenance import LakeMaintenance
    from gridloop.engine.view import LakeView
    from gridloop.engine.writer import LakeWriter

NAMESPACE = "gridloop"
TABLE_PROPERTIES = {
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "5",
}


class Lake:
    """All lake tables of a workspace.

    Args:
        workspace: where they lie.
        tables: the declared tables; the canonical ones when not given.
    """

    def __init__(self, workspace: Workspace, tables: Mapping[str, TableSpec] = CATALOGUE) -> None:
        self.workspace = workspace
        self.specs = {n: s for n, s in tables.items() if s.store is Store.LAKE and not s.planned}
        self._catalogue: SqlCatalog | None = None
        self._heads: dict[str, int | None] = {}

    @property
    def _iceberg(self) -> Any:
        if self._catalogue is None:
            from pyiceberg.catalog.sql import SqlCatalog

            self.workspace.lake_dir.mkdir(parents=True, exist_ok=True)
            try:
                self._catalogue = SqlCatalog(
                    "lake",
                    uri=f"sqlite:///{self.workspace.lake_dir / 'catalogue.db'}",
                    warehouse=f"{SCHEME}/lake",
                    **{
                        "py-io-impl": "gridloop.engine.locations.WorkspaceFileIO",
                        ROOT_PROPERTY: str(self.workspace.root),
                    },
                )
                self._catalogue.create_namespace_if_not_exists(NAMESPACE)
            except Exception as error:
                self._catalogue = None
                if damaged := _catalogue_damaged(self.workspace.lake_dir, error):
                    raise damaged from error
                raise
        return self._catalogue

    def close(self) -> None:
        """Close the catalogue's database connections; the lake opens them again when used."""
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def spec(self, name: str) -> TableSpec:
        """The declaration of a lake table.

        Raises:
            GridloopError: no lake table of that name is declared.
        """
        from gridloop.domain.errors import UsageError, did_you_mean

        if name not in self.specs:
            raise UsageError(f"There is no lake table {name!r}.", ways_out=did_you_mean(name, self.specs))
        return self.specs[name]

    def folder(self, name: str) -> Path:
        """Folder of a table's files."""
        return self.workspace.lake_dir / NAMESPACE / name

    def iceberg_table(self, name: str, *, create: bool = False) -> Table | None:
        """The Iceberg table, made when `create` says so; None when it does not exist."""
        from pyiceberg.exceptions import NoSuchTableError

        spec = self.spec(name)
        identifier = (NAMESPACE, name)
        try:
            return self._loaded(identifier)
        except NoSuchTableError:
            if not create:
                return None
        return self._iceberg.create_table(  # type: ignore[no-any-return]
            identifier,
            iceberg_schema(spec),
            location=f"{SCHEME}/lake/{NAMESPACE}/{name}",
            partition_spec=iceberg_partition(spec),
            properties=TABLE_PROPERTIES,
        )

    def _loaded(self, identifier: tuple[str, str]) -> Table:
        try:
            return self._iceberg.load_table(identifier)  # type: ignore[no-any-return]
        except FileNotFoundError as error:
            raise GridloopError(
                f"The metadata of table {identifier[1]!r} is gone from the workspace folder.",
                evidence={"folder": str(self.folder(identifier[1]))},
                ways_out=(
                    "Restore the workspace folder from its backup.",
                    "Import the source files again into a new one.",
                ),
            ) from error

    def heads(self) -> dict[str, int]:
        """The current snapshot id of every table that has one."""
        found = {name: self._head(name, at) for name, at in self._metadata().items() if name in self.specs}
        return {name: head for name, head in found.items() if head is not None}

    def _head(self, name: str, location: str) -> int | None:
        """The snapshot that a metadata file names as current; such a file never changes, so it is read once."""
        if location not in self._heads:
            table = self._loaded((NAMESPACE, name))
            current = table.current_snapshot()
            location = table.metadata_location
            self._heads[location] = current.snapshot_id if current is not None else None
        return self._heads[location]

    def _metadata(self) -> dict[str, str]:
        """Table to the location of its metadata, by one question to the catalogue."""
        question = (
            "SELECT table_name, metadata_location FROM iceberg_tables WHERE table_namespace = 'gridloop'"
        )
        with self._iceberg.engine.connect() as connection:
            return dict(map(tuple, connection.exec_driver_sql(f"{question} ORDER BY table_name")))

    def contents(self, manifest: Mapping[str, int]) -> dict[str, str]:
        """The content mark of every table of a manifest: equal marks, equal rows, whatever files they lie in."""
        tables = {name: self.iceberg_table(name) for name in manifest}
        return {n: content_of(t, manifest[n]) for n, t in tables.items() if t is not None}

    def restore(self, manifest: Mapping[str, int]) -> list[str]:
        """Put every table back to what was published, undoing whatever a killed run left behind.

        Call it under the workspace lock, before a job writes.

        Args:
            manifest: table name to snapshot id as last published; a table not named is emptied.

        Returns:
            Names of the tables that were put back.

        Raises:
            GridloopError: the lake lacks something of the manifest; nothing was changed or removed.
            StorageFull: no room; what was published can be read, and the next call completes it.
        """
        if lost := self.lost(manifest):
            raise snapshot_gone(lost)
        undone = []
        for name, head in self.heads().items():
            wanted = manifest.get(name)
            if head == wanted:
                continue
            undone.append(name)
            table = self._loaded((NAMESPACE, name))
            if wanted is None:
                self._drop(name)
            else:
                with disk_full_is_told(self.workspace.lake_dir):
                    set_head(table, wanted)
                    forget_snapshots(table, keep=manifest.values())
        self._remove_unpublished_folders()
        if undone:
            self.maintenance("restore").remove_orphans(undone)
        return undone

    def lost(self, manifest: Mapping[str, int]) -> list[str]:
        """Names of the tables whose snapshot in the manifest the lake does not hold; empty when all is well."""
        held = {name: self.iceberg_table(name) for name in manifest if name in self.specs}
        return sorted(n for n, t in held.items() if t is None or t.snapshot_by_id(manifest[n]) is None)

    def _drop(self, name: str) -> None:
        self._iceberg.drop_table((NAMESPACE, name))
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def _remove_unpublished_folders(self) -> None:
        """Remove folders of tables whose creation or removal was cut off."""
        known = self._metadata()
        parent = self.workspace.lake_dir / NAMESPACE
        for folder in parent.iterdir() if parent.is_dir() else ():
            if folder.is_dir() and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def view(self, manifest: Mapping[str, int] | None = None) -> LakeView:
        """A reader that sees every table at the manifest's snapshot, or at its head when no manifest is given."""
        from gridloop.engine.view import LakeView

        return LakeView(self, dict(self.heads() if manifest is None else manifest))

    def writer(self, stage: Stage) -> LakeWriter:
        """A writer that acts as `stage`; it may write only the tables that stage owns."""
        from gridloop.engine.writer import LakeWriter

        return LakeWriter(self, stage)

    def maintenance(self, purpose: str) -> LakeMaintenance:
        """The engine's own principal for compaction, erasure, retention and orphan removal.

        Args:
            purpose: why, for the log; such as `compaction`, `erasure`, `restore`.
        """
        from gridloop.engine.maintenance import LakeMaintenance

        return LakeMaintenance(self, purpose)

    def check_owner(self, name: str, stage: Stage) -> TableSpec:
        """The spec of a table that `stage` owns.

        Raises:
            WriterNotOwner: another stage owns it.
        """
        spec = self.spec(name)
        if spec.owner is not stage:
            raise WriterNotOwner(
                f"Stage {stage.value!r} may not write table {name!r}.",
                evidence={"owner": spec.owner.value},
                ways_out=(
                    "Append to a table of your own that the owner folds in (ARCHITECTURE.md, how the loop closes).",
                    f"Move the code to the {spec.owner.value!r} stage.",
                ),
            )
        return spec


def _catalogue_damaged(folder: Path, error: Exception) -> GridloopError | None:
    """The error for a catalogue that is no whole database; None when `error` is another one."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF
    if code not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return None
    return GridloopError(
        "The catalogue of the lake is damaged or is no catalogue at all.",
        evidence={"file": str(folder / "catalogue.db")},
        ways_out=(
            "Restore the workspace folder from its backup.",
            "Import the source files again into a new one.",
        ),
    )
