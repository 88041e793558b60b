"""Care of the lake's files under the engine's own name: compaction, history, orphans, erasure.

These are the only writes that do not belong to a stage. None of them changes what a table says, but erasure, which
takes rows out for good and is recorded by its caller.
"""

from __future__ import annotations

import logging
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from gridloop.domain.errors import AccountingError
from gridloop.engine.commit import content_of, forget_snapshots
from gridloop.engine.locations import SCHEME, to_path
from gridloop.engine.writer import commit_rows, data_files, delete_rows, read_file

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from gridloop.engine.lake import Lake

log = logging.getLogger(__name__)
SPILL = ".spill-"
"""Start of the names of folders that queries spill to; each view has its own."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """What compacting one table did.

    Attributes:
        table: its name.
        files_before, files_after: data files of the current snapshot.
        rows: unchanged number of rows.
    """

    table: str
    files_before: int
    files_after: int
    rows: int


class LakeMaintenance:
    """Maintenance of all tables of a lake, logged with its purpose. Get one from `Lake.maintenance`."""

    def __init__(self, lake: Lake, purpose: str) -> None:
        self.lake = lake
        self.purpose = purpose

    def compact(self, name: str, *, max_files: int = 1) -> Compaction:
        """Rewrite every partition that has more than `max_files` files as one file, in one commit.

        Raises:
            AccountingError: the rows read differ in number from what the metadata says; nothing was changed.
        """
        spec = self.lake.spec(name)
        table = self.lake.iceberg_table(name)
        if table is None:
            return Compaction(name, 0, 0, 0)
        files = data_files(table)
        partitions = defaultdict(list)
        for file in files:
            partitions[tuple(file.partition[i] for i in range(len(file.partition)))].append(file)
        crowded = [group for group in partitions.values() if len(group) > max_files]
        removed = [file for group in crowded for file in group]

        def merged() -> Iterable[pa.Table]:
            for group in crowded:
                rows = pa.concat_tables([read_file(self.lake.workspace.root, spec, file) for file in group])
                expected = sum(file.record_count for file in group)
                if rows.num_rows != expected:
                    raise AccountingError(
                        f"A partition of {name!r} does not hold the rows its metadata counts.",
                        evidence={"expected": expected, "found": rows.num_rows},
                    )
                yield rows

        current = table.current_snapshot()
        if removed and current is not None:
            commit_rows(self.lake, spec, merged(), removed, content_of(table, current.snapshot_id))
        after = len(files) - len(removed) + len(crowded)
        log.info("%s: compacted %s from %d to %d files", self.purpose, name, len(files), after)
        return Compaction(name, len(files), after, sum(file.record_count for file in files))

    def delete(self, name: str, where: Mapping[str, Sequence[object]]) -> int:
        """Take rows out of any lake table, whoever owns it; returns how many went."""
        gone = delete_rows(self.lake, self.lake.spec(name), where)
        log.info("%s: removed %d rows of %s", self.purpose, gone, name)
        return gone

    def purge_history(self, keep: Iterable[int] = ()) -> int:
        """Expire all snapshots but the current ones and `keep`, then remove the files nobody needs any more.

        Returns:
            Number of files removed.
        """
        kept = set(keep)
        names = list(self.lake.heads())
        for name in names:
            table = self.lake.iceberg_table(name)
            if table is not None:
                forget_snapshots(table, kept)
        return self.remove_orphans(names)

    def remove_spills(self) -> int:
        """Delete what killed queries had spilled to disk; returns how many folders went. Call it under the lock."""
        spills = list(self.lake.workspace.lake_dir.glob(f"{SPILL}*"))
        for folder in spills:
            shutil.rmtree(folder, ignore_errors=True)
        return len(spills)

    def remove_orphans(self, names: Iterable[str] | None = None) -> int:
        """Delete files in tables' folders that no kept snapshot refers to. Call it under the workspace lock.

        Args:
            names: tables; all when not given.

        Returns:
            Number of files removed.
        """
        removed = 0
        for name in names if names is not None else list(self.lake.specs):
            table = self.lake.iceberg_table(name)
            if table is None:
                continue
            wanted = _referenced(table, self.lake.workspace.root)
            for path in self.lake.folder(name).rglob("*"):
                if path.is_file() and path not in wanted:
                    path.unlink(missing_ok=True)
                    removed += 1
        if removed:
            log.info("%s: removed %d files that no snapshot refers to", self.purpose, removed)
        return removed


def _referenced(table: Table, root: Path) -> set[Path]:
    """Files that any snapshot needs, and the few earlier metadata files that the table itself will drop in time."""
    locations = {table.metadata_location}
    locations.update(entry.metadata_file for entry in table.metadata.metadata_log)
    for snapshot in table.metadata.snapshots:
        locations.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            locations.add(manifest.manifest_path)
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                locations.add(entry.data_file.file_path)
    return {to_path(root, location) for location in locations if location.startswith(SCHEME)}
