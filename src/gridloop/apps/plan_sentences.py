"""A plan as a manager reads it: one sentence, who is in and out, money, what can be found, what was learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridloop.ledger.approvals import Approval
    from gridloop.ledger.plans import Plan

WEAK = 0.5
"""Power below which a plan is told that it will probably show nothing."""

BUILT_IN = {
    "losing_band": "Belongs to a third that moved the wrong way last time",
    "no_value": "Costs more than it is expected to bring",
    "over_capacity": "Beyond the capacity for contacts",
    "no_channel": "No channel may be used",
}
"""Reasons that do not stand in the play."""


def plan_document(plan: Plan, approvals: list[Approval], campaign: str | None) -> dict[str, Any]:
    """Everything a plan says, for `--json`."""
    return {
        **{name: value for name, value in asdict(plan).items() if name != "content"},
        **asdict(plan.content),
        "approvals": [asdict(approval) for approval in approvals],
        "campaign_id": campaign,
    }


def headline(plan: Plan, currency: str) -> str:
    """What is planned, in one sentence."""
    who: Any = plan.content.audience
    play: Any = plan.content.settings["play"]
    said: Any = plan.content.expectation or {}
    net = said.get("net_value")
    worth = (
        "; what that is worth is not computable"
        if net is None
        else f", with an expected net value of {Decimal(net):,.0f} {currency} over {said['value']['horizon_days']} days"
    )
    return (
        f"{plan.plan_id} ({plan.status}, by {plan.created_by}): offer {play['offer']['tariff']} to {who['treated']:,} "
        f"accounts and hold {who['held_out']:,} out by chance{worth}."
    )


def funnel(plan: Plan) -> list[dict[str, Any]]:
    """From all accounts to those that are offered it: how many go at each step, and why."""
    who: Any = plan.content.audience
    play: Any = plan.content.settings["play"]
    labels = {one["name"]: one["label"]["en"] for one in play["exclusions"]} | BUILT_IN
    rows = [
        {"step": "Accounts", "accounts": who["accounts"]},
        {"step": f"Not meant: {who['rule']}", "accounts": who["considered"] - who["accounts"]},
    ]
    rows += [
        {"step": label, "accounts": -who["excluded"][name]}
        for name, label in labels.items()
        if name in who["excluded"]
    ]
    channels = ", ".join(f"{name} {count:,}" for name, count in plan.content.settings["channels"].items())  # type: ignore[attr-defined]
    return [
        *rows,
        {"step": "Selected", "accounts": who["selected"]},
        {"step": "Held out by chance", "accounts": -who["held_out"]},
        {"step": f"Offered it (first channel: {channels})", "accounts": who["treated"]},
    ]


def money(plan: Plan, currency: str) -> list[dict[str, Any]]:
    """Worth, costs and what is left, with the interval that the effect's interval gives."""
    said: Any = plan.content.expectation or {}
    value, cost = said.get("value", {}), said.get("cost", {})
    amount = f"amount_{currency}"
    rows = []
    if "energy_value" in value:
        name = f"{value['energy_kwh']:,.0f} kWh moved in {value['horizon_days']} days"
        rows.append({"item": name, amount: f"{Decimal(value['energy_value']):,.2f}"})
    labels = {
        "contact": "Messages",
        "enrolment": "Enrolments",
        "saving_borne": "Savings that the utility bears",
    }
    rows += [
        {"item": label, amount: f"{-Decimal(cost[name]):,.2f}"}
        for name, label in labels.items()
        if Decimal(cost.get(name, 0))
    ]
    if said.get("net_value") is not None:
        span = f"{Decimal(value['net_low']):,.0f} … {Decimal(value['net_high']):,.0f}"
        rows.append({"item": f"Net value ({span})", amount: f"{Decimal(said['net_value']):,.2f}"})
    return rows


def losers(value: Mapping[str, Any], currency: str) -> str:
    """What customers gain, and how many would have lost and are left out."""
    saved, lost, most = (
        f"{Decimal(value[name]):,.0f} {currency}"
        for name in ("customers_saving", "losers_loss", "largest_loss")
    )
    return (
        f"Those expected to enrol save {saved} a year if they live on as before. {value['losers_left_out']:,} accounts "
        f"would pay more, {lost} together and {most} at the most; they are not offered it."
    )


def detectable(plan: Plan) -> str:
    """Power and detectable effect in words."""
    said: Any = plan.content.expectation or {}
    who: Any = plan.content.audience
    source = "the playbook" if said.get("source") == "playbook" else f"campaign {said.get('source')}"
    assumed = (
        f"{said.get('assumed_effect_percent', 0):+.1f} % of {said.get('measure')} is assumed, from {source}"
    )
    if said.get("mde_percent") is None or said.get("power") is None:
        reason = said.get("not_computable", {}).get("reason", "not told")
        return f"{assumed}. What could be found cannot be told: {reason}"
    needed = said.get("units_needed")
    enough = "" if needed is None else f" {needed:,} accounts would be needed for 80 %."
    weak = " It will most likely show nothing for certain." if said["power"] < WEAK else ""
    first, last = said["days"]["after"]
    return (
        f"{assumed}. With {who['held_out']:,} held out, {said['mde_percent']:.1f} % or more would be found with 80 % "
        f"power, and what is assumed with {said['power']:.0%}.{enough}{weak} Measured on the days {first} to {last}."
    )


def next_steps(plan: Plan, workspace: Path) -> Iterator[str]:
    """The commands that may follow, the usual one first."""
    where = f"-w {workspace}"
    name = plan.plan_id
    yield from {
        "draft": (f"gridloop campaign submit {name} {where}", f"gridloop campaign cancel {name} {where}"),
        "submitted": (
            f"gridloop approve {name} --as NAME {where}",
            f"gridloop campaign recall {name} {where}",
        ),
        "approved": (f"gridloop campaign launch {name} {where}",),
        "rejected": (f"gridloop campaign cancel {name} {where}",),
        "launched": (f"gridloop campaign list {where}",),
    }.get(plan.status, ())
