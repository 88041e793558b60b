"""The jobs `strategy.recommend` and `strategy.plan`: who is worth contacting, and the plan a person has to approve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gridloop.apps.jobs.definitions import follows
from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Stage
from gridloop.ledger.plans import same_person

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session

METERED = ("reading", "meter", "meter_history", "account", "contract")
JUDGED = ("effect", "outcome")


def planning_jobs(more: tuple[str, ...] = (), *, only_more: bool = False) -> tuple[Job, ...]:
    """The two jobs.

    Args:
        more: plays besides those that the workspace has chosen.
        only_more: make plans for those alone; recommendations are made for all.
    """
    named = {"plays": more} if more else {}
    return (
        Job(
            "strategy.recommend",
            Stage.STRATEGY,
            "Say whom each play is for, who is left out and why, and who is best",
            reads=(
                *METERED,
                *JUDGED,
                "feature", "bill", "customer", "tariff_assignment", "consent", "offer_value", "recommendation",
            ),
            writes=("recommendation",),
            run=partial(_recommend, more=more),
            settings=named,
            depends=partial(_recommendations_follow, more=more),
        ),
        Job(
            "strategy.plan",
            Stage.STRATEGY,
            "Make the plan of each play and hand it in for approval",
            reads=(*METERED, *JUDGED, "recommendation"),
            writes=(),
            run=partial(_plan, more=more, only_more=only_more),
            settings=named,
            depends=_plans_follow,
        ),
    )  # fmt: skip


def _recommend(context: JobContext, *, more: tuple[str, ...]) -> JobReport:
    from gridloop.apps.planning import recommend_plays
    from gridloop.apps.remembering import kept_plays

    plays = _plays(context.session, more)
    kept = kept_plays(context.session, plays)
    former = context.view.arrow("recommendation")
    if not plays and not former.num_rows:
        return JobReport({"accounts": 0, "selected": 0})
    context.progress("recommending", 0, 1)
    fresh = recommend_plays(
        context.session, context.view, [play for play in plays if play not in kept], threads=context.threads
    )
    stays = former.filter(pc.is_in(former["playbook"], pa.array(sorted(kept), pa.string())))
    rows = pa.concat_tables([stays, fresh.cast(stays.schema)])
    context.writer.replace("recommendation", rows)
    context.progress("recommending", 1, 1)
    selected = pc.sum(pc.equal(rows["decision"], "selected")).as_py() or 0
    return JobReport({"accounts": rows.num_rows, "selected": selected}, tuple(_audiences(fresh)))


def _audiences(rows: pa.Table) -> Iterable[Finding]:
    """How many each play is for, and why the others are left out."""
    for play in pc.unique(rows["playbook"]).to_pylist():
        mine = rows.filter(pc.equal(rows["playbook"], play))
        reasons = {r["values"]: r["counts"] for r in pc.value_counts(mine["reason"]).to_pylist()}
        selected = reasons.pop(None, 0)
        yield Finding(
            "play.audience",
            f"Play {play!r} is for {mine.num_rows:,} accounts; {selected:,} of them are worth contacting now.",
            dict(sorted(reasons.items())),
            Severity.INFO,
            "recommendation",
            play,
        )


def _plan(context: JobContext, *, more: tuple[str, ...], only_more: bool) -> JobReport:
    from gridloop.apps.planning import Action, plan_play

    session = context.session
    plays = list(more) if only_more else _plays(session, more)
    rows = context.view.arrow("recommendation")
    counts = dict.fromkeys((action.value for action in Action), 0)
    findings = []
    for place, name in enumerate(plays):
        context.progress("planning", place, len(plays))
        planned = plan_play(session, context.view, rows, name, context.actor, threads=context.threads)
        counts[planned.action] += 1
        found = {"plan": planned.plan.plan_id, "status": planned.plan.status} if planned.plan else {}
        findings.append(
            Finding(f"play.{planned.action.value}", planned.text, found, Severity.INFO, "plan", name)
        )
    return JobReport({name: count for name, count in counts.items() if count}, tuple(findings))


def _plays(session: Session, more: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys((*session.workspace.config.playbooks, *more)))


def _recommendations_follow(session: Session, *, more: tuple[str, ...]) -> Mapping[str, object]:
    """The plays and what they name, the day, and what the ledger knows of customers and campaigns."""
    from gridloop.apps.remembering import kept_plays, ledger_facts

    with closing(session.published()) as view:
        facts = ledger_facts(session, view).digest
    zone = ZoneInfo(session.workspace.config.zone)
    return {
        **_definitions(session),
        "kept": sorted(kept_plays(session, _plays(session, more))),
        "campaigns": _campaigns(session),
        "day": session.clock.now().astimezone(zone).date().isoformat(),
        "facts": facts,
    }


def _plans_follow(session: Session) -> Mapping[str, object]:
    """The plays, where plans and campaigns stand, and which plans are those of the person who acts."""
    from gridloop.apps.remembering import MOST

    plans = sorted(
        (plan.plan_id, plan.status, plan.digest, same_person(plan.created_by, session.actor))
        for plan in session.ledger.plans.recent(limit=MOST)
    )
    return {**_definitions(session), "campaigns": _campaigns(session), "plans": plans}


def _campaigns(session: Session) -> list[tuple[str, str]]:
    from gridloop.apps.remembering import MOST

    return sorted((c.campaign_id, c.status) for c in session.ledger.campaigns.recent(MOST))


def _definitions(session: Session) -> dict[str, object]:
    """Which plays are chosen, and digests of the files that they and what they name are read from."""
    plays = session.workspace.config.playbooks
    return {"plays": plays, **follows("playbooks", "tariffs", "tags")(session)}


JOBS: tuple[Job, ...] = planning_jobs()
"""In the order of the loop."""
