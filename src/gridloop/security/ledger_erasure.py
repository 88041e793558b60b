"""Erasure from the ledger: ids give way to the tombstone's, rows stay and still count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gridloop.domain.table import Kind, Stage
from gridloop.ledger.schema import APPEND_ONLY, SPECS, TABLES
from gridloop.security.tombstone import Tombstone

if TYPE_CHECKING:
    from gridloop.ledger.database import Database
    from gridloop.ledger.store import Ledger

JOB = "erasure"
ACTION = "person.erased"
SHORTEST_IN_TEXT = 6
"""Bytes; a shorter id in a text may be anything."""


class LedgerEraser(Protocol):
    """What erasure needs of the ledger; `LedgerOfWorkspace` does it for a `Ledger`."""

    def count(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Table to the number of rows that hold one of the ids and can be changed."""
        ...

    def count_locked(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The same for tables whose rows cannot be changed."""
        ...

    def replace(self, replacements: Mapping[str, str]) -> int:
        """Put the second id of each pair in the place of the first, everywhere; returns how many rows changed."""
        ...

    def publish(self, manifest: Mapping[str, int], counts: Mapping[str, int]) -> None:
        """Make the lake's new heads what readers see."""
        ...

    def record(self, tombstone: Tombstone, actor: str) -> None:
        """Write the audit entry of the tombstone, once however often it is called."""
        ...


class LedgerOfWorkspace:
    """The `LedgerEraser` of a real ledger; use it under the workspace lock.

    Args:
        ledger: the ledger.
        database: its database, `gridloop.ledger.database.Database(url)`.
        code_version: for the run that publishes.
    """

    def __init__(self, ledger: Ledger, database: Database, code_version: str) -> None:
        self._ledger = ledger
        self._database = database
        self._code_version = code_version

    def count(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Table to the number of rows that hold one of the ids and can be changed."""
        return self._counts(ids, [name for name in SPECS if name not in APPEND_ONLY])

    def count_locked(self, ids: Sequence[str]) -> Mapping[str, int]:
        """The same for the append-only tables, whose rows the database refuses to change."""
        return self._counts(ids, APPEND_ONLY)

    def replace(self, replacements: Mapping[str, str]) -> int:
        """Put the second id of each pair in the place of the first, in every table that is not append-only."""
        changed = 0
        swap = Swap(replacements)
        with self._database.write("erasure") as connection:
            for name in (name for name in SPECS if name not in APPEND_ONLY):
                table = TABLES[name]
                for key, values in list(_changes(connection, name, swap)):
                    statement = table.update().values(values)
                    for column, value in key.items():
                        statement = statement.where(table.c[column] == value)
                    changed += connection.execute(statement).rowcount
        self._overwrite_free_pages()
        return changed

    def publish(self, manifest: Mapping[str, int], counts: Mapping[str, int]) -> None:
        """Make the lake's new heads what readers see, as a run of the job `erasure`."""
        if dict(manifest) == dict(self._ledger.runs.published()):
            return
        run = self._ledger.runs.start(JOB, Stage.SECURITY, "", self._code_version, {})
        self._ledger.runs.succeed(run, dict(manifest), dict(counts))

    def record(self, tombstone: Tombstone, actor: str) -> None:
        """Write the audit entry of the tombstone, once however often it is called."""
        subject = f"tombstone:{tombstone.tombstone_id}"
        if not self._ledger.audit.entries(limit=1, subject=subject):
            details = {
                "requester": tombstone.requester,
                "digest": tombstone.digest,
                "counts": dict(tombstone.counts),
            }
            self._ledger.audit.record(actor, ACTION, subject, details)

    def _counts(self, ids: Sequence[str], names: Sequence[str]) -> dict[str, int]:
        swap = Swap(dict.fromkeys(ids, ""))
        with self._database.read() as connection:
            counts = {name: sum(1 for _ in _changes(connection, name, swap)) for name in names}
        return {name: count for name, count in counts.items() if count}

    def _overwrite_free_pages(self) -> None:
        """SQLite leaves old values in free space and in its log; PostgreSQL's own vacuum takes care of that."""
        if self._database.url.get_backend_name() != "sqlite":
            return
        raw = self._database.engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.close()


def ids_pattern(ids: Sequence[str]) -> re.Pattern[str]:
    """Matches any of the ids standing alone, not as a part of a longer word."""
    words = "|".join(re.escape(one) for one in sorted(ids, key=len, reverse=True))
    return re.compile(rf"(?<![0-9A-Za-z])(?:{words})(?![0-9A-Za-z])" if ids else r"(?!)")


class Swap:
    """Puts other ids in the place of some.

    In a column of ids a value is swapped when it equals one. In texts and JSON strings an id is swapped wherever it
    stands alone, unless it is so short (below 6 bytes) that it may be any other number or word.

    Args:
        replacements: id to what stands there afterwards.
    """

    def __init__(self, replacements: Mapping[str, str]) -> None:
        self._replacements = dict(replacements)
        self._pattern = ids_pattern([one for one in replacements if len(one.encode()) >= SHORTEST_IN_TEXT])

    def of(self, value: Any, *, is_id: bool = False) -> Any:
        """The value with other ids; equal to `value` when it holds none."""
        if isinstance(value, str):
            if is_id and value in self._replacements:
                return self._replacements[value]
            return self._pattern.sub(lambda match: self._replacements[match.group()], value)
        if isinstance(value, dict):
            return {self.of(name): self.of(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner) for inner in value]
        return value


def _changes(connection: Any, name: str, swap: Swap) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Key and new values, of every row of a table that holds an id."""
    spec, table = SPECS[name], TABLES[name]
    texts = [c.name for c in spec if c.kind in (Kind.STRING, Kind.JSON) and not c.values]
    columns = [table.c[column.name] for column in spec if column.name in {*texts, *spec.key}]
    for row in connection.execute(table.select().with_only_columns(*columns)).yield_per(1000):
        held = row._mapping
        swapped = {column: swap.of(held[column], is_id=column.endswith("_id")) for column in texts}
        fresh = {column: value for column, value in swapped.items() if value != held[column]}
        if fresh:
            yield {column: held[column] for column in spec.key}, fresh
