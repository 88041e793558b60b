"""Planning one play at a person's wish: for real, through the jobs, or as a rehearsal that changes nothing."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from gridloop.apps.jobs.execute import run_jobs
from gridloop.apps.jobs.job import Progress, silent
from gridloop.apps.jobs.offering import offering_job
from gridloop.apps.jobs.proposing import planning_jobs
from gridloop.apps.planning import Action, Planned, propose, recommend_plays
from gridloop.domain.errors import NothingToDo, UsageError
from gridloop.domain.ids import PlanId
from gridloop.ledger.plans import Plan
from gridloop.strategy.playbook.store import load_playbook

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session


def plan_now(
    session: Session,
    name: str,
    actor: str,
    *,
    dry_run: bool = False,
    threads: int = 2,
    progress: Progress = silent,
) -> Planned:
    """Plan one play, whether the workspace has chosen it or not.

    Args:
        session: the workspace, whose lock is held.
        name: of the play.
        actor: author of what is made.
        dry_run: compute it and change nothing; the plan that comes back is then in no ledger.
        threads: for kernels.
        progress: told about every step.

    Raises:
        UsageError: there is no such play.
        NothingToDo: nothing was imported yet.
    """
    load_playbook(name, session.workspace.root)
    if not session.ledger.runs.published():
        raise NothingToDo(
            "Nothing has been imported yet, so nobody can be addressed.",
            ways_out=("See what can be imported: gridloop import --list",),
        )
    if dry_run:
        return _rehearse(session, name, actor, threads)
    jobs = planning_jobs((name,), only_more=True)
    if not _priced(session, name):
        list(run_jobs(session, [offering_job((name,))], progress=progress, threads=threads, actor=actor))
    done = list(run_jobs(session, jobs, force=True, progress=progress, threads=threads, actor=actor))
    (said,) = (finding for finding in done[-1].report.findings if finding.subject == name)
    plan_id = said.evidence.get("plan")
    plan = session.ledger.plans.plan(str(plan_id)) if plan_id else None
    return Planned(name, Action(said.code.removeprefix("play.")), said.text, plan)


def _rehearse(session: Session, name: str, actor: str, threads: int) -> Planned:
    _require_prices(session, name)
    with closing(session.published()) as view:
        rows = recommend_plays(session, view, [name], threads=threads)
        content = propose(session, view, rows, name, threads=threads)
    if content is None:
        return Planned(name, Action.NOBODY, f"Play {name}: no account would be left to address.")
    now = session.clock.now()
    plan = Plan(PlanId("plan-rehearsed"), "draft", content, content.digest, actor, now, None)
    return Planned(name, Action.SUBMITTED, f"Play {name}: this would be planned; nothing was changed.", plan)


def _priced(session: Session, name: str) -> bool:
    """Whether the play's offer has been priced, by `gridloop run` or by an earlier plan."""
    offer = load_playbook(name, session.workspace.root).offer.tariff
    with closing(session.published()) as view:
        if not view.exists("offer_value"):
            return False
        offers = view.arrow("offer_value", columns=("offer_id",))["offer_id"]
    return bool(pc.any(pc.equal(offers, offer)).as_py())


def _require_prices(session: Session, name: str) -> None:
    """Return when the play's offer has been priced; without prices a rehearsal would find nobody.

    Raises:
        UsageError: it has not.
    """
    if not _priced(session, name):
        raise UsageError(
            f"The offer of play {name!r} has not been priced yet, so its plan cannot be rehearsed.",
            ways_out=(
                f"Use it: gridloop play use {name}, then gridloop run.",
                f"Plan it for real, which prices it first: gridloop campaign plan {name}; a plan can be cancelled.",
            ),
        )
