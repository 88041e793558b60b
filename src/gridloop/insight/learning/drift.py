"""Whether customers, scores or outcomes have moved away from those a model learned from (docs/methods/learning.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from pydantic import BaseModel, Field
from scipy import stats

from gridloop.domain.errors import SchemaMismatch
from gridloop.insight.learning.bins import bin_edges, bin_of
from gridloop.insight.learning.columns import Columns, Float64


class DriftVerdict(StrEnum):
    """STABLE: no more than chance or habit. MOVED: look at it. DRIFTED: the model speaks of other customers."""

    STABLE = "stable"
    MOVED = "moved"
    DRIFTED = "drifted"


class DriftSettings(BaseModel, frozen=True, extra="forbid"):
    """When a column counts as moved."""

    bins: int = Field(
        default=10, ge=2, description="Quantile bins of the reference, besides one for missing."
    )
    moved: float = Field(default=0.10, gt=0, description="PSI from which on a column has moved.")
    drifted: float = Field(default=0.25, gt=0, description="PSI from which on a column has drifted.")
    significance: float = Field(
        default=0.01, gt=0, lt=1, description="Chance of a false alarm over all columns together."
    )
    confidence: float = Field(default=0.95, gt=0, lt=1, description="Of the interval of calibration.")


@dataclass(frozen=True)
class Reference:
    """How columns were distributed where the model learned; bins never change afterwards.

    Attributes:
        rows: customers.
        edges: by column the inner edges of its bins, rising; a value belongs to the bin above an edge it equals.
        counts: by column int counts of the bins, the last one of missing values.
    """

    rows: int
    edges: Mapping[str, tuple[float, ...]]
    counts: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, columns: Columns, settings: DriftSettings | None = None) -> Reference:
        """From the customers a model learned from."""
        settings = settings or DriftSettings()
        edges, counts = {}, {}
        for name in columns.names:
            values = columns.column(name)
            edges[name] = tuple(bin_edges(values, settings.bins).tolist())
            counts[name] = tuple(int(count) for count in _counts(values, edges[name]))
        return cls(len(columns), edges, counts)

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it; `from_dict` is the way back."""
        return {
            "rows": self.rows,
            "edges": {name: list(edges) for name, edges in self.edges.items()},
            "counts": {name: list(counts) for name, counts in self.counts.items()},
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Reference:
        """What `as_dict` wrote."""
        return cls(
            int(told["rows"]),
            {name: tuple(map(float, edges)) for name, edges in told["edges"].items()},
            {name: tuple(map(int, counts)) for name, counts in told["counts"].items()},
        )


@dataclass(frozen=True)
class ColumnDrift:
    """How far one column has moved.

    Attributes:
        name: of the column.
        psi: population stability index.
        p_value: chance of such an index if nothing had moved.
        missing_before, missing_now: shares of customers without a value, 0 to 1.
        verdict: with chance over all columns taken into account.
    """

    name: str
    psi: float
    p_value: float
    missing_before: float
    missing_now: float
    verdict: DriftVerdict


def drift(
    reference: Reference, now: Columns, settings: DriftSettings | None = None
) -> tuple[ColumnDrift, ...]:
    """The population stability index of every column, the farthest first.

    PSI = Σ (a − e) · ln(a / e) over the bins, e the share then and a the share now, half a customer added to each bin
    so that an empty one has a logarithm (Siddiqi 2006, whose 0.10 and 0.25 are the defaults). If nothing moved,
    PSI / (1/n + 1/m) is χ² with one degree of freedom less than bins (Yurdakul and Naranjo 2020); a column is called
    moved only when that is unlikely too, so that few customers do not raise an alarm.

    Args:
        reference: see `Reference.of`.
        now: the customers who are scored now.
        settings: thresholds.

    Raises:
        SchemaMismatch: a column of the reference is absent, or there is no customer.
    """
    settings = settings or DriftSettings()
    if not len(now):
        raise SchemaMismatch("There is no customer whose columns could have moved.")
    names = tuple(reference.edges)
    chance = settings.significance / max(len(names), 1)
    shown = now.only(names)
    found = [_column(name, reference, shown.column(name), chance, settings) for name in names]
    return tuple(sorted(found, key=lambda one: -one.psi))


def _column(
    name: str, reference: Reference, values: Float64, chance: float, settings: DriftSettings
) -> ColumnDrift:
    before = np.array(reference.counts[name], np.float64)
    after = _counts(values, reference.edges[name]).astype(np.float64)
    used = (before + after) > 0
    index = psi(before[used], after[used])
    scale = 1.0 / before.sum() + 1.0 / after.sum()
    freedom = int(used.sum()) - 1
    p_value = float(stats.chi2.sf(index / scale, freedom)) if freedom > 0 else 1.0
    sure = p_value < chance
    verdict = (
        DriftVerdict.DRIFTED
        if sure and index >= settings.drifted
        else DriftVerdict.MOVED
        if sure and index >= settings.moved
        else DriftVerdict.STABLE
    )
    return ColumnDrift(
        name,
        index,
        p_value,
        float(before[-1] / before.sum()),
        float(after[-1] / after.sum()),
        verdict,
    )


def psi(before: Float64, after: Float64) -> float:
    """Population stability index of counts in the same bins; half a customer is added to each."""
    e = (before + 0.5) / (before.sum() + 0.5 * len(before))
    a = (after + 0.5) / (after.sum() + 0.5 * len(after))
    return float(((a - e) * np.log(a / e)).sum())


def _counts(values: Float64, edges: Sequence[float]) -> np.ndarray:
    return np.bincount(bin_of(values, edges), minlength=len(edges) + 2)


@dataclass(frozen=True)
class CalibrationDrift:
    """Whether what was foretold still comes true on the whole.

    Attributes:
        customers: how many.
        expected, observed: mean probability, and share of whom it came true.
        difference, low, high: observed − expected with its interval.
        verdict: MOVED when the interval leaves out zero.
    """

    customers: int
    expected: float
    observed: float
    difference: float
    low: float
    high: float
    verdict: DriftVerdict


def calibration_drift(
    probability: Float64, label: Float64, settings: DriftSettings | None = None
) -> CalibrationDrift:
    """Calibration in the large: mean label − mean probability, normal interval from the paired differences.

    Args:
        probability: float64[n], as it was told.
        label: float64[n], 0 or 1, as it came.
        settings: confidence.

    Raises:
        SchemaMismatch: fewer than two customers.
    """
    settings = settings or DriftSettings()
    if len(label) < 2:
        raise SchemaMismatch("Calibration needs two customers or more whose outcome is known.")
    gap = np.asarray(label, np.float64) - probability
    middle = float(gap.mean())
    reach = float(stats.norm.ppf(0.5 + settings.confidence / 2.0) * gap.std(ddof=1) / np.sqrt(len(gap)))
    sure = not middle - reach <= 0.0 <= middle + reach
    return CalibrationDrift(
        len(gap),
        float(probability.mean()),
        float(np.mean(label)),
        middle,
        middle - reach,
        middle + reach,
        DriftVerdict.MOVED if sure else DriftVerdict.STABLE,
    )
