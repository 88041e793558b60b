"""What a plan says, in the reader's language: who is in and out, money, what can be found, what is different."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridloop.apps.plan_sentences import WEAK
from gridloop.apps.web.page import Context, mark
from gridloop.strategy.plan_changes import plan_changes

if TYPE_CHECKING:
    from gridloop.ledger.plans import Plan

REASONS = {
    "losing_band": mark("Belongs to a third that moved the wrong way last time"),
    "no_value": mark("Costs more than it is expected to bring"),
    "over_capacity": mark("Beyond the capacity for contacts"),
    "no_channel": mark("No channel may be used"),
}
"""Reasons that do not stand in the play."""

COSTS = {
    "contact": mark("Messages"),
    "enrolment": mark("Enrolments"),
    "saving_borne": mark("Savings that the utility bears"),
}

CHANGED = (
    mark("the list of accounts (digest)"),
    mark("accounts considered"),
    mark("accounts selected"),
    mark("accounts offered it"),
    mark("accounts held out"),
    mark("share held out"),
    mark("share offered it"),
    mark("channels, first one first"),
    mark("effect assumed, percent"),
    mark("effect assumed, lower end"),
    mark("effect assumed, upper end"),
    mark("where that comes from"),
    mark("share that enrols"),
    mark("detectable effect, percent"),
    mark("power"),
    mark("accounts needed for 80 % power"),
    mark("expected net value"),
    mark("cost"),
)
"""What `plan_changes` calls the changes that matter most; here for translation."""

DECISIONS = {
    "approved": (mark("approved"), "good"),
    "rejected": (mark("rejected"), "bad"),
    "withdrawn": (mark("withdrawn"), "warn"),
}
STANDINGS = {
    "cleared": (mark("may go"), "good"),
    "held": (mark("waits"), "warn"),
    "stopped": (mark("never"), "bad"),
}
GATE_REASONS = {
    "campaign_ended": mark("the campaign has ended"),
    "campaign_waits": mark("the campaign waits"),
    "holdout": mark("held out by chance"),
    "not_assigned": mark("not assigned"),
    "unsubscribed": mark("unsubscribed"),
    "complained": mark("complained"),
    "no_consent": mark("no consent"),
    "bounced": mark("a message came back"),
    "no_address": mark("no address"),
    "frequency_cap": mark("contacted too often already"),
    "quiet_hours": mark("quiet hours"),
}
"""What decisions, and what the gate says with its reasons, are called; with a colour."""

DIGEST = 12
"""Letters of a digest that are shown."""


def funnel(context: Context, plan: Plan) -> list[dict[str, Any]]:
    """From all accounts to those that are offered it: step, kind (`total`, `out` or `left`), accounts, share of all."""
    who: Any = plan.content.audience
    play: Any = plan.content.settings["play"]
    text, words = context.text, context.words
    labels = {one["name"]: words.label(one["label"]) for one in play["exclusions"]}
    labels |= {name: text(label) for name, label in REASONS.items()}
    excluded = who["excluded"]
    ordered = [
        *(name for name in labels if name in excluded),
        *(n for n in sorted(excluded) if n not in labels),
    ]
    steps = [(text("All accounts"), "total", who["accounts"])]
    steps.append((text("Not meant by the play"), "out", who["accounts"] - who["considered"]))
    steps += [(labels.get(name, name), "out", excluded[name]) for name in ordered]
    steps += [
        (text("Selected"), "total", who["selected"]),
        (text("Held out by chance"), "out", who["held_out"]),
        (text("Offered it"), "total", who["treated"]),
    ]
    return [{"step": step, "kind": kind, "accounts": count} for step, kind, count in steps]


def money(context: Context, plan: Plan) -> list[dict[str, Any]]:
    """Worth, costs and what is left: item, amount, low, high, kind."""
    said: Any = plan.content.expectation or {}
    value, cost = said.get("value", {}), said.get("cost", {})
    rows = []
    if "energy_value" in value:
        item = context.text(
            "{kwh} kWh moved in {days} days",
            kwh=context.words.number(float(value["energy_kwh"]), 0),
            days=context.words.number(value["horizon_days"]),
        )
        rows.append(_amount(item, "gain", value["energy_value"]))
    rows += [
        _amount(context.text(label), "cost", -Decimal(cost[name]))
        for name, label in COSTS.items()
        if Decimal(cost.get(name, 0))
    ]
    if said.get("net_value") is not None:
        net = _amount(context.text("Net value"), "net", said["net_value"])
        rows.append(net | {"low": Decimal(value["net_low"]), "high": Decimal(value["net_high"])})
    return rows


def _amount(item: str, kind: str, amount: str | Decimal) -> dict[str, Any]:
    return {"item": item, "kind": kind, "amount": Decimal(amount), "low": None, "high": None}


def power(context: Context, plan: Plan) -> dict[str, Any]:
    """What is assumed and what can be found; `reason` instead where that is not computable."""
    said: Any = plan.content.expectation or {}
    play: Any = plan.content.settings["play"]
    label = play["success"]["primary"]["label"]
    known = said.get("mde_percent") is not None and said.get("power") is not None
    source = said.get("source")
    return {
        "measure": context.words.label(label),
        "assumed": said.get("assumed_effect_percent"),
        "low": said.get("low_effect_percent"),
        "high": said.get("high_effect_percent"),
        "source": None if source in (None, "playbook") else source,
        "known": known,
        "reason": said.get("not_computable", {}).get("reason", ""),
        "mde": said.get("mde_percent"),
        "power": said.get("power"),
        "needed": said.get("units_needed"),
        "weak": known and said["power"] < WEAK,
        "days": said.get("days", {}).get("after"),
    }


def known_lessons(context: Context, plan: Plan) -> list[str]:
    """What earlier campaigns taught, a sentence each, as the plan holds them in two languages."""
    said: Any = plan.content.expectation or {}
    return [str(one[f"text_{context.words.language}"]) for one in said.get("learned", [])]


def changes(context: Context, plan: Plan) -> list[dict[str, Any]] | None:
    """What the plan says otherwise than the one it learned from; lessons stand elsewhere. None for a first plan."""
    former = plan.content.previous_plan_id
    if former is None:
        return None
    before = context.session.ledger.plans.plan(former).content
    return [
        {
            "what": context.text(one.label),
            "named": one.label in CHANGED,
            "before": _shown(context, one.label, one.before),
            "after": _shown(context, one.label, one.after),
        }
        for one in plan_changes(before, plan.content)
        if one.label != "learned"
    ]


def _shown(context: Context, label: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(context.words.cell(part) for part in value)
    if isinstance(value, str) and "digest" in label:
        return value[:DIGEST]
    if label.startswith("share") and isinstance(value, float):
        return context.words.percent(value)
    if label == "power" and isinstance(value, float):
        return context.words.percent(value, 0)
    if label in ("expected net value", "cost") and isinstance(value, str):
        return context.words.money(value)
    return context.words.cell(value)
