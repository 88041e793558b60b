"""The linear twin: logistic regression on ranks within train, the yardstick of every booster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel

from gridloop.insight.learning.calibration import logistic_fit, sigmoid
from gridloop.insight.learning.columns import Columns, Float64


class LinearSettings(BaseModel, frozen=True, extra="forbid"):
    """A logistic regression.

    ridge: on standardised coefficients, in observations.
    knots: quantiles of train that stand for the ranks.
    names: columns; all where None.
    """

    ridge: float = 30.0
    knots: int = 101
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FittedLinear:
    """A regression on ranks.

    Attributes:
        names: of the columns.
        knots: float64[k, columns], quantiles of train.
        coefficients: intercept, then a rank and a missing term of each column.
    """

    names: tuple[str, ...]
    knots: Float64
    coefficients: Float64

    def probability(self, columns: Columns) -> Float64:
        """float64[n]."""
        return sigmoid(_design(columns.only(self.names).values, self.knots) @ self.coefficients)


@dataclass(frozen=True)
class Linear:
    """Learns a `FittedLinear`."""

    settings: LinearSettings

    def fit(self, columns: Columns, label: Float64) -> FittedLinear:
        """See `Learner.fit`."""
        used = columns if self.settings.names is None else columns.only(self.settings.names)
        grid = np.linspace(0.0, 1.0, self.settings.knots)
        knots = np.column_stack([_quantiles(one, grid) for one in used.values.T])
        design = _design(used.values, knots)
        found = logistic_fit(design, label, np.ones(len(label)), ridge=self.settings.ridge)
        return FittedLinear(used.names, knots, found)


def _quantiles(values: Float64, grid: Float64) -> Float64:
    known = values[np.isfinite(values)]
    return np.quantile(known, grid) if len(known) else np.zeros(len(grid))


def _design(values: Float64, knots: Float64) -> Float64:
    """Ones, rank within train from −1 to 1 (0 for missing), and 1 where missing."""
    missing = ~np.isfinite(values)
    ranks = np.empty_like(values)
    for k in range(values.shape[1]):
        low = np.searchsorted(knots[:, k], values[:, k], side="left")
        high = np.searchsorted(knots[:, k], values[:, k], side="right")
        ranks[:, k] = (low + high) / len(knots) - 1.0
    ranks[missing] = 0.0
    return np.column_stack([np.ones(len(values)), ranks, missing.astype(np.float64)])
