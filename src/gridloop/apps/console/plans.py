"""Plans: where each stands, and one as a manager reads it before she approves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridloop.apps.approving import require_other_person
from gridloop.apps.console.jobs import whole
from gridloop.apps.console.plan_words import (
    DECISIONS,
    GATE_REASONS,
    STANDINGS,
    changes,
    funnel,
    known_lessons,
    money,
    power,
)
from gridloop.apps.console.trail import CAMPAIGN_STATUSES, PLAN_STATUSES, plan_title, status_of, trail
from gridloop.apps.planning import audience_rows
from gridloop.apps.remembering import MOST
from gridloop.apps.web.page import Action, Answer, Context, Page, address, mark
from gridloop.domain.errors import GridloopError, UsageError

if TYPE_CHECKING:
    from gridloop.ledger.campaigns import Campaign
    from gridloop.ledger.plans import Plan

SHOWN = 20
"""Plans at a time."""
LISTED = 5
"""Accounts of a list that the page shows; `.csv` has all."""

OTHER_PERSON = mark("A plan is decided on by another person than its author.")
"""What `require_other_person` says; here for translation."""


def campaigns_page(context: Context) -> Answer:
    """Plans and campaigns, newest first, with where each stands."""
    ledger = context.session.ledger
    campaigns = {one.plan_id: one for one in ledger.campaigns.recent(MOST)}
    first, wanted = whole(context.query.get("first", "")), context.query.get("status", "")
    found = [plan for plan in ledger.plans.recent(limit=MOST) if not wanted or plan.status == wanted]
    rows = [_row(context, plan, campaigns.get(plan.plan_id)) for plan in found[first : first + SHOWN]]
    facts = {
        "first": first,
        "size": SHOWN,
        "total": len(found),
        "wanted": wanted,
        "statuses": {name: context.text(text) for name, (text, _) in PLAN_STATUSES.items()},
        "pills": {name: status_of(context, name) for name in PLAN_STATUSES},
        "campaign_pills": {name: status_of(context, name, campaign=True) for name in CAMPAIGN_STATUSES},
        "basis": context.basis(
            context.text("Plans and campaigns as they stand in the ledger; worth as the plan expected it.")
        ),
    }
    return Answer(rows, facts, heading=context.text("Plans and campaigns"))


def _row(context: Context, plan: Plan, campaign: Campaign | None) -> dict[str, Any]:
    who: Any = plan.content.audience
    said: Any = plan.content.expectation or {}
    return {
        "plan": str(plan.plan_id),
        "title": plan_title(context, plan),
        "play": plan.content.playbook,
        "plan_status": plan.status,
        "made": plan.created_at,
        "by": plan.created_by,
        "offered": who.get("treated"),
        "held_out": who.get("held_out"),
        "net_value": said.get("net_value"),
        "campaign": None if campaign is None else str(campaign.campaign_id),
        "campaign_status": None if campaign is None else campaign.status,
    }


def _wanted(context: Context) -> Plan:
    return context.session.ledger.plans.plan(context.parameters["plan_id"])


def plan_page(context: Context) -> Answer:
    """One plan: sentence, who and who not, money, what can be found, what was learned, what is different, the list."""
    plan = _wanted(context)
    ledger, content = context.session.ledger, plan.content
    campaign = ledger.campaigns.of_plan(plan.plan_id)
    said: Any = content.expectation or {}
    rows, gone = _list(context, plan)
    facts = {
        "plan": {name: value for name, value in asdict(plan).items() if name != "content"},
        "document": asdict(content),
        "status": status_of(context, plan.status),
        "headline": _headline(context, plan),
        "funnel": funnel(context, plan),
        "money": money(context, plan),
        "losers": said.get("value", {}),
        "power": power(context, plan),
        "lessons": known_lessons(context, plan),
        "changes": changes(context, plan),
        "decisions": [asdict(one) for one in ledger.approvals.of("plan", plan.plan_id)],
        "campaign": None if campaign is None else str(campaign.campaign_id),
        "gone": gone,
        "listed": LISTED,
        "trail": trail(context, plan, "plan"),
        "decided": {name: (context.text(text), colour) for name, (text, colour) in DECISIONS.items()},
        "standings": {name: (context.text(text), colour) for name, (text, colour) in STANDINGS.items()},
        "gate_reasons": GATE_REASONS,
        "gate": _gate(context, plan) if context.query.get("preview") else None,
        "bases": _bases(context),
    }
    return Answer(rows, facts, heading=plan_title(context, plan))


def _list(context: Context, plan: Plan) -> tuple[list[dict[str, Any]], str]:
    """The list, and why it is not there if it is not."""
    try:
        return audience_rows(context.session, plan), ""
    except UsageError as error:
        return [], error.what


def _headline(context: Context, plan: Plan) -> str:
    who: Any = plan.content.audience
    said: Any = plan.content.expectation or {}
    play: Any = plan.content.settings["play"]
    words, net = context.words, said.get("net_value")
    facts = {
        "tariff": play["offer"]["tariff"],
        "treated": words.number(who["treated"]),
        "held": words.number(who["held_out"]),
    }
    if net is None:
        return context.text(
            "Offer {tariff} to {treated} accounts and hold {held} out by chance; what that is worth is not computable.",
            **facts,
        )
    return context.text(
        "Offer {tariff} to {treated} accounts and hold {held} out by chance, with an expected net value of {net} "
        "over {days} days.",
        net=words.money(Decimal(net)),
        days=words.number(said["value"]["horizon_days"]),
        **facts,
    )


def _bases(context: Context) -> dict[str, Any]:
    text = context.text
    return {
        "who": context.basis(
            text(
                "Each account leaves at the first reason that holds; what is left is drawn by chance within strata."
            ),
            ("recommendation", "account", "contract", "consent"),
            "strategy.recommend",
        ),
        "money": context.basis(
            text(
                "Assumed effect × accounts offered × days × worth of a kWh, less messages and enrolments; the range is "
                "that of the assumed effect."
            ),
            ("recommendation", "offer_value", "bill"),
            "strategy.plan",
        ),
        "power": context.basis(
            text(
                "From the spread of the measure among these accounts in the past and how it repeats: the smallest "
                "effect found with 80 % power at 5 %, two-sided."
            ),
            ("reading", "recommendation"),
            "strategy.plan",
        ),
    }


def _gate(context: Context, plan: Plan) -> dict[str, Any]:
    """What a launch would do now; nothing is written."""
    from gridloop.apps.jobs.reaching import reach_over
    from gridloop.reach.orchestrate import launch

    try:
        would = launch(reach_over(context.session, context.view), plan.plan_id, context.actor, dry_run=True)
    except GridloopError as error:
        return {"error": error.what, "ways_out": list(error.ways_out)}
    return {
        "error": "",
        "arms": dict(would.arms),
        "planned": dict(would.planned),
        "unreachable": would.unreachable,
        "gate": [asdict(one) for one in would.gate],
    }


def _who(context: Context, fields: Mapping[str, str]) -> str:
    """Who decides, by the field of the form until there are accounts."""
    name = " ".join(fields.get("who", "").split())
    if not name:
        raise UsageError(
            mark("Say who decides: the form needs a name."), ways_out=(mark("Go back and enter your name."),)
        )
    return name


def decide(context: Context, fields: Mapping[str, str]) -> str:
    """Approve or reject what was seen, as another person than the author."""
    plan, approvals = _wanted(context), context.session.ledger.approvals
    who, reason = _who(context, fields), fields.get("reason", "").strip()
    require_other_person(plan, who)
    seen = fields.get("digest", "")
    if fields.get("decision") == "approve":
        approvals.approve(plan.plan_id, seen, who, reason or None)
    elif not reason:
        raise UsageError(
            mark("A rejection needs a reason."), ways_out=(mark("Go back and say what should be different."),)
        )
    else:
        approvals.reject(plan.plan_id, seen, who, reason)
    return f"/plans/{plan.plan_id}"


def move(context: Context, fields: Mapping[str, str]) -> str:
    """Submit, recall or cancel a plan."""
    plans, identity = context.session.ledger.plans, context.parameters["plan_id"]
    steps = {"submit": plans.submit, "recall": plans.recall, "cancel": plans.cancel}
    step = steps.get(fields.get("verb", ""))
    if step is None:
        raise UsageError(mark("A plan is submitted, recalled or cancelled; nothing else."))
    step(identity, context.actor)
    return f"/plans/{identity}"


def launch_plan(context: Context, fields: Mapping[str, str]) -> str:
    """Launch an approved plan under the workspace lock; sends nothing yet."""
    from gridloop.apps.jobs.reaching import reach_over
    from gridloop.reach.orchestrate import launch

    session, identity = context.session, context.parameters["plan_id"]
    with session.workspace.lock(command="launch"):
        done = launch(reach_over(session, context.view), identity, context.actor)
    return address(f"/campaigns/{done.campaign_id}")


PAGES = (
    Page("/campaigns", mark("Campaigns"), "reach", "campaigns.html", campaigns_page),
    Page("/plans/{plan_id}", mark("Plan"), "strategy", "plan.html", plan_page, listed=False),
)
ACTIONS = (
    Action("/plans/{plan_id}/decide", decide),
    Action("/plans/{plan_id}/move", move),
    Action("/plans/{plan_id}/launch", launch_plan),
)
