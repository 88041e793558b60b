"""Connections and transactions of the ledger, the same on SQLite and PostgreSQL, with errors a person can act on."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, StatementError

from gridloop.domain.errors import GridloopError, LedgerConflict, ServiceMissing, StorageFull, UsageError
from gridloop.ledger.canonical import canonical_json

WAIT_SECONDS = 30
"""How long a write waits for another writer before it gives up."""

_BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED", "40001", "40P01", "55P03"}
_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "53100"}
_DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"}


class LedgerUnreadable(GridloopError):
    """The ledger's file is damaged, or cannot be opened or written."""


class Database:
    """One opened database: `read` and `write` give a connection inside a transaction.

    Args:
        url: `sqlite:///file` or `postgresql://user@host/database`.

    Raises:
        UsageError: another kind of database, or none at all.
        ServiceMissing: the PostgreSQL driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.engine = _engine(self.url)

    @property
    def shown(self) -> str:
        """The url for people: no password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that reads; whatever it changed is rolled back."""
        with self._told(), self.engine.connect() as connection:
            yield connection
            connection.rollback()

    @contextmanager
    def write(self, *locks: str) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end of the block, and not if it raises.

        SQLite lets one process write at a time. PostgreSQL lets many: `locks` names what must not happen twice
        at once, held until the transaction ends; take them in one order everywhere.

        Raises:
            LedgerConflict: a rule of a table refused the record, or another writer held it too long.
            StorageFull: no room; nothing was written.
        """
        with (
            self._told(),
            self.engine.connect().execution_options(gridloop_begin="IMMEDIATE") as connection,
            connection.begin(),
        ):
            for name in locks:
                self.lock(connection, name)
            yield connection

    def lock(self, connection: Connection, name: str) -> None:
        """Wait until no other transaction holds the lock of that name, then hold it until this one ends."""
        if self.url.get_backend_name() == "postgresql":
            statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
            connection.execute(statement, {"name": f"gridloop.ledger:{name}"})

    def close(self) -> None:
        """Close all connections; in SQLite the last one folds the write-ahead log into the file."""
        self.engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except StatementError as error:
            told = _explain(error, self.shown)
            if told is None:
                raise
            raise told from error


def _checked(url: str) -> URL:
    ways_out = (
        "Leave `ledger_url` out of gridloop.toml: the ledger is then a file in the workspace.",
        "Or name a PostgreSQL database: postgresql://user@host/database",
    )
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError("The url of the ledger cannot be read.", ways_out=ways_out) from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UsageError(f"A ledger cannot be kept in {backend!r}.", ways_out=ways_out)
    if parsed.database in (None, "", ":memory:"):
        raise UsageError("A ledger in memory would be lost with the process.", ways_out=ways_out)
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, json_serializer=canonical_json, connect_args={"timeout": WAIT_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = {"options": f"-c timezone=UTC -c lock_timeout={WAIT_SECONDS * 1000}", "connect_timeout": 10}
    arguments = {name: value for name, value in options.items() if name not in url.query}
    try:
        return create_engine(url, json_serializer=canonical_json, connect_args=arguments, pool_pre_ping=True)
    except ImportError as error:
        raise ServiceMissing(
            "A ledger in PostgreSQL needs the driver psycopg, which is not installed.",
            ways_out=("pip install 'gridloop[postgres]'",),
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Without this the driver opens transactions by itself, and only at the first change.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
    _use_write_ahead_log(connection)
    for setting in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "recursive_triggers = ON",
    ):
        connection.execute(f"PRAGMA {setting}")


def _use_write_ahead_log(connection: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # The switch of a new file does not honour busy_timeout while another process makes the same switch.
            if error.sqlite_errorcode & 0xFF not in (5, 6) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("gridloop_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _explain(error: StatementError, shown: str) -> GridloopError | None:
    cause = error.orig
    if isinstance(cause, GridloopError):
        return cause
    if not isinstance(error, DBAPIError):
        return None
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    if isinstance(error, IntegrityError):
        return LedgerConflict(
            "A rule of the ledger refused the record; nothing was written.",
            evidence={"rule": broken_rule(error)},
        )
    if code in _BUSY or code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LedgerConflict(
            "Another process was writing to the ledger for too long; nothing was written.",
            evidence={"ledger": shown, "waited_seconds": WAIT_SECONDS},
            ways_out=("Run the same command again.", "See who is at work: `gridloop doctor`."),
        )
    if code in _FULL:
        return StorageFull(
            "The disk of the ledger has no room; the write was undone.",
            evidence={"ledger": shown},
            ways_out=("Free space, then run the same command again.",),
        )
    return _unreachable(code, shown)


def _unreachable(code: str, shown: str) -> GridloopError | None:
    if code in _DAMAGED or code.startswith("SQLITE_CORRUPT"):
        return LedgerUnreadable(
            "The ledger is damaged or is no ledger at all.",
            evidence={"ledger": shown, "code": code},
            ways_out=("Restore the ledger from the latest copy.", "Check `ledger_url` in gridloop.toml."),
        )
    if code.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_PERM")):
        return LedgerUnreadable(
            "The file of the ledger cannot be opened or written.",
            evidence={"ledger": shown, "code": code},
            ways_out=("Check that the folder exists and that you may write to it.",),
        )
    if shown.startswith("postgresql") and (not code or code.startswith(("08", "28", "3D", "53", "57P"))):
        return ServiceMissing(
            "The PostgreSQL database of the ledger does not answer or does not let us in.",
            evidence={"ledger": shown, "code": code or "no connection"},
            ways_out=("Start it, or check host, user, password and database in `ledger_url`.",),
        )
    return None


def broken_rule(error: IntegrityError) -> str:
    """The name of the broken rule; never the values of the record, which may be personal (docs/conventions.md §7)."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name or diagnosis.message_primary)
    return str(error.orig)
