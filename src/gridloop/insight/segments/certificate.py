"""What is known of a segment before anyone acts on it: the certificate, as values and as the stored document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.insight.segments.contactable import Reachable
from gridloop.insight.segments.estimate import Detectable, Estimate
from gridloop.insight.tags.frame import CustomerFrame

Float64 = NDArray[np.float64]

STABLE = 0.7
"""Mean Jaccard similarity below which a cluster is called unstable (Hennig 2007)."""


@dataclass(frozen=True, slots=True)
class PeakShare:
    """The members' part of the load at the hour at which the mean day of all customers is highest.

    Attributes:
        value: share of that hour's mean power.
        hour: 0 to 23 on the wall clock.
        customers: customers whose mean profile is known, members or not.
    """

    value: float
    hour: int
    customers: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a segment is, how far it can be trusted and what can be done with it.

    Attributes:
        method: rule or cluster.
        definition: what makes a member: the rule, or what was clustered and among whom.
        plain_rule: rule of at most three questions a leaf; for a rule segment the rule itself.
        rule_precision, rule_recall: of the plain rule among customers held out of every fit.
        held_out: customers it was judged by.
        members, population: customers in the segment, and among whom it was sought.
        peak_share: see `PeakShare`.
        mean_shape: share of the mean day's energy by hour; 24 numbers that sum to 1.
        stability: mean bootstrap Jaccard similarity, with the 2.5 % and 97.5 % quantiles of the rounds.
        verdict: stable, unstable, or fixed for a rule, which does not depend on who else is there.
        reachable: members who may be contacted.
        detectable: see `Detectable`.
        notes: further numbers, such as the index by which the number of clusters was chosen.
    """

    method: str
    definition: str
    plain_rule: str | NotComputable
    rule_precision: Estimate | NotComputable
    rule_recall: Estimate | NotComputable
    held_out: int
    members: int
    population: int
    peak_share: PeakShare | NotComputable
    mean_shape: tuple[float, ...] | NotComputable
    stability: Estimate | NotComputable
    verdict: str
    reachable: Reachable | NotComputable
    detectable: Detectable | NotComputable
    notes: Mapping[str, object]

    def document(self) -> str:
        """The certificate as JSON; what cannot be computed is `{"not_computable": code, "reason": sentence}`."""
        fields = {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}
        return json.dumps(fields, ensure_ascii=False, sort_keys=True)


def _plain(value: object) -> object:
    if isinstance(value, NotComputable):
        return {"not_computable": value.code, "reason": value.reason, **value.evidence}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(item) for name, item in asdict(value).items()}
    return _rounded(value)


def _rounded(value: object) -> object:
    """Eight significant digits: beyond them numbers differ between processors, not between customers."""
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, tuple | list):
        return [_rounded(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    return value


def peak_share(
    frame: CustomerFrame, members: NDArray[np.bool_], least_known: float = 0.8
) -> PeakShare | NotComputable:
    """The members' share of the mean power at the system's peak hour.

        share = Σ_members P_i(h) / Σ_all P_i(h),   h = the hour of greatest Σ_all P_i(h)

    P_i is the mean profile of customer i. This is the peak of the mean day, not of the day of highest load, which
    features do not hold.

    Args:
        frame: all customers.
        members: bool[customers].
        least_known: share of the customers with a meter whose profile must be known.
    """
    metered = ~np.isnan(frame.number("days_used"))
    known = ~np.isnan(frame.profiles).any(axis=1)
    if known.sum() < least_known * max(1, metered.sum()):
        counts = {"known": int(known.sum()), "metered": int(metered.sum())}
        return NotComputable("too_few_profiles", "Too few customers have a complete mean profile.", counts)
    system = frame.profiles[known].sum(axis=0)
    hour = int(system.argmax())
    if not system[hour] > 0:
        return NotComputable("no_consumption", "Customers feed in at every hour of the mean day.")
    value = float(frame.profiles[known & members, hour].sum() / system[hour])
    return PeakShare(value, hour, int(known.sum()))


def mean_shape(
    frame: CustomerFrame, members: NDArray[np.bool_], least: int
) -> tuple[float, ...] | NotComputable:
    """The members' mean day as shares of its energy by hour: Σ P_i(h) / Σ_h Σ P_i(h).

    Args:
        frame: all customers.
        members: bool[customers].
        least: members with a known profile below which their mean would tell of single customers.
    """
    known = members & ~np.isnan(frame.profiles).any(axis=1)
    if known.sum() < least:
        return NotComputable("too_few_profiles", f"Fewer than {least} members have a complete mean profile.")
    day = frame.profiles[known].sum(axis=0)
    if not day.sum() > 0:
        return NotComputable("no_consumption", "Members feed in more than they use.")
    return tuple((day / day.sum()).tolist())


def stability_of(jaccard: Float64) -> Estimate:
    """Mean and the middle 95 % of the bootstrap rounds of one cluster; float64[rounds]."""
    low, high = np.quantile(jaccard, [0.025, 0.975])
    return Estimate(float(jaccard.mean()), float(low), float(high))


def verdict_of(stability: Estimate | NotComputable) -> str:
    """stable from 0.7 on, unstable below; fixed where there is nothing to draw anew."""
    if isinstance(stability, NotComputable):
        return "fixed"
    return "stable" if stability.value >= STABLE else "unstable"
