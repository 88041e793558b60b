"""Everywhere a person may stand in a workspace, as an erasure needs to know it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gridloop import __version__

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.data.recipe import SourceFile
    from gridloop.security.erasure import Places
    from gridloop.security.layout import FileLayout


def places(session: Session) -> Places:
    """Everywhere a person may stand in a workspace."""
    from gridloop.ledger.database import Database
    from gridloop.security.erasure import Places
    from gridloop.security.lake_erasure import LakeEraser
    from gridloop.security.ledger_erasure import LedgerOfWorkspace

    ledger = LedgerOfWorkspace(session.ledger, Database(session.workspace.ledger_url), __version__)
    return Places(
        session.vault,
        session.landing,
        LakeEraser(session.lake),
        ledger,
        layouts(session),
        clock=session.clock,
        outbox=session.workspace.outbox_dir,
        messages_to=session.ledger.sends.messages_to,
    )


def layouts(session: Session) -> dict[str, FileLayout]:
    """Where identifiers stand in every landed file, by file id, from the recipes that read them."""
    from gridloop.data.recipe_store import load_recipe, recipe_paths

    view = session.published()
    if not view.exists("landing_file"):
        return {}
    rows = view.arrow("landing_file", columns=["file_id", "recipe", "role"]).to_pylist()
    view.close()
    known = recipe_paths(session.workspace.root)
    recipes = {
        name: load_recipe(name, session.workspace.root)
        for name in {r["recipe"] for r in rows}
        if name in known
    }
    by_file: dict[str, list[FileLayout | None]] = {}
    for row in rows:
        recipe = recipes.get(row["recipe"])
        by_file.setdefault(row["file_id"], []).append(layout_of(recipe.file(row["role"])) if recipe else None)
    return {
        file_id: _both(found)
        for file_id, parts in by_file.items()
        if (found := [p for p in parts if p]) == parts
    }


def _both(layouts: list[FileLayout]) -> FileLayout:
    """One layout of a file that was landed in several roles: every column that any of them names."""
    kinds = {kind for layout in layouts for kind in layout.ids}
    ids = {
        kind: sorted({c for layout in layouts for c in layout.ids.get(kind, ())}) for kind in sorted(kinds)
    }
    return replace(layouts[0], ids=ids)


def layout_of(file: SourceFile) -> FileLayout | None:
    """Which columns of a source file hold identifiers, by kind, as its recipe maps them.

    None where a mapping function makes rows that tell of people, so that nobody knows which columns it took them from.
    """
    from gridloop.domain.tables import CATALOGUE
    from gridloop.security.layout import FileLayout
    from gridloop.security.lineage import KINDS, id_columns

    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for feed in file.feeds:
        spec = CATALOGUE[feed.table]
        if feed.function is not None and any(feed.table in id_columns(kind) for kind in KINDS):
            return None
        for kind in KINDS:
            for column in spec.columns:
                points = column.references == f"{kind}.{kind}_id" or column.name == f"{kind}_id"
                taken = feed.columns.get(column.name) if points else None
                if taken is not None and taken.column:
                    found[kind].add(taken.column)
    if file.readings is not None and file.readings.meter:
        found["meter"].add(file.readings.meter)
    ids = {kind: sorted(columns) for kind, columns in found.items() if columns}
    return FileLayout(file.format, ids, file.delimiter, file.encoding)
