"""What the overview is told: completeness, the mean day, campaigns as judged, and what waits for a person."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridloop.apps.console.jobs import not_made_good, standing
from gridloop.apps.judged import judged, launched_campaigns
from gridloop.apps.remembering import waiting_plans
from gridloop.apps.web.page import Context, mark
from gridloop.domain.errors import UsageError
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.lookup import Equals
from gridloop.evaluation.report.sentences import decision_line, lead
from gridloop.strategy.playbook.store import load_playbook

if TYPE_CHECKING:
    from gridloop.evaluation.result import CampaignResult
    from gridloop.ledger.campaigns import Campaign
    from gridloop.ledger.plans import Plan

NEWEST = 5
"""Campaigns that are shown."""
STOPPED = "KeyboardInterrupt"
"""Error code of a run that a person has stopped."""
GRAVE = ("error", "critical")
LATE_RULE = "timeliness.stale"
"""The rule of a table that should have gone on."""
STATUSES = {
    "running": (mark("running"), "good"),
    "paused": (mark("paused"), "warn"),
    "stopped": (mark("stopped"), "bad"),
    "finished": (mark("finished"), "calm"),
}
"""What the status of a launched campaign is called, and its colour."""


def completeness_by_day(context: Context) -> list[dict[str, Any]]:
    """Intervals expected and present of every day, over all meters and channels."""

    def look() -> list[dict[str, Any]]:
        rows = context.view.table("completeness")
        days = rows.group_by("day").aggregate(present=rows.present.sum(), expected=rows.expected.sum())
        found: list[dict[str, Any]] = days.order_by("day").to_pyarrow().to_pylist()
        return found

    known: list[dict[str, Any]] = context.remembered("completeness.by_day", look)
    return known


def mean_day(context: Context) -> list[float]:
    """Sum of the mean days (kW) of all meters that draw from the grid, in the commonest number of slots."""

    def look() -> list[float]:
        if not context.view.exists("feature"):
            return []
        rows = context.view.table("feature")
        mine = rows.filter((rows.feature == "mean_profile") & (rows.channel == "import_wh"))
        vectors = [v for v in mine.select("vector").to_pyarrow()["vector"].to_pylist() if v]
        if not vectors:
            return []
        lengths = [len(v) for v in vectors]
        slots = max(set(lengths), key=lengths.count)
        return [sum(v[i] for v in vectors if len(v) == slots) for i in range(slots)]

    known: list[float] = context.remembered("overview.mean_day", look)
    return known


def play_windows(context: Context) -> list[tuple[float, float]]:
    """The hours of the day that the workspace's plays mean to move."""

    def look() -> list[tuple[float, float]]:
        found = set()
        for name in context.session.workspace.config.playbooks:
            try:
                play = load_playbook(name, context.session.workspace.root)
            except UsageError:
                continue
            found |= {(_hours(one.start), _hours(one.end)) for one in play.success.primary.hours}
        return sorted(found)

    known: list[tuple[float, float]] = context.remembered("plays.windows", look)
    return known


def _hours(clock: str) -> float:
    hour, _, minute = clock.partition(":")
    return int(hour) + int(minute or 0) / 60


def campaign_results(context: Context) -> list[dict[str, Any]]:
    """The newest judged campaigns: sentence, decision, effect in percent, money; `result` is the whole."""
    found = []
    for campaign in list(reversed(launched_campaigns(context.session)))[:NEWEST]:
        result = result_of(context, campaign)
        if result is not None:
            found.append(_told(context, campaign, result))
    return found


def result_of(context: Context, campaign: Campaign) -> CampaignResult | None:
    """What a campaign caused, as it was judged last; None before it was judged."""

    def look() -> CampaignResult | None:
        try:
            return judged(context.session, campaign.campaign_id)
        except UsageError:
            return None

    known: CampaignResult | None = context.remembered(f"result.{campaign.campaign_id}", look)
    return known


def _told(context: Context, campaign: Campaign, result: CampaignResult) -> dict[str, Any]:
    language, identity = context.words.language, campaign.campaign_id
    primary = result.primary
    return {
        "campaign": identity,
        "name": context.words.label(result.play.title),
        "status": campaign.status,
        "status_text": context.text(STATUSES[campaign.status][0]),
        "colour": STATUSES[campaign.status][1],
        "started": campaign.starts_at,
        "measure": context.words.label(result.play.success.primary.label),
        "lead": lead(result, language),
        "decision": decision_line(result, language),
        "percent": primary["checks"].get("percent"),
        "trusted": primary["trusted"],
        "reason": primary["reason"],
        "assigned": sum(result.funnel.assigned.values()),
        "sent": result.funnel.sent,
        "enrolled": result.funnel.enrolled,
        "money": result.money,
        "href": context.to(f"/campaigns/{identity}/result", f"/campaigns/{identity}"),
        "result": result,
    }


def todo(context: Context) -> list[dict[str, Any]]:
    """What needs a person, gravest first: stage, what, why, and where to go."""
    return [
        *_failed(context),
        *_undecided(context),
        *(_waiting(context, plan) for plan in waiting_plans(context.session)),
        *_findings(context),
        *_late(context),
        *_stale(context),
    ]


def _failed(context: Context) -> list[dict[str, Any]]:
    return [
        _task(
            "govern",
            context.text("{job} has failed", job=run.job),
            context.text("It was stopped.") if run.error_code == STOPPED else run.error_text or run.outcome,
            context.to("/jobs"),
        )
        for run in not_made_good(context.session.ledger.runs.recent(200))
    ]


def _undecided(context: Context) -> list[dict[str, Any]]:
    count = len(context.session.ledger.sends.undecided())
    if not count:
        return []
    what = context.words.plural(
        "{count} message may or may not have gone out", "{count} messages may or may not have gone out", count
    )
    return [_task("reach", what, context.text("Look at the channel, then say so."), context.to("/campaigns"))]


def _waiting(context: Context, plan: Plan) -> dict[str, Any]:
    words, who = context.words, plan.content.audience
    play: Any = plan.content.settings["play"]
    said: Any = plan.content.expectation or {}
    title = play["title"][words.language]
    what = (
        context.text("Approve the plan “{title}”", title=title)
        if plan.status == "submitted"
        else context.text("Launch the plan “{title}”", title=title)
    )
    net = said.get("net_value")
    why = context.text(
        "{treated} accounts offered, {held} held out; expected net worth {worth}. By {author}, {age}.",
        treated=words.cell(who["treated"]),
        held=words.cell(who["held_out"]),
        worth=words.money(None if net is None else Decimal(net)),
        author=plan.created_by,
        age=words.age(plan.created_at),
    )
    href = context.to(f"/plans/{plan.plan_id}", f"/campaigns/{plan.plan_id}", "/approvals")
    return _task("strategy", what, why, href)


def _findings(context: Context) -> list[dict[str, Any]]:
    if not context.view.exists("quality_finding"):
        return []

    def look() -> list[dict[str, Any]]:
        rows = context.view.arrow("quality_finding", columns=["severity", "rule", "text"]).to_pylist()
        return [row for row in rows if row["severity"] in GRAVE]

    grave: list[dict[str, Any]] = context.remembered("quality.grave", look)
    if not grave:
        return []
    what = context.words.plural(
        "{count} grave finding in the data", "{count} grave findings in the data", len(grave)
    )
    rules = ", ".join(sorted({row["rule"] for row in grave})[:3])
    return [_task("data", what, rules, context.to("/data/quality", "/data"))]


def late_tables(context: Context) -> list[dict[str, Any]]:
    """Tables that should have gone on and did not, as the last check found: name, and how late in English."""
    if not context.view.exists("quality_finding"):
        return []

    def look() -> list[dict[str, Any]]:
        where = [Equals("rule", LATE_RULE)]
        return list(context.view.find("quality_finding", where, ("table_name", "text")).to_pylist())

    known: list[dict[str, Any]] = context.remembered("quality.late", look)
    return [{"table": row["table_name"], "text": row["text"]} for row in known]


def _late(context: Context) -> list[dict[str, Any]]:
    return [
        _task(
            "data",
            context.text(
                "The source of “{table}” is late", table=context.words.label(CATALOGUE[one["table"]].label)
            ),
            context.words.told(one["text"]),
            context.to("/data"),
        )
        for one in late_tables(context)
    ]


def _stale(context: Context) -> list[dict[str, Any]]:
    if not context.view.snapshots:
        return []
    stale = [one["job"] for one in standing(context) if not one["fresh"]]
    if not stale:
        return []
    what = context.words.plural(
        "{count} step is not up to date", "{count} steps are not up to date", len(stale)
    )
    return [_task("govern", what, ", ".join(stale), context.to("/jobs"))]


def _task(stage: str, what: str, why: str, href: str) -> dict[str, Any]:
    return {"stage": stage, "what": what, "why": why, "href": href}
