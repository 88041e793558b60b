"""Scores made into probabilities on out-of-fold predictions, by curves that keep the ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.insight.learning.columns import Float64, Ints

EDGE = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logit is taken."""


def logit(probability: Float64) -> Float64:
    """log(p / (1 − p)), with p kept within [1e-6, 1 − 1e-6]."""
    p = np.clip(probability, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)


def sigmoid(value: Float64) -> Float64:
    """1 / (1 + exp(−x)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * value)), np.float64)


def logistic_fit(
    design: Float64, label: NDArray[np.generic], weight: Float64, *, ridge: float = 1e-9, steps: int = 30
) -> Float64:
    """Coefficients of a logistic regression by Newton's method; NaN where there is only one class.

    Args:
        design: float64[n, k], with a column of ones where an intercept is wanted.
        label: 0 or 1.
        weight: of each row.
        ridge: added to the diagonal of the information.
        steps: at most.
    """
    y = np.asarray(label, np.float64)
    total, true = weight.sum(), (weight * y).sum()
    if not 0 < true < total:
        return np.full(design.shape[1], np.nan)
    found = np.zeros(design.shape[1])
    for _ in range(steps):
        p = sigmoid(design @ found)
        gradient = design.T @ (weight * (y - p)) - ridge * found
        information = (design * (weight * p * (1.0 - p))[:, None]).T @ design
        step = np.linalg.solve(information + ridge * np.eye(len(found)), gradient)
        found = found + np.clip(step, -4.0, 4.0)
        if np.abs(step).max() < 1e-9:
            break
    return found


@dataclass(frozen=True)
class Curve:
    """p → sigmoid(a + b · log p − c · log(1 − p)); b = c is Platt's curve in the logit, otherwise the beta curve.

    Sources: Platt 1999; Kull, Silva Filho and Flach 2017.
    """

    method: str
    a: float
    b: float
    c: float

    def __call__(self, probability: Float64) -> Float64:
        """Calibrated probabilities, in the order of the given ones."""
        p = np.clip(probability, EDGE, 1.0 - EDGE)
        return sigmoid(self.a + self.b * np.log(p) - self.c * np.log1p(-p))


def fit_curve(method: str, probability: Float64, label: NDArray[np.generic]) -> Curve:
    """The `platt` or `beta` curve of greatest likelihood; Platt's where beta would turn the ranking."""
    p = np.clip(probability, EDGE, 1.0 - EDGE)
    ones, weight = np.ones(len(p)), np.ones(len(p))
    if method == "beta":
        a, b, c = logistic_fit(np.column_stack([ones, np.log(p), -np.log1p(-p)]), label, weight)
        if b >= 0 and c >= 0:
            return Curve("beta", float(a), float(b), float(c))
    a, b = logistic_fit(np.column_stack([ones, logit(p)]), label, weight)
    return Curve("platt", float(a), float(b), float(b))


def calibrate(
    probability: Float64, label: NDArray[np.generic], fold: Ints
) -> tuple[Curve, Float64, Mapping[str, float]]:
    """Choose the curve on out-of-fold predictions and fit it on all of them.

    Args:
        probability: float64[n], each predicted by a model that did not see the customer.
        label: 0 or 1.
        fold: int64[n]; each fold is calibrated by a curve of the others.

    Returns:
        the curve; the predictions calibrated across folds; log loss of each method.
    """
    y = np.asarray(label, np.float64)
    crossed: dict[str, Float64] = {}
    for method in ("platt", "beta"):
        out = np.empty(len(y))
        for k in np.unique(fold):
            out[fold == k] = fit_curve(method, probability[fold != k], y[fold != k])(probability[fold == k])
        crossed[method] = out
    losses = {m: float(-np.mean(np.log(np.where(y > 0, p, 1.0 - p)))) for m, p in crossed.items()}
    best = min(losses, key=lambda m: losses[m])
    return fit_curve(best, probability, y), crossed[best], losses
