"""What a model must be able to do: learn from columns and labels, then tell a probability."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from gridloop.insight.learning.columns import Columns, Float64, Ints


class Fitted(Protocol):
    """A model that has learned."""

    def probability(self, columns: Columns) -> Float64:
        """float64[n], uncalibrated probability that the label is true."""
        ...


class Learner(Protocol):
    """A way to make a model. `fit` depends on nothing but its arguments and the learner's settings."""

    def fit(self, columns: Columns, label: Float64) -> Fitted:
        """Learn.

        Args:
            columns: customers to learn from.
            label: float64[n], 0 or 1.
        """
        ...


def out_of_fold(learner: Learner, columns: Columns, label: Float64, fold: Ints) -> Float64:
    """float64[n], probability of each customer by a model that was fitted on the other folds."""
    out = np.empty(len(columns))
    for k in np.unique(fold):
        inside = fold == k
        out[inside] = learner.fit(columns.rows(~inside), label[~inside]).probability(columns.rows(inside))
    return out
