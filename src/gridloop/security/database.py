"""The vault's SQLite file: durable commits, overwritten deletions, and errors told as what they are."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridloop.domain.errors import GridloopError, WorkspaceLocked, WorkspaceVersion
from gridloop.engine.durable import storage_full
from gridloop.security.errors import VaultDamaged

FILE = "vault.db"
_FULL = {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
"""Names of errors, besides SQLITE_FULL, by which SQLite tells that the disk has no room."""
LAYOUT = 1
"""Version of the tables below."""

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS data_key (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose TEXT NOT NULL,
    current INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_current_key ON data_key (purpose) WHERE current = 1;
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL,
    lookup BLOB NOT NULL,
    data_key INTEGER NOT NULL REFERENCES data_key (number),
    sealed BLOB NOT NULL,
    PRIMARY KEY (kind, lookup)
) STRICT, WITHOUT ROWID;
"""


class VaultDatabase:
    """One connection to the vault's file, shared by the threads of a process.

    Args:
        folder: the vault's folder.

    Raises:
        VaultDamaged: the file is not a whole SQLite database.
        StorageFull: no room.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = threading.RLock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        with self._told():
            self._connection = sqlite3.connect(
                self.path, isolation_level=None, timeout=30, check_same_thread=False, cached_statements=32
            )
        try:
            with self._told():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        for pragma in ("secure_delete = ON", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.executescript(_TABLES)
        found = self._connection.execute("SELECT value FROM meta WHERE name = 'layout'").fetchone()
        if found is not None and int(found[0]) > LAYOUT:
            raise WorkspaceVersion(
                "The vault was written by a newer Gridloop.",
                evidence={"layout": int(found[0]), "known here": LAYOUT},
                ways_out=("Install that version or a later one.",),
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One all-or-nothing change; nested calls join the outer one.

        Raises:
            StorageFull, WorkspaceLocked, VaultDamaged: nothing was changed.
        """
        with self._lock, self._told():
            if self._is_open():
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._is_open():
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """All rows of a query."""
        with self._lock, self._told():
            return self._connection.execute(statement, parameters).fetchall()

    def setting(self, name: str) -> str | None:
        """A value of the table `meta`."""
        found = self.rows("SELECT value FROM meta WHERE name = ?", (name,))
        return str(found[0][0]) if found else None

    def sweep(self) -> None:
        """Fold the write-ahead log into the file and empty it, so that overwritten records are nowhere left.

        Within a transaction it does nothing: the caller sweeps after the commit.
        """
        with self._lock, self._told():
            if self._is_open():
                return
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Fold the log in and close; closing twice is allowed."""
        with self._lock:
            self._connection.close()

    def _is_open(self) -> bool:
        return self._connection.in_transaction

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> GridloopError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or getattr(error, "sqlite_errorname", "") in _FULL:
            return storage_full(self.path.parent)
        if code == sqlite3.SQLITE_BUSY:
            return WorkspaceLocked(
                "Another process is writing the vault.", ways_out=("Try again when it is done.",)
            )
        if code == sqlite3.SQLITE_CONSTRAINT:
            return VaultDamaged(
                "The vault's keys were changed by another process; nothing was written.",
                evidence={"reason": str(error)},
                ways_out=("Open the vault again.",),
            )
        return VaultDamaged(
            "The vault's file cannot be read or written as a database.",
            evidence={"file": str(self.path), "reason": str(error)},
            ways_out=(
                "Restore the vault folder from its backup; the key file stays as it is.",
                "Go on without it: tables hold pseudonyms only.",
            ),
        )
