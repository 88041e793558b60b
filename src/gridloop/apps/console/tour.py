"""Five steps through the loop: at each one true number of this workspace, what it means, and where to look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridloop.apps.console.overview import stages
from gridloop.apps.console.segments import segment_names
from gridloop.apps.console.standing import campaign_results
from gridloop.apps.remembering import waiting_plans
from gridloop.apps.web.page import Answer, Context, Page, mark

STEPS: tuple[tuple[str, str, str], ...] = (
    (
        "data",
        mark("Data: what came in, and can it be trusted?"),
        mark(
            "Every row that was read is accepted, replaced by a later one, or kept out with a reason. What is missing "
            "stays missing: a gap is never a zero."
        ),
    ),
    (
        "insight",
        mark("Insight: who is alike?"),
        mark(
            "Tags say of each customer what the readings show, with a confidence, or why they cannot. Segments carry a "
            "certificate: how stable they are, and by which plain rule they can be told apart."
        ),
    ),
    (
        "strategy",
        mark("Strategy: whom to offer what?"),
        mark(
            "A plan names who is offered what, who is left out and why, who is held out by chance, and how large an "
            "effect can be found at all. Another person than its author approves it."
        ),
    ),
    (
        "reach",
        mark("Reach: who was written to?"),
        mark(
            "One gate decides at the moment of sending: consent, unsubscription, quiet hours, messages of the last "
            "days. A message goes out once, or is told to be undecided."
        ),
    ),
    (
        "evaluate",
        mark("Evaluate: did it work?"),
        mark(
            "Everyone who was assigned to the offer is compared with those held out by chance, reached or not. Beside "
            "it stands what a comparison before and after would have made believe."
        ),
    ),
)
"""Stage, title, and what is worth knowing there."""


def tour(context: Context) -> Answer:
    """One step of the tour, `?step=1` to 5; rows are all five."""
    asked = context.query.get("step", "")
    step = min(max(int(asked), 1), len(STEPS)) if asked.isdecimal() else 1
    campaigns = campaign_results(context) if context.view.snapshots else []
    told = {one["name"]: one for one in stages(context, campaigns)}
    places = _places(context, campaigns)
    rows = [
        {
            "step": number,
            "stage": name,
            "title": context.text(title),
            "figure": told[name]["figure"],
            "says": told[name]["says"],
            "more": context.text(more),
            "look": places[name][0],
            "href": places[name][1],
        }
        for number, (name, title, more) in enumerate(STEPS, 1)
    ]
    facts: dict[str, Any] = {
        "step": step,
        "steps": len(STEPS),
        "shown": rows[step - 1],
        "imported": bool(context.view.snapshots),
        "how": context.basis(
            context.text(
                "Counts of the tables and records as they are published now; the overview has them too."
            ),
            ("reading", "segment", "customer"),
        ),
    }
    return Answer(rows, facts)


def _places(context: Context, campaigns: list[dict[str, Any]]) -> Mapping[str, tuple[str, str]]:
    """Of each stage the page that is worth a look: what it is called, its address."""
    text = context.text
    found = {
        "data": (text("Quality of the data"), "/data/quality"),
        "insight": (text("Segments"), "/segments"),
        "strategy": (text("Plays"), "/plays"),
        "reach": (text("Campaigns"), "/campaigns"),
        "evaluate": (text("Campaigns"), "/campaigns"),
    }
    if context.view.exists("segment") and (segment := next(iter(segment_names(context)), None)):
        found["insight"] = (text("A segment with its certificate"), f"/segments/{segment}")
    if plan := next(iter(waiting_plans(context.session)), None):
        found["strategy"] = (text("The plan that waits for approval"), f"/plans/{plan.plan_id}")
    if campaigns:
        newest = f"/campaigns/{campaigns[0]['campaign']}"
        found["reach"] = (text("How the newest campaign went"), newest)
        found["evaluate"] = (text("The result, and what would have misled"), f"{newest}/result")
    return found


PAGES = (Page("/tour", mark("A tour in five steps"), "", "tour.html", tour, listed=False),)
