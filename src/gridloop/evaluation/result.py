"""What is known of a campaign, as a person is told it: effects by their role, checks, and what to do next."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from gridloop.strategy.playbook.model import Measure, Playbook

SMALL_CELL = 15
"""Fewer members than this are not shown (docs/conventions.md §7)."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far the campaign came, in customers.

    Attributes:
        selected: of the plan.
        assigned: by arm.
        sent: to whom a message went out, or may have.
        delivered, opened, accepted, enrolled, unsubscribed, bounced: of those.
    """

    selected: int
    assigned: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    accepted: int = 0
    enrolled: int = 0
    unsubscribed: int = 0
    bounced: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next.

    Attributes:
        code: `wait`, `look`, `guardrail`, `scale`, `scale_unsure`, `stop_cost`, `stop_harm`, `stop_none` or `more`.
        facts: the numbers that its sentence needs.
    """

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CampaignResult:
    """The result of one arm of a campaign, read from the rows of table `effect`.

    Attributes:
        campaign_id, name, status: the campaign.
        play: what it was judged by.
        arm: the arm.
        rows: its effects, `checks` read.
        funnel: how far it came.
        currency: of money.
    """

    campaign_id: str
    name: str
    status: str
    play: Playbook
    arm: str
    rows: Sequence[Mapping[str, Any]]
    funnel: Funnel
    currency: str

    def of_role(self, role: str) -> list[Mapping[str, Any]]:
        """Rows of a role: primary, secondary, exploratory or misleading."""
        return [row for row in self.rows if row["checks"].get("role") == role]

    @property
    def primary(self) -> Mapping[str, Any]:
        """The row that decides."""
        return self.of_role("primary")[0]

    @property
    def checks(self) -> Mapping[str, Any]:
        """The trust checks, money and levels of the primary effect."""
        found: Mapping[str, Any] = self.primary["checks"]
        return found

    @property
    def complete(self) -> bool:
        """Whether the whole window has been seen."""
        return bool(self.checks["window"]["passed"])

    @property
    def money(self) -> Mapping[str, Any] | None:
        """The money document; None where there is no effect to value."""
        money: Mapping[str, Any] = self.checks["money"]
        return None if "reason" in money else money

    def measure(self, name: str) -> Measure:
        """The measure of that name."""
        success = self.play.success
        return next(m for m in (success.primary, *success.secondary) if m.name == name)

    @property
    def guardrails(self) -> dict[str, tuple[float | None, float]]:
        """Share of unsubscribed and of bounced, with its limit; None before enough messages went out."""
        sent, limits = self.funnel.sent, self.play.guardrails
        told = sent >= limits.after_messages
        return {
            "unsubscribed": (self.funnel.unsubscribed / sent if told else None, limits.unsubscribed_share),
            "bounced": (self.funnel.bounced / sent if told else None, limits.bounced_share),
        }

    @property
    def decision(self) -> Decision:
        """What follows from the checks, the effect and the money, in this order (docs/methods/campaign-effect.md)."""
        broken = [name for name, (share, limit) in self.guardrails.items() if (share or 0.0) > limit]
        if broken:
            return Decision("guardrail", {"which": broken})
        if not self.complete:
            window = self.checks["window"]
            left = window["days_planned"] - window["days_seen"]
            return Decision("wait", {"days_left": left, **window})
        if self.primary["value"] is None:
            return Decision("look", {"reason": self.primary["reason"]})
        return self._weighed()

    def _weighed(self) -> Decision:
        low, high = self.primary["ci_low"], self.primary["ci_high"]
        aim = -1 if self.play.success.primary.aim == "less" else 1
        if low <= 0 <= high:
            return self._undecided()
        if aim * self.primary["value"] < 0:
            return Decision("stop_harm")
        if self.money is None:
            return Decision("scale_unsure", {"net": None})
        net = {name: float(amount) for name, amount in self.money["net"].items()}
        if net["ci_low"] > 0:
            return Decision("scale", {"net": net})
        return Decision("scale_unsure" if net["value"] > 0 else "stop_cost", {"net": net})

    def _undecided(self) -> Decision:
        """Whether the trial was large enough for the effect that was assumed; units needed grow with its square."""
        mde, mean = self.primary["mde"], self.checks["control_mean"]
        assumed = abs(self.play.success.assumed_effect_percent)
        target = assumed / 100.0 * mean if mean else 0.0
        units = self.primary["units_treated"] + self.primary["units_control"]
        if not target:
            return Decision("more", {"units": units, "needed": None, "assumed_percent": assumed})
        if mde <= target:
            return Decision(
                "stop_none", {"assumed_percent": assumed, "mde_percent": self.checks["mde_percent"]}
            )
        needed = math.ceil(units * (mde / target) ** 2)
        facts = {"units": units, "needed": needed, "more": needed - units, "assumed_percent": assumed}
        return Decision("more", facts)


def results_of(
    campaign: Mapping[str, str], play: Playbook, effects: pa.Table, funnel: Funnel, currency: str
) -> list[CampaignResult]:
    """The result of every arm of a campaign.

    Args:
        campaign: campaign_id, name, status.
        play: what it was judged by.
        effects: table `effect`; rows of other campaigns are left out.
        funnel: how far it came.
        currency: of the workspace.
    """
    rows = [
        {**row, "checks": json.loads(row["checks"])}
        for row in effects.to_pylist()
        if row["campaign_id"] == campaign["campaign_id"]
    ]
    arms = sorted({row["arm"] for row in rows})
    return [
        CampaignResult(
            campaign["campaign_id"],
            campaign["name"],
            campaign["status"],
            play,
            arm,
            [row for row in rows if row["arm"] == arm],
            funnel,
            currency,
        )
        for arm in arms
    ]
