"""One arm against the holdout, unit by unit, and the estimate that a campaign is judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.lift import Lift, difference, stratified_difference
from gridloop.evaluation.moments import Moments

LEAST_IN_STRATUM = 5
"""Units with an outcome that a stratum needs in either arm; smaller ones are merged."""
MERGED = "merged"
"""Name of the stratum that small ones are merged into."""


@dataclass(frozen=True)
class Units:
    """The units of one arm and of the holdout, in one order.

    Attributes:
        value, before: float64[n], the measure in the window and before it, NaN where there is none.
        treated: bool[n], assigned to the arm; else to the holdout.
        stratum: text[n], in which it was drawn.
    """

    value: NDArray[np.float64]
    before: NDArray[np.float64]
    treated: NDArray[np.bool_]
    stratum: NDArray[np.object_]

    def where(self, mask: NDArray[np.bool_]) -> Units:
        """Some of them."""
        return Units(self.value[mask], self.before[mask], self.treated[mask], self.stratum[mask])

    @property
    def observed(self) -> Units:
        """Those with an outcome."""
        return self.where(np.isfinite(self.value))

    def joined(self, clusters: Sequence[str | None]) -> Units:
        """Units of one cluster made one, by the mean of those that have a value; they were drawn together.

        Args:
            clusters: text[n], the cluster of each unit; one that is None stands for itself.
        """
        names = [name if name is not None else f"\0{place}" for place, name in enumerate(clusters)]
        _, first, which = np.unique(
            np.array(names, object).astype(str), return_index=True, return_inverse=True
        )
        if len(first) == len(names):
            return self
        return Units(
            _means(self.value, which, len(first)),
            _means(self.before, which, len(first)),
            self.treated[first],
            self.stratum[first],
        )


def _means(values: NDArray[np.float64], which: NDArray[np.intp], size: int) -> NDArray[np.float64]:
    present = np.isfinite(values)
    total = np.bincount(which[present], values[present], minlength=size)
    count = np.bincount(which[present], minlength=size)
    result = np.full(size, np.nan)
    np.divide(total, count, out=result, where=count > 0)
    return result


@dataclass(frozen=True)
class Estimate:
    """An effect by assignment with the levels it stands between.

    Attributes:
        lift: the effect, or why there is none.
        control_mean: mean outcome of the holdout, strata weighted as in the effect; NaN without units.
        strata: how many strata were kept apart.
        without_before: units with an outcome that were not adjusted for lack of a value before.
        treated, control: units with an outcome.
    """

    lift: Lift | NotComputable
    control_mean: float
    strata: int
    without_before: int
    treated: int
    control: int


def estimate(units: Units) -> Estimate:
    """Intention to treat: stratified, adjusted for the value before (docs/methods/campaign-effect.md).

    Strata with fewer than five units with an outcome in an arm are merged. A unit without a value before gets the mean
    before of its stratum, both arms together, and so is not adjusted: it stays where it was assigned. Where nothing
    varies before, the estimate is not adjusted.
    """
    seen = units.observed
    merged = merged_strata(seen.stratum, seen.treated)
    before = _filled(seen.before, merged)
    pairs: dict[str, tuple[Moments, Moments]] = {}
    for name in sorted(set(merged.tolist())):
        inside = merged == name
        arms = [inside & seen.treated, inside & ~seen.treated]
        one, other = (Moments.of(seen.value[arm], before[arm]) for arm in arms)
        pairs[name] = (one, other)
    total = sum(one.n + other.n for one, other in pairs.values())
    control = (
        sum((one.n + other.n) * other.mean_x for one, other in pairs.values()) / total if total else np.nan
    )
    counts = (int(seen.treated.sum()), int((~seen.treated).sum()))
    lift = _lift(seen, pairs)
    return Estimate(lift, float(control), len(pairs), int(np.isnan(seen.before).sum()), *counts)


def _lift(seen: Units, pairs: dict[str, tuple[Moments, Moments]]) -> Lift | NotComputable:
    if min(int(seen.treated.sum()), int((~seen.treated).sum())) < 2:
        return difference(Moments.of(seen.value[seen.treated]), Moments.of(seen.value[~seen.treated]))
    lift = stratified_difference(pairs, adjust=True)
    if isinstance(lift, NotComputable) and lift.code == "no_covariate":
        return stratified_difference(pairs)
    return lift


def merged_strata(stratum: NDArray[np.object_], treated: NDArray[np.bool_]) -> NDArray[np.object_]:
    """The strata with small ones merged: below five units in an arm, smallest first, until the merged one is not small.

    Args:
        stratum, treated: text[n], bool[n], of the units with an outcome.
    """
    counts = [Counter(stratum[treated].tolist()), Counter(stratum[~treated].tolist())]
    names = sorted(set(stratum.tolist()), key=lambda name: (sum(count[name] for count in counts), name))
    small = [name for name in names if min(count[name] for count in counts) < LEAST_IN_STRATUM]
    if not small:
        return stratum
    chosen = set(small)
    for name in [name for name in names if name not in chosen]:
        if min(sum(count[one] for one in chosen) for count in counts) >= LEAST_IN_STRATUM:
            break
        chosen.add(name)
    return np.array([MERGED if name in chosen else name for name in stratum], object)


def _filled(before: NDArray[np.float64], stratum: NDArray[np.object_]) -> NDArray[np.float64]:
    """Values before with the mean of the stratum where there is none, of all units where the stratum has none."""
    result = before.copy()
    known = np.isfinite(before)
    overall = float(before[known].mean()) if known.any() else 0.0
    for name in set(stratum[~known].tolist()):
        inside = stratum == name
        mean = float(before[inside & known].mean()) if (inside & known).any() else overall
        result[inside & ~known] = mean
    return result
