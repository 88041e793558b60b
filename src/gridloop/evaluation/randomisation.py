"""Randomisation inference on a difference of means: by exchanging labels, without a distribution assumed.

The statistic is studentised (Welch), so that the test also holds asymptotically when the groups vary differently
(Janssen 1997; Chung and Romano 2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable

Values = NDArray[np.float64]
Labels = NDArray[np.bool_]

_BISECTIONS = 40
_WIDENINGS = 12


@dataclass(frozen=True)
class Relabellings:
    """Ways in which the treated labels could have fallen.

    Attributes:
        treated: float64[draws, units], 1 where a unit is labelled treated.
        exact: whether these are all ways there are; otherwise the observed one is added to them when counting.
    """

    treated: NDArray[np.float64]
    exact: bool


@lru_cache(maxsize=32)
def relabellings(units: int, treated: int, draws: int, seed: int) -> Relabellings:
    """All ways to label `treated` of `units`, or `draws` random ones when there are more than `draws`.

    Args:
        units: how many units there are.
        treated: how many of them are treated, at least 1 and fewer than all.
        draws: how many labellings at most.
        seed: of the random ones.
    """
    count = math.comb(units, treated)
    if count <= draws:
        labels = np.zeros((count, units))
        for row, chosen in enumerate(combinations(range(units), treated)):
            labels[row, list(chosen)] = 1.0
        return Relabellings(labels, True)
    order = np.random.default_rng(seed).random((draws, units)).argsort(axis=1)
    return Relabellings((order < treated).astype(np.float64), False)


def welch_statistic(values: Values, treated: NDArray[np.float64]) -> NDArray[np.float64]:
    """Difference of means over its standard error for each labelling: float64[draws] (Welch 1947).

    Args:
        values: float64[units].
        treated: float64[draws, units] of 0 and 1; two units or more on either side.
    """
    centred = values - values.mean()
    n1 = treated.sum(axis=1)
    n0 = len(values) - n1
    sum1, square1 = treated @ centred, treated @ centred**2
    sum0, square0 = centred.sum() - sum1, (centred**2).sum() - square1
    variance1 = np.maximum(square1 - sum1**2 / n1, 0.0) / (n1 - 1)
    variance0 = np.maximum(square0 - sum0**2 / n0, 0.0) / (n0 - 1)
    error = np.sqrt(variance1 / n1 + variance0 / n0)
    difference = sum1 / n1 - sum0 / n0
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = difference / error
    return np.where(error > 0, statistic, np.where(difference == 0, 0.0, np.copysign(np.inf, difference)))


def randomisation_p_value(values: Values, treated: Labels, drawn: Relabellings) -> float:
    """Share of labellings whose statistic is at least as far from zero as the observed one; two-sided.

    Args:
        values: float64[units].
        treated: bool[units], the labels as they are.
        drawn: from `relabellings` for as many units and treated ones.
    """
    observed = abs(float(welch_statistic(values, treated[None, :].astype(np.float64))[0]))
    # A labelling equal to the observed one may differ in the last bits of its sums.
    beyond = int(np.count_nonzero(np.abs(welch_statistic(values, drawn.treated)) >= observed * (1 - 1e-8)))
    total = len(drawn.treated)
    return beyond / total if drawn.exact else (beyond + 1) / (total + 1)


def smallest_p_value(treated: int, units: int, drawn: Relabellings) -> float:
    """What the test answers for the most extreme labelling; with equal groups its mirror image is as extreme."""
    if not drawn.exact:
        return 1.0 / (len(drawn.treated) + 1)
    return (2.0 if 2 * treated == units else 1.0) / len(drawn.treated)


def randomisation_interval(
    values: Values, treated: Labels, drawn: Relabellings, confidence: float
) -> tuple[float, float] | NotComputable:
    """The constant effects that the test does not reject at 1 − confidence.

    An effect τ is tested by taking it off the treated units and testing for none.

    Returns:
        lower and upper end; `NotComputable` when there are so few labellings that nothing is ever rejected.
    """
    rejected_below = 1.0 - confidence
    too_few = NotComputable(
        "too_few_labellings",
        "There are too few ways to exchange the labels for an interval of this confidence.",
        {"labellings": len(drawn.treated), "confidence": confidence},
    )
    if smallest_p_value(int(treated.sum()), len(treated), drawn) >= rejected_below:
        return too_few
    labels = treated.astype(np.float64)
    centre = float(values[treated].mean() - values[~treated].mean())
    observed = float(welch_statistic(values, labels[None, :])[0])
    error = abs(centre / observed) if np.isfinite(observed) and observed != 0 else float(values.std())

    def rejected(effect: float) -> bool:
        return randomisation_p_value(values - effect * labels, treated, drawn) < rejected_below

    ends = []
    for sign in (-1.0, 1.0):
        inside, step = centre, max(error, 1e-12)
        outside = centre + sign * step
        for _ in range(_WIDENINGS):
            if rejected(outside):
                break
            inside, step = outside, step * 2.0
            outside = centre + sign * step
        else:
            return too_few
        for _ in range(_BISECTIONS):
            middle = 0.5 * (inside + outside)
            inside, outside = (inside, middle) if rejected(middle) else (middle, outside)
        ends.append(outside)
    return ends[0], ends[1]
