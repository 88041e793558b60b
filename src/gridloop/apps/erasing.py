"""Erasing a person from a whole workspace: what `gridloop vault erase` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridloop.apps.jobs.mending import mend
from gridloop.apps.jobs.places import places
from gridloop.domain.errors import UsageError

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.security.erasure import ErasurePlan, Places


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
    from gridloop.security.erasure import erase, needles
    from gridloop.security.search import search_workspace

    require_reference(requester)
    mend(session)
    everywhere = places(session)
    plan = _plan(customer, everywhere)
    wanted = needles(plan, session.vault)
    stone = erase(plan, everywhere, requester=requester, actor="operator")
    hits = search_workspace(session.workspace.root, wanted, vault=session.vault)
    proof = {"place": "proof", "what": "places in any file where the person still stands", "count": len(hits)}
    return [*_rows(plan), proof, {"place": "tombstone", "what": stone.tombstone_id, "count": 1}]


def require_reference(requester: str) -> None:
    """Return when an erasure names the request it answers.

    Raises:
        UsageError: it does not.
    """
    if not requester:
        raise UsageError(
            "An erasure needs the reference of the request it answers.",
            ways_out=("Give it with --requester, such as a case number; not the person's name.",),
        )


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
