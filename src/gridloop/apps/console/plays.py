"""Plays: what is offered to whom, how it is judged, and which of them the loop plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridloop.apps.console.trail import CAMPAIGN_STATUSES, PLAN_STATUSES, status_of
from gridloop.apps.remembering import campaigns_of, plans_of
from gridloop.apps.web.page import Action, Answer, Context, Page, mark
from gridloop.engine.workspace import Workspace
from gridloop.strategy.playbook.store import list_playbooks, load_playbook, playbook_paths

if TYPE_CHECKING:
    from gridloop.strategy.playbook.model import Measure, Playbook

GOALS = {
    "acquire": mark("win customers"),
    "activate": mark("activate"),
    "retain": mark("keep customers"),
    "grow": mark("grow"),
}
"""What a play is for."""


def _used(context: Context) -> tuple[str, ...]:
    """Plays that the loop plans, as the settings say now: a session may have been opened before they changed."""
    return tuple(Workspace.open(context.session.workspace.root).config.playbooks)


def plays_page(context: Context) -> Answer:
    """All plays, with what they offer and whether they are used."""
    root, used = context.session.workspace.root, _used(context)
    rows = [_row(context, one, used) for one in list_playbooks(root)]
    facts = {
        "used": list(used),
        "goals": {name: context.text(text) for name, text in GOALS.items()},
        "basis": context.basis(
            context.text("Playbooks as declared in files: shipped ones and those of this workspace.")
        ),
    }
    return Answer(sorted(rows, key=lambda row: not row["used"]), facts)


def _row(context: Context, one: Playbook, used: tuple[str, ...]) -> dict[str, Any]:
    root = context.session.workspace.root
    return {
        "play": one.name,
        "title": context.words.label(one.title),
        "description": context.words.label(one.description),
        "goal": one.goal,
        "used": one.name in used,
        "offer": one.offer.tariff,
        "instead_of": one.offer.base,
        "held_out": one.holdout.share,
        "own": playbook_paths(root)[one.name].parent == root / "playbooks",
        "plans": len(plans_of(context.session, one.name)),
        "campaigns": len(campaigns_of(context.session, one.name)),
    }


def play_page(context: Context) -> Answer:
    """One play: for whom, who is left out, what is offered, how it is judged, what was made of it."""
    root, words = context.session.workspace.root, context.words
    found = load_playbook(context.parameters["name"], root)
    rows = [
        {
            "reason": words.label(one.label),
            "code": one.name,
            "by": one.rule or one.check,
            "days": one.days,
        }
        for one in found.exclusions
    ]
    success, contact = found.success, found.contact
    facts = {
        "play": _row(context, found, _used(context)),
        "goal": context.text(GOALS[found.goal]),
        "play_version": found.version,
        "audience": found.audience,
        "offer": {
            "tariff": found.offer.tariff,
            "base": found.offer.base,
            "least": found.offer.minimum_saving,
        },
        "holdout": {"share": found.holdout.share, "strata": list(found.holdout.strata)},
        "channels": list(contact.channels),
        "cap": {"messages": contact.cap.messages, "days": contact.cap.days},
        "quiet": {"start": contact.quiet_hours.start, "end": contact.quiet_hours.end},
        "primary": _measure(context, success.primary),
        "secondary": [_measure(context, one) for one in success.secondary],
        "days": {
            "before": success.baseline_days,
            "settle": success.settle_days,
            "after": success.window_days,
        },
        "assumed": {"percent": success.assumed_effect_percent, "source": success.assumed_source},
        "guardrails": {
            "unsubscribed": found.guardrails.unsubscribed_share,
            "bounced": found.guardrails.bounced_share,
            "after": found.guardrails.after_messages,
        },
        "rounds": _rounds(context, found.name),
        "pills": {name: status_of(context, name) for name in PLAN_STATUSES},
        "campaign_pills": {name: status_of(context, name, campaign=True) for name in CAMPAIGN_STATUSES},
        "basis": context.basis(
            context.text("The playbook as declared in its file; nothing of it is computed.")
        ),
    }
    return Answer(rows, facts, heading=words.label(found.title))


def _measure(context: Context, measure: Measure) -> dict[str, Any]:
    hours = ", ".join(f"{one.start}–{one.end}" for one in measure.hours)
    return {"label": context.words.label(measure.label), "hours": hours, "aim": measure.aim}


def _rounds(context: Context, name: str) -> list[dict[str, Any]]:
    """Plans of a play, newest first, with their campaigns."""
    campaigns = {plan.plan_id: one for plan, one in campaigns_of(context.session, name)}
    return [
        {
            "plan": str(plan.plan_id),
            "status": plan.status,
            "made": plan.created_at,
            "campaign": str(campaigns[plan.plan_id].campaign_id) if plan.plan_id in campaigns else None,
            "campaign_status": campaigns[plan.plan_id].status if plan.plan_id in campaigns else None,
        }
        for plan in plans_of(context.session, name)
    ]


def choose(context: Context, fields: Mapping[str, str]) -> str:
    """Use a play, or drop it; doing it twice changes nothing."""
    root, name = context.session.workspace.root, context.parameters["name"]
    wanted = fields.get("verb") == "use"
    with context.session.workspace.lock(command="play use" if wanted else "play drop"):
        workspace = Workspace.open(root)
        used = tuple(one for one in workspace.config.playbooks if one != name)
        if wanted:
            load_playbook(name, root)
            used = (*used, name)
        if set(used) != set(workspace.config.playbooks):
            workspace.with_settings(playbooks=used)
    return f"/plays/{name}"


PAGES = (
    Page("/plays", mark("Plays"), "strategy", "plays.html", plays_page),
    Page("/plays/{name}", mark("Play"), "strategy", "play.html", play_page, listed=False),
)
ACTIONS = (Action("/plays/{name}/choose", choose),)
