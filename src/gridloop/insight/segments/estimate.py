"""Small estimates with their uncertainty: shares, and the effect that a test could detect."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.domain.share import wilson_interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the ends of its 95 % interval."""

    value: float
    ci_low: float
    ci_high: float


def share_of(part: int, whole: int) -> Estimate | NotComputable:
    """A share with its 95 % interval (`wilson_interval`).

    Args:
        part: how many.
        whole: of how many; none gives `NotComputable("no_customers")`.
    """
    if whole == 0:
        return NotComputable("no_customers", "There is no customer to judge by.", {"customers": 0})
    return Estimate(part / whole, *wilson_interval(part, whole))


@dataclass(frozen=True, slots=True)
class Detectable:
    """The smallest effect on daily energy that a randomised test in a segment could detect.

    Attributes:
        effect_wh: minimum detectable effect, Wh a day.
        effect_pct: the same in percent of the segment's mean.
        units: units that would be randomised, half of them treated.
        unit: `account` where every member has one, else `customer`.
        mean_wh, deviation_wh: mean and standard deviation of daily energy between units.
        correlation: of the covariate with the outcome; 0 without one.
        significance, power: of the two-sided test.
        largest_share: part of Σ (x − mean)² that the one unit farthest from the mean makes up; near 1 that unit decides
            what could be detected.
    """

    effect_wh: float
    effect_pct: float
    units: int
    unit: str
    mean_wh: float
    deviation_wh: float
    correlation: float
    significance: float
    power: float
    largest_share: float


def detectable_effect(
    daily_wh: NDArray[np.float64],
    *,
    unit: str = "account",
    correlation: float = 0.0,
    significance: float = 0.05,
    power: float = 0.8,
) -> Detectable | NotComputable:
    """The minimum detectable effect of a test that treats half of the units, drawn at random.

        effect = (z[1 − α/2] + z[power]) · σ · √(1 − ρ²) · √(1/n_treated + 1/n_control)

    σ is the standard deviation between units (divisor n − 1) and ρ the correlation of a covariate from before the test
    (CUPED). Sources: Bloom 1995, minimum detectable effects; Deng, Xu, Kohavi and Walker 2013 for the factor √(1 − ρ²).
    The outcome is a mean over about as many days as the features' window; a shorter test detects less.

    Args:
        daily_wh: float64[n], mean daily energy of each unit, NaN for absent.
        unit: what is randomised.
        correlation: ρ, between −1 and 1.
        significance: α, two-sided.
        power: probability of detecting the effect.
    """
    known = daily_wh[~np.isnan(daily_wh)]
    units = len(known)
    if units < 4:
        return NotComputable(
            "too_few_units", "Fewer than four members have a known daily energy.", {"units": units}
        )
    mean, deviation = float(known.mean()), float(known.std(ddof=1))
    if not mean > 0:
        return NotComputable("no_consumption", "Members do not use energy on average.", {"mean_wh": mean})
    normal = NormalDist()
    treated = units // 2
    effect = (
        (normal.inv_cdf(1 - significance / 2) + normal.inv_cdf(power))
        * deviation
        * sqrt(1 - correlation**2)
        * sqrt(1 / treated + 1 / (units - treated))
    )
    apart = np.square(known - mean)
    farthest = float(np.max(apart) / np.sum(apart)) if deviation > 0 else 0.0
    return Detectable(
        effect, 100 * effect / mean, units, unit, mean, deviation, correlation, significance, power, farthest
    )  # fmt: skip
