"""Before a campaign: how many units it takes, who is held out, and whether the split can be trusted.

Formulas, sources and limits: docs/methods/experiment.md.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from gridloop.domain.errors import UsageError
from gridloop.domain.finding import NotComputable

HOLDOUT = "holdout"
"""Arm that no channel may reach (docs/conventions.md §6)."""

SPLIT_ALPHA = 0.001
"""A split less likely than this did not come from the assignment (docs/conventions.md §6)."""

BALANCED_BELOW = 0.1
"""Standardised mean differences up to this size count as balanced (Austin 2009)."""

_NORMAL = NormalDist()


class DesignSettings(BaseModel):
    """What a design's power depends on, besides the number of units and the spread of the outcome."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="Two-sided level of the test.")
    power: float = Field(
        default=0.8, gt=0.5, lt=1, description="Chance of finding an effect of the stated size."
    )
    treated_share: float = Field(default=0.5, gt=0, lt=1, description="Share of the units that are treated.")
    cluster_size: float = Field(
        default=1, ge=1, description="Mean number of units that are assigned together (feeder, community)."
    )
    intraclass_correlation: float = Field(
        default=0, ge=0, le=1, description="Correlation of the outcome between units of one cluster."
    )
    covariate_correlation: float = Field(
        default=0,
        gt=-1,
        lt=1,
        description="Correlation of the outcome with its pre-period value, when the estimate is adjusted for it.",
    )

    @property
    def variance_factor(self) -> float:
        """Variance relative to single units without adjustment: (1 + (m − 1) · ICC) · (1 − ρ²).

        Kish (1965) for clusters; Deng, Xu, Kohavi and Walker (2013) for the adjustment.
        """
        design_effect = 1.0 + (self.cluster_size - 1.0) * self.intraclass_correlation
        return design_effect * (1.0 - self.covariate_correlation**2)

    @property
    def critical(self) -> float:
        """z at 1 − α/2."""
        return _NORMAL.inv_cdf(1.0 - self.alpha / 2.0)

    @property
    def reach(self) -> float:
        """Standard errors an effect must measure: z at 1 − α/2 plus z at the power."""
        return self.critical + _NORMAL.inv_cdf(self.power)


DEFAULT_DESIGN = DesignSettings()


def standard_error(units: float, deviation: float, design: DesignSettings = DEFAULT_DESIGN) -> float:
    """Standard error of a difference of means: σ · sqrt(factor · (1/n₁ + 1/n₀)), in the unit of `deviation`.

    Args:
        units: treated and control together.
        deviation: standard deviation of the outcome between units.
        design: shares, clusters, adjustment.
    """
    treated = units * design.treated_share
    return deviation * math.sqrt(design.variance_factor * (1.0 / treated + 1.0 / (units - treated)))


def minimum_detectable_effect(
    units: int, deviation: float, design: DesignSettings = DEFAULT_DESIGN
) -> float | NotComputable:
    """The smallest effect that is found with the stated power, in the unit of `deviation`.

    Formula: (z₁₋α/₂ + z_power) · standard error, with z²/2 fewer independent units than there are, because the spread
    is estimated too (Guenther 1981: z²/4 an arm).

    Returns:
        the effect; `too_few_units` when fewer than two clusters an arm are left, `no_variation` without spread.
    """
    clusters = units / design.cluster_size
    smaller = clusters * min(design.treated_share, 1.0 - design.treated_share)
    effective = clusters - _lost_to_estimation(design)
    if smaller < 2 or effective <= 0:
        return NotComputable(
            "too_few_units",
            "An arm of fewer than two independent units shows no effect.",
            {"units": units, "clusters_in_smaller_arm": round(smaller, 2)},
        )
    if not deviation > 0:
        return NotComputable("no_variation", "The outcome does not vary between units.", {"units": units})
    return design.reach * standard_error(effective * design.cluster_size, deviation, design)


def _lost_to_estimation(design: DesignSettings) -> float:
    """Clusters that estimating the variance costs: z²/4 an arm (Guenther 1981), so z²/2 in all."""
    return design.critical**2 / 2.0


def power_of(effect: float, units: int, deviation: float, design: DesignSettings = DEFAULT_DESIGN) -> float:
    """Chance that a true effect of this size is found: Φ(|effect| / SE − z₁₋α/₂) + Φ(−|effect| / SE − z₁₋α/₂).

    Args:
        effect: in the unit of `deviation`.
        units: treated and control together.
        deviation: standard deviation of the outcome between units, above 0.
        design: shares, clusters, adjustment; its `power` is not used.
    """
    effective = units / design.cluster_size - _lost_to_estimation(design)
    if effective <= 0:
        return design.alpha
    distance = abs(effect) / standard_error(effective * design.cluster_size, deviation, design)
    return _NORMAL.cdf(distance - design.critical) + _NORMAL.cdf(-distance - design.critical)


def units_needed(effect: float, deviation: float, design: DesignSettings = DEFAULT_DESIGN) -> int:
    """Units, treated and control together, with which an effect of this size is found with the stated power.

    Args:
        effect: in the unit of `deviation`, not 0.
        deviation: standard deviation of the outcome between units.
        design: shares, clusters, adjustment.
    """
    share = design.treated_share
    factor = design.variance_factor / (share * (1.0 - share))
    plain = factor * (design.reach * deviation / effect) ** 2
    return math.ceil(plain + _lost_to_estimation(design) * design.cluster_size)


def assign(units: pa.Table, shares: Mapping[str, float], *, seed: int) -> pa.Table:
    """Draw arms at random within strata, the same ones for the same seed on any machine.

    In each stratum the units are ordered by SHA-256 of seed, stratum and unit and cut by the arms' shares. A count is
    the exact share rounded up or down; what rounding took from an arm in one stratum is given back in the next, so that
    many small strata still add up to the shares.

    Args:
        units: `unit_id`; `stratum` (string, optional); `cluster_id` (string, optional): units of one cluster get one
            arm, and a cluster lies in one stratum.
        shares: arm to its share; adds up to 1. The arm that is never contacted is `holdout`.
        seed: stored with the campaign; never drawn again after results are seen.

    Returns:
        a row per unit, in the order given: unit_id, arm, stratum, seed, probability (the share of this arm in the
        stratum as drawn), fitting the ledger's `assignment`.

    Raises:
        UsageError: shares are not shares, a unit comes twice, or a cluster lies in two strata.
    """
    _check_shares(shares)
    names = units["unit_id"].to_pylist()
    strata = units["stratum"].to_pylist() if "stratum" in units.column_names else [None] * len(names)
    drawn = units["cluster_id"].to_pylist() if "cluster_id" in units.column_names else names
    if len(set(names)) != len(names):
        raise UsageError("A unit comes twice; it would be in two arms.", evidence={"rows": len(names)})
    stratum_of: dict[str, str | None] = {}
    for one, stratum in zip(drawn, strata, strict=True):
        if stratum_of.setdefault(one, stratum) != stratum:
            raise UsageError("A cluster lies in two strata; it can be drawn in one only.")
    arms, probabilities = _draw(stratum_of, shares, seed)
    return pa.table(
        {
            "unit_id": pa.array(names, pa.string()),
            "arm": pa.array([arms[one] for one in drawn], pa.string()),
            "stratum": pa.array(strata, pa.string()),
            "seed": pa.array([seed] * len(names), pa.int64()),
            "probability": pa.array([probabilities[one] for one in drawn], pa.float64()),
        }
    )


def _check_shares(shares: Mapping[str, float]) -> None:
    if len(shares) < 2 or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1.0) > 1e-9:
        raise UsageError(
            "Shares of the arms must be above 0 and add up to 1, for two arms or more.",
            evidence=dict(shares),
            ways_out=(f"Such as {{'{HOLDOUT}': 0.1, 'offer': 0.9}}.",),
        )


def _draw(
    stratum_of: Mapping[str, str | None], shares: Mapping[str, float], seed: int
) -> tuple[dict[str, str], dict[str, float]]:
    members: dict[str | None, list[str]] = defaultdict(list)
    for one, stratum in stratum_of.items():
        members[stratum].append(one)
    carried = dict.fromkeys(sorted(shares), 0.0)
    arms: dict[str, str] = {}
    probabilities: dict[str, float] = {}
    for stratum in sorted(members, key=lambda name: (name is not None, name or "")):
        ordered = sorted(members[stratum], key=lambda one: draw_order(seed, stratum, one))
        counts = _counts(len(ordered), shares, carried)
        first = 0
        for arm, count in counts.items():
            for one in ordered[first : first + count]:
                arms[one], probabilities[one] = arm, count / len(ordered)
            first += count
    return arms, probabilities


def _counts(size: int, shares: Mapping[str, float], carried: dict[str, float]) -> dict[str, int]:
    """Units of each arm in a stratum by largest remainder; `carried` keeps what rounding took or gave."""
    counts = {arm: math.floor(size * shares[arm] + 1e-9) for arm in carried}
    owed = {arm: carried[arm] + size * shares[arm] - counts[arm] for arm in carried}
    seats = size - sum(counts.values())
    for arm in sorted(owed, key=lambda arm: (-round(owed[arm], 9), arm))[:seats]:
        counts[arm] += 1
        owed[arm] -= 1.0
    carried.update(owed)
    return counts


def draw_order(seed: int, stratum: str | None, unit: str) -> bytes:
    """What units of a stratum are ordered by: SHA-256 of seed, stratum and unit, each with its length before it."""
    parts = [str(seed), "" if stratum is None else f"={stratum}", unit]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True)
class SplitCheck:
    """Whether the units that were observed are split as assigned.

    Attributes:
        observed, expected: units by arm.
        statistic: Pearson's chi-square.
        p_value: chance of such a split or a worse one when nothing was lost.
        passed: p_value ≥ 0.001.
    """

    observed: Mapping[str, int]
    expected: Mapping[str, float]
    statistic: float
    p_value: float

    @property
    def passed(self) -> bool:
        """Whether an effect may be reported (docs/conventions.md §6)."""
        return self.p_value >= SPLIT_ALPHA


def check_split(observed: Mapping[str, int], expected: Mapping[str, float]) -> SplitCheck | NotComputable:
    """Sample ratio check by chi-square, Σ (observed − expected)² / expected (Fabijan and others 2019).

    Args:
        observed: units with an outcome, by arm.
        expected: units assigned, or shares, by the same arms; scaled to the number observed.

    Returns:
        the check; `too_few_units` when an arm is expected to have fewer than five.

    Raises:
        UsageError: the arms differ.
    """
    if set(observed) != set(expected):
        raise UsageError(
            "The arms observed are not the arms assigned.", evidence={"observed": sorted(observed)}
        )
    total, shares = sum(observed.values()), sum(expected.values())
    scaled = {arm: total * value / shares for arm, value in expected.items()} if shares else {}
    if not scaled or min(scaled.values()) < 5 or len(scaled) < 2:
        return NotComputable(
            "too_few_units", "A split is checked with five expected units or more an arm.", {"units": total}
        )
    statistic = sum((observed[arm] - scaled[arm]) ** 2 / scaled[arm] for arm in scaled)
    return SplitCheck(dict(observed), scaled, statistic, chi_square_tail(statistic, len(scaled) - 1))


def chi_square_tail(statistic: float, df: int) -> float:
    """P(χ² with `df` ≥ 1 degrees of freedom > statistic), by its finite series (Abramowitz and Stegun 26.4.4–5)."""
    if statistic <= 0:
        return 1.0
    half = statistic / 2.0
    if df % 2 == 0:
        terms = [math.exp(-half + k * math.log(half) - math.lgamma(k + 1)) for k in range(df // 2)]
        return min(1.0, math.fsum(terms))
    terms = [
        math.exp(-half + (k + 0.5) * math.log(half) - math.lgamma(k + 1.5)) for k in range((df - 1) // 2)
    ]
    return min(1.0, math.erfc(math.sqrt(half)) + math.fsum(terms))


@dataclass(frozen=True, slots=True)
class Balance:
    """How far one covariate differs between the arms before anything happened.

    Attributes:
        covariate: its name.
        difference: (mean treated − mean control) / sqrt((s²treated + s²control) / 2).
    """

    covariate: str
    difference: float

    @property
    def balanced(self) -> bool:
        """Whether it is at most a tenth of a standard deviation; in small groups chance alone exceeds that."""
        return abs(self.difference) <= BALANCED_BELOW


def check_balance(
    covariates: Mapping[str, ArrayLike], arms: Sequence[str], *, treated: str, control: str = HOLDOUT
) -> dict[str, Balance | NotComputable]:
    """Standardised mean differences between two arms, for each covariate.

    Args:
        covariates: name to float[n], a value per unit, NaN where not known.
        arms: the arm of each unit.
        treated, control: the arms compared.

    Returns:
        by covariate; `too_few_units` with fewer than two values in an arm, `no_variation` where all values are equal.
    """
    arm = np.asarray(arms, dtype=object)
    found: dict[str, Balance | NotComputable] = {}
    for name, given in covariates.items():
        values = np.asarray(given, dtype=np.float64)
        one, other = (values[(arm == which) & np.isfinite(values)] for which in (treated, control))
        if min(len(one), len(other)) < 2:
            evidence = {"treated": len(one), "control": len(other)}
            found[name] = NotComputable("too_few_units", "An arm has fewer than two known values.", evidence)
            continue
        spread = math.sqrt((float(one.var(ddof=1)) + float(other.var(ddof=1))) / 2.0)
        if spread == 0:
            found[name] = NotComputable("no_variation", "The covariate does not vary within the arms.")
        else:
            found[name] = Balance(name, float(one.mean() - other.mean()) / spread)
    return found
