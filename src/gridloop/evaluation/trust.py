"""Whether an effect may be believed: checks that are made before anybody looks at it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.distributions import fisher_exact
from gridloop.evaluation.units import Units
from gridloop.strategy.experiment import (
    BALANCED_BELOW,
    HOLDOUT,
    SPLIT_ALPHA,
    Balance,
    SplitCheck,
    check_balance,
    check_split,
)

CHANCE_REACH = 3.2905
"""Standard deviations beyond which one in a thousand lies by chance, on both sides together."""


@dataclass(frozen=True, slots=True)
class Attrition:
    """Units that have no outcome, by arm.

    Attributes:
        lost_treated, lost_control: units without an outcome.
        treated, control: units assigned.
        p_value: of one loss in both arms, Fisher's exact test.
    """

    lost_treated: int
    lost_control: int
    treated: int
    control: int
    p_value: float

    @property
    def passed(self) -> bool:
        """Whether the arms lost alike, as far as one can tell."""
        return self.p_value >= SPLIT_ALPHA


@dataclass(frozen=True, slots=True)
class Trust:
    """What was checked of one arm against the holdout.

    Attributes:
        split: units with an outcome against units assigned.
        attrition: units without an outcome.
        balance: the measure before the start, between the arms.
        balance_limit: the difference from which it fails: a tenth of a standard deviation, or what chance alone exceeds
            once in a thousand draws of this size.
        holdout_contacted: units of the holdout that were contacted; any fails.
        days_seen, days_planned: of the window.
    """

    split: SplitCheck | NotComputable
    attrition: Attrition
    balance: Balance | NotComputable
    balance_limit: float
    holdout_contacted: int
    days_seen: int
    days_planned: int

    @property
    def complete(self) -> bool:
        """Whether the whole window has been seen; before that nothing is decided."""
        return self.days_seen >= self.days_planned

    @property
    def failed(self) -> NotComputable | None:
        """The first check that forbids any verdict; None when all that could be made passed."""
        if self.holdout_contacted:
            return NotComputable(
                "holdout_contacted",
                "Units of the holdout were contacted, so that it no longer shows what happens without the offer.",
                {"units": self.holdout_contacted},
            )
        if isinstance(self.split, NotComputable):
            return NotComputable(
                "split_unchecked", f"The split could not be checked: {self.split.reason}", self.split.evidence
            )
        if not self.split.passed:
            return NotComputable(
                "split_failed",
                "The arms are not split as they were assigned.",
                {"observed": dict(self.split.observed), "p_value": self.split.p_value},
            )
        if not self.attrition.passed:
            return NotComputable(
                "attrition_uneven",
                "The arms lost units unevenly, so that those who are left cannot be compared.",
                {"lost_treated": self.attrition.lost_treated, "lost_control": self.attrition.lost_control},
            )
        if isinstance(self.balance, Balance) and abs(self.balance.difference) > self.balance_limit:
            return NotComputable(
                "unbalanced",
                "The arms differed before the start by more than chance explains.",
                {"difference": self.balance.difference, "limit": self.balance_limit},
            )
        return None

    def document(self) -> dict[str, object]:
        """The checks as JSON; one that could not be made has its reason in the place of figures."""
        split, balance = self.split, self.balance
        lost = self.attrition
        return {
            "split": {"passed": None, "reason": split.code}
            if isinstance(split, NotComputable)
            else {
                "passed": split.passed,
                "p_value": split.p_value,
                "observed": dict(split.observed),
                "expected": {arm: round(count, 1) for arm, count in split.expected.items()},
            },
            "attrition": {
                "passed": lost.passed,
                "p_value": lost.p_value,
                "lost_treated": lost.lost_treated,
                "lost_control": lost.lost_control,
                "treated": lost.treated,
                "control": lost.control,
            },
            "balance": {"passed": None, "reason": balance.code}
            if isinstance(balance, NotComputable)
            else {
                "passed": abs(balance.difference) <= self.balance_limit,
                "difference": balance.difference,
                "limit": self.balance_limit,
            },
            "holdout": {"passed": self.holdout_contacted == 0, "contacted": self.holdout_contacted},
            "window": {
                "passed": self.complete,
                "days_seen": self.days_seen,
                "days_planned": self.days_planned,
            },
        }


def check_trust(
    units: Units, arm: str, *, holdout_contacted: int, days_seen: int, days_planned: int
) -> Trust:
    """Check one arm against the holdout.

    Args:
        units: all that were assigned to either.
        arm: name of the arm.
        holdout_contacted: units of the holdout that were contacted.
        days_seen, days_planned: of the window.
    """
    seen = np.isfinite(units.value)
    assigned = {arm: int(units.treated.sum()), HOLDOUT: int((~units.treated).sum())}
    observed = {arm: int((units.treated & seen).sum()), HOLDOUT: int((~units.treated & seen).sum())}
    lost = (assigned[arm] - observed[arm], assigned[HOLDOUT] - observed[HOLDOUT])
    p_value = fisher_exact((lost[0], observed[arm]), (lost[1], observed[HOLDOUT]))
    names = np.where(units.treated, arm, HOLDOUT).tolist()
    balance = check_balance({"before": units.before}, names, treated=arm)["before"]
    known = np.isfinite(units.before)
    sizes = (int((known & units.treated).sum()), int((known & ~units.treated).sum()))
    chance = CHANCE_REACH * math.sqrt(sum(1.0 / size for size in sizes)) if min(sizes) else math.inf
    return Trust(
        split=check_split(observed, assigned),
        attrition=Attrition(*lost, assigned[arm], assigned[HOLDOUT], p_value),
        balance=balance,
        balance_limit=max(BALANCED_BELOW, chance),
        holdout_contacted=holdout_contacted,
        days_seen=days_seen,
        days_planned=days_planned,
    )
