"""Where an object came from and what it led to: source, segment, play, plan, campaign, result, next plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridloop.apps.remembering import MOST
from gridloop.apps.web.page import Context, mark

if TYPE_CHECKING:
    from gridloop.ledger.plans import Plan

PLAN_STATUSES = {
    "draft": (mark("draft"), "calm"),
    "submitted": (mark("waits for approval"), "warn"),
    "approved": (mark("approved"), "good"),
    "rejected": (mark("rejected"), "bad"),
    "launched": (mark("launched"), "good"),
    "cancelled": (mark("cancelled"), "calm"),
    "finished": (mark("finished"), "calm"),
}
CAMPAIGN_STATUSES = {
    "scheduled": (mark("launch was cut off"), "bad"),
    "running": (mark("running"), "good"),
    "paused": (mark("paused"), "warn"),
    "stopped": (mark("stopped"), "bad"),
    "finished": (mark("finished"), "calm"),
}
"""What a status is called, and its colour."""


def status_of(context: Context, status: str, *, campaign: bool = False) -> tuple[str, str]:
    """A status in the reader's language with its colour, for the macro `pill`."""
    text, colour = (CAMPAIGN_STATUSES if campaign else PLAN_STATUSES)[status]
    return context.text(text), colour


def plan_title(context: Context, plan: Plan) -> str:
    """The title of a plan's play as it was planned."""
    play: Any = plan.content.settings["play"]
    return context.words.label(play["title"])


def trail(context: Context, plan: Plan, here: str) -> list[dict[str, Any]]:
    """The loop around a plan, in its order: name, text, address (empty where there is nothing yet), whether it is here.

    Args:
        context: of the request.
        plan: the plan in the middle.
        here: `plan`, `campaign` or `result`.
    """
    ledger, content = context.session.ledger, plan.content
    campaign = ledger.campaigns.of_plan(plan.plan_id)
    following = [
        one for one in ledger.plans.recent(limit=MOST) if one.content.previous_plan_id == plan.plan_id
    ]
    former, name = content.previous_plan_id, content.playbook
    steps = [
        ("source", context.text("Sources"), context.to("/data")),
        ("segment", context.text("Segments"), context.to("/segments")),
        ("play", context.text("Play"), context.to(f"/plays/{name}")),
        ("former", context.text("Plan before"), context.to(f"/plans/{former}") if former else ""),
        ("plan", context.text("Plan"), context.to(f"/plans/{plan.plan_id}")),
    ]
    steps.append(
        (
            "campaign",
            context.text("Campaign"),
            context.to(f"/campaigns/{campaign.campaign_id}") if campaign else "",
        )
    )
    steps.append(
        (
            "result",
            context.text("Result"),
            context.to(f"/campaigns/{campaign.campaign_id}/result") if campaign else "",
        )
    )
    then = context.to(f"/plans/{following[0].plan_id}") if following else ""
    steps.append(("next", context.text("Next plan"), then))
    return [
        {"step": step, "text": text, "href": href, "here": step == here}
        for step, text, href in steps
        if step != "former" or href
    ]
