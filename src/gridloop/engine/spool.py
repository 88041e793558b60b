"""Tables set aside on disk until they are wanted, so that memory does not grow with the fleet."""

from __future__ import annotations

import shutil
import uuid
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
from pyarrow import feather

from gridloop.engine.durable import disk_full_is_told
from gridloop.engine.maintenance import SPILL

ROWS_A_FILE = 1_000_000
"""About how many rows of a result become one file: some ten MB on disk, some hundred in memory."""


class Spool:
    """Tables in a folder of their own, in the order they were added; use it as a context manager.

    What a killed process leaves is removed like the spill of its queries.

    Args:
        folder: an existing folder; of the lake, so that a full disk is the workspace's.
    """

    def __init__(self, folder: Path) -> None:
        self._parent = folder
        self._folder = folder / f"{SPILL}{uuid.uuid4().hex}"
        self._files: dict[Hashable, list[Path]] = defaultdict(list)
        self._count = 0

    def __enter__(self) -> Spool:
        self._folder.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, rows: pa.Table, group: Hashable = None) -> None:
        """Set a table aside.

        Raises:
            StorageFull: the disk has no room.
        """
        if rows.num_rows == 0:
            return
        path = self._folder / f"{self._count}.arrow"
        self._count += 1
        with disk_full_is_told(self._parent):
            feather.write_feather(rows, str(path), compression="lz4")
        self._files[group].append(path)

    def groups(self) -> list[Hashable]:
        """Every group that has rows, in the order of its first table."""
        return list(self._files)

    def tables(self, group: Hashable = None) -> Iterator[pa.Table]:
        """The tables of a group, one at a time; once, for each is removed when it was read."""
        for path in self._files.pop(group, []):
            yield feather.read_table(str(path), memory_map=False)
            path.unlink()


def gathered(tables: Iterable[pa.Table], rows: int = ROWS_A_FILE) -> Iterator[pa.Table]:
    """The same rows in tables of at least `rows` rows, the last one aside; nothing where there is no row."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting += [table] if table.num_rows else []
        if sum(part.num_rows for part in waiting) >= rows:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
