"""The version of a ledger's tables, and the way from an older one to this code's (docs/conventions.md §5)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gridloop.domain.errors import WorkspaceVersion
from gridloop.ledger.database import Database
from gridloop.ledger.schema import VERSION_TABLE


@cache
def _scripts() -> ScriptDirectory:
    folder = Path(__file__).parent / "migrations"
    return ScriptDirectory(folder, version_locations=[folder])


def newest() -> str:
    """The revision that this code writes."""
    return str(_scripts().get_current_head())


def revision_of(database: Database) -> str | None:
    """The revision of the database; None when it holds no ledger yet.

    Raises:
        WorkspaceVersion: a newer Gridloop wrote it.
    """
    with database.read() as connection:
        return _revision(connection, database)


def require_newest(database: Database) -> None:
    """Return when the database has exactly the tables that this code expects.

    Raises:
        WorkspaceVersion: it is older, empty or newer; says how to go on.
    """
    found = revision_of(database)
    if found != newest():
        raise WorkspaceVersion(
            "The ledger has no tables yet."
            if found is None
            else "The ledger was written by an older Gridloop and has to be migrated first.",
            evidence={"ledger": database.shown, "revision": found or "none", "this_version_writes": newest()},
            ways_out=(
                "`gridloop doctor --migrate` (make a copy of the ledger before).",
                "From Python: `Ledger.open(url).upgrade()`.",
            ),
        )


def upgrade(database: Database) -> tuple[str, ...]:
    """Take the database to the newest revision, all steps in one transaction.

    A second process that does the same waits, then finds nothing to do. PostgreSQL and SQLite both undo a
    migration that fails half-way, tables included.

    Returns:
        The revisions that were applied, oldest first; empty when there was nothing to do.

    Raises:
        WorkspaceVersion: a newer Gridloop wrote it.
    """
    if revision_of(database) == newest():
        return ()
    with database.write("schema") as connection:
        found = _revision(connection, database)
        steps = [script.revision for script in _scripts().iterate_revisions("heads", found or "base")]
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "fn": _steps_to_head}
        )
        with Operations.context(context):
            context.run_migrations()
    return tuple(reversed(steps))


def _steps_to_head(found: Any, _context: MigrationContext) -> Iterable[Any]:
    return _scripts()._upgrade_revs("head", found)


def _revision(connection: Connection, database: Database) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    found = context.get_current_heads()
    known = {script.revision for script in _scripts().walk_revisions()}
    unknown = [revision for revision in found if revision not in known]
    if unknown:
        raise WorkspaceVersion(
            "The ledger was written by a newer Gridloop.",
            evidence={
                "ledger": database.shown,
                "revision": ", ".join(unknown),
                "this_version_writes": newest(),
            },
            ways_out=("Upgrade Gridloop.",),
        )
    return found[0] if found else None
