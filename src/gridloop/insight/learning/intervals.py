"""Intervals by resampling customers."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel

from gridloop.insight.learning.metrics import Judged, ValueSettings, figures


class IntervalSettings(BaseModel, frozen=True, extra="forbid"):
    """The bootstrap.

    resamples: draws of the customers with replacement.
    confidence: of the interval between the quantiles of the draws.
    seed: of the generator.
    """

    resamples: int = 200
    confidence: float = 0.95
    seed: int = 20261126


def with_intervals(
    judged: Judged, value: ValueSettings, settings: IntervalSettings | None = None
) -> dict[str, dict[str, float | None]]:
    """Every figure as `{"value", "ci_low", "ci_high"}`: percentile bootstrap over customers (Efron 1979).

    A draw is a count per customer, multinomial with equal chances. Figures that a draw cannot have are left out of
    its quantiles; one that cannot be computed at all is null.
    """
    settings = settings or IntervalSettings()
    n = len(judged.label)
    point = figures(judged, np.ones(n), value)
    generator = np.random.default_rng(settings.seed)
    draws: dict[str, list[float]] = {name: [] for name in point}
    for _ in range(settings.resamples):
        weight = np.bincount(generator.integers(0, n, n), minlength=n).astype(np.float64)
        for name, drawn in figures(judged, weight, value).items():
            draws[name].append(drawn)
    tail = (1.0 - settings.confidence) / 2.0
    return {name: _interval(point[name], draws[name], tail) for name in point}


def _interval(value: float, draws: list[float], tail: float) -> dict[str, float | None]:
    known = np.array(draws)[np.isfinite(draws)]
    if not (np.isfinite(value) and len(known)):
        return {"value": None, "ci_low": None, "ci_high": None}
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return {"value": round(value, 5), "ci_low": round(float(low), 5), "ci_high": round(float(high), 5)}
