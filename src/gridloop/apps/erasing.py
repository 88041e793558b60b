"""Erasing a person from a whole workspace: what `gridloop vault erase` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridloop import __version__
from gridloop.apps.jobs.execute import mend
from gridloop.domain.errors import UsageError

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.data.recipe import SourceFile
    from gridloop.security.erasure import ErasurePlan, Places
    from gridloop.security.layout import FileLayout


def preview(session: Session, customer: str) -> list[dict[str, Any]]:
    """What erasing a customer would take out, by place; nothing is changed.

    Raises:
        PseudonymUnknown: nobody of that id is known here.
    """
    return _rows(_plan(customer, places(session)))


def carry_out(session: Session, customer: str, requester: str) -> list[dict[str, Any]]:
    """Erase a customer; the caller holds the workspace lock.

    Args:
        session: the workspace.
        customer: id as the source writes it, or the pseudonym.
        requester: reference of the request, such as a case number; never a name.

    Returns:
        What was taken out, by place, and the tombstone.

    Raises:
        UsageError: no reference was given.
        PseudonymUnknown, ErasureBlocked: nothing was changed.
    """
    from gridloop.security.erasure import erase

    if not requester:
        raise UsageError(
            "An erasure needs the reference of the request it answers.",
            ways_out=("Give it with --requester, such as a case number; not the person's name.",),
        )
    mend(session)
    everywhere = places(session)
    plan = _plan(customer, everywhere)
    stone = erase(plan, everywhere, requester=requester, actor="operator")
    return [*_rows(plan), {"place": "tombstone", "what": stone.tombstone_id, "count": 1}]


def places(session: Session) -> Places:
    """Everywhere a person may stand in a workspace."""
    from gridloop.ledger.database import Database
    from gridloop.security.erasure import Places
    from gridloop.security.lake_erasure import LakeEraser
    from gridloop.security.ledger_erasure import LedgerOfWorkspace

    ledger = LedgerOfWorkspace(session.ledger, Database(session.workspace.ledger_url), __version__)
    return Places(session.vault, session.landing, LakeEraser(session.lake), ledger, layouts(session))


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
    return {
        r["file_id"]: layout_of(recipes[r["recipe"]].file(r["role"])) for r in rows if r["recipe"] in recipes
    }


def layout_of(file: SourceFile) -> FileLayout:
    """Which columns of a source file hold identifiers, by kind, as its recipe maps them."""
    from gridloop.domain.tables import CATALOGUE
    from gridloop.security.layout import FileLayout
    from gridloop.security.lineage import KINDS

    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for feed in file.feeds:
        spec = CATALOGUE[feed.table]
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


def _plan(customer: str, everywhere: Places) -> ErasurePlan:
    from gridloop.security.erasure import plan_erasure

    return plan_erasure(customer, everywhere)


def _rows(plan: ErasurePlan) -> list[dict[str, Any]]:
    rows = [
        {"place": name.partition(".")[0], "what": name.partition(".")[2], "count": count}
        for name, count in plan.counts.items()
    ]
    rows += [{"place": "stays", "what": what, "count": None} for what in plan.kept]
    rows += [{"place": "blocked", "what": file_id[:12], "count": None} for file_id in plan.blocked]
    return rows
