"""Monthly files of the subjects and the truth kept apart from them, written row by row with flat memory."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from gridloop.twin.settings import CUTOFF_DAYS
from gridloop.twin.simulation import Delivery, Month

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind of monthly source file: `path` is folder and stem, `columns` the names apart by blanks."""

    path: str
    columns: str


@dataclass(frozen=True, slots=True)
class TruthKind:
    """One truth file that is written month by month; columns under their own names."""

    name: str
    schema: pa.Schema


class _Writer(Protocol):
    def writerow(self, row: Any, /) -> Any:
        """Write one row of values."""


class SubjectFiles:
    """Where subjects put their rows.

    Args:
        delivery: which export; a row belongs to it when its day does.
        sources: folder of the sources; None writes none.
        truth: folder of the truth; None writes none.
        names: hidden attribute to the name that the truth gives it.
    """

    def __init__(
        self, delivery: Delivery, sources: Path | None, truth: Path | None, names: dict[str, str]
    ) -> None:
        self._first, self._last = delivery.first, delivery.cutoff - CUTOFF_DAYS
        self._delivery, self._sources, self._truth, self._names = delivery, sources, truth, names
        self._stack, self._month = ExitStack(), ""
        self._writers: dict[str, _Writer] = {}
        self._written: set[Path] = set()
        self._telling = True
        self._told: dict[str, tuple[TruthKind, list[Row]]] = {}
        self._truth_writers: dict[str, pq.ParquetWriter] = {}

    def begin(self, month: Month, *, telling: bool) -> None:
        """Rows that follow come of this month; truth is kept only when `telling`."""
        self._month, self._telling = self._delivery.label(month), telling

    def put(self, kind: SourceKind, day: int, row: Row) -> None:
        """Write a row that became known on that civil day, an ordinal; of another export it is left to that one."""
        if self._sources is not None and self._first <= day <= self._last:
            writer = self._writers.get(kind.path)
            if writer is None:
                writer = self._open(kind)
            writer.writerow(row)

    def tell(self, kind: TruthKind, row: Row) -> None:
        """Keep a row of the truth."""
        if self._truth is not None and self._telling:
            self._told.setdefault(kind.name, (kind, []))[1].append(row)

    def end(self) -> None:
        """Close the month's files."""
        self._stack.close()
        self._writers.clear()
        for kind, rows in self._told.values():
            names = [self._names.get(name, name) for name in kind.schema.names]
            arrays = [
                pa.array(column, field.type)
                for column, field in zip(zip(*rows, strict=True), kind.schema, strict=True)
            ]
            table = pa.table(dict(zip(names, arrays, strict=True)))
            self._truth_writer(kind, table.schema).write_table(table)
        self._told.clear()

    def close(self) -> None:
        """Close the truth."""
        self._stack.close()
        for writer in self._truth_writers.values():
            writer.close()
        self._truth_writers.clear()

    def _open(self, kind: SourceKind) -> _Writer:
        assert self._sources is not None
        path = self._sources / f"{kind.path}_{self._month}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        again = path in self._written
        stream = self._stack.enter_context(path.open("a" if again else "w", encoding="utf-8", newline=""))
        writer: _Writer = csv.writer(stream, lineterminator="\n")
        if not again:
            writer.writerow(kind.columns.split())
        self._written.add(path)
        self._writers[kind.path] = writer
        return writer

    def _truth_writer(self, kind: TruthKind, schema: pa.Schema) -> pq.ParquetWriter:
        if kind.name not in self._truth_writers:
            assert self._truth is not None
            self._truth.mkdir(parents=True, exist_ok=True)
            ending = "_continued" if self._delivery.continued else ""
            path = self._truth / f"{kind.name}{ending}.parquet"
            self._truth_writers[kind.name] = pq.ParquetWriter(path, schema, compression="zstd")
        return self._truth_writers[kind.name]


def moment(day: int, minute: float) -> str:
    """The instant that many minutes after a civil day began, ISO 8601 with offset, whole minutes."""
    later, minute = divmod(int(minute), 1440)
    return f"{date.fromordinal(day + later)}T{minute // 60:02d}:{minute % 60:02d}:00+08:00"
