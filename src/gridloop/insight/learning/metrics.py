"""Figures of a ranking and of a probability, each with weights so that a bootstrap is one pass over sorted arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from gridloop.insight.learning.columns import Float64, Ints

CAPACITIES = (0.01, 0.05, 0.10)
"""Shares of the customers that can be acted on, at which precision and recall are told."""


class ValueSettings(BaseModel, frozen=True, extra="forbid"):
    """What acting on a customer costs and brings.

    cost: of acting on one customer, in any one currency.
    gain: of acting on one whom the label is true of, before `cost`.
    """

    cost: float = 1.0
    gain: float = 10.0


@dataclass(frozen=True)
class Judged:
    """Probabilities beside what came true, sorted by falling probability.

    Attributes:
        label: float64[n], 0 or 1.
        probability: float64[n], falling.
        tie: int64[n], rises by one with each new probability.
        band: int64[n], customers are also compared within equal bands; None without bands.
    """

    label: Float64
    probability: Float64
    tie: Ints
    band: Ints | None = None

    @classmethod
    def of(
        cls,
        label: NDArray[np.generic],
        probability: Float64,
        band: Ints | None = None,
    ) -> Judged:
        """From arrays in any order; a tie is kept in the order given."""
        order = np.argsort(-probability, kind="stable")
        sorted_probability = probability[order]
        tie = np.concatenate([[0], np.cumsum(np.diff(sorted_probability) != 0)]).astype(np.int64)
        return cls(
            np.asarray(label, np.float64)[order],
            sorted_probability,
            tie,
            None if band is None else np.asarray(band, np.int64)[order],
        )


def figures(judged: Judged, weight: Float64, value: ValueSettings) -> Mapping[str, float]:
    """All figures of one weighting of the customers; NaN where one cannot be computed.

    Args:
        judged: see `Judged`.
        weight: float64[n], how often each customer counts.
        value: for the net value, in currency per 1,000 customers.
    """
    found = {"auc": auc(judged, weight), "average_precision": average_precision(judged, weight)}
    for share in CAPACITIES:
        precision, recall = at_capacity(judged, weight, share)
        found[f"precision_at_{share:.0%}".replace("%", "pct")] = precision
        found[f"recall_at_{share:.0%}".replace("%", "pct")] = recall
    intercept, slope = calibration_line(judged, weight)
    found |= {"calibration_slope": slope, "calibration_intercept": intercept}
    found["net_value"] = net_value(judged, weight, value)
    found["log_loss"] = log_loss(judged, weight)
    if judged.band is not None:
        found["auc_within_length"] = auc_within(judged, weight)
    return found


def auc(judged: Judged, weight: Float64) -> float:
    """P(score of a true one > score of another) + ½ P(equal), by weight (Mann and Whitney 1947)."""
    positive, negative = weight * judged.label, weight * (1.0 - judged.label)
    return _concordance(positive, negative, judged.tie)


def _concordance(positive: Float64, negative: Float64, tie: Ints) -> float:
    groups = int(tie[-1]) + 1 if len(tie) else 0
    true = np.bincount(tie, positive, groups)
    false = np.bincount(tie, negative, groups)
    pairs = true.sum() * false.sum()
    if not pairs > 0:
        return float("nan")
    below = false.sum() - np.cumsum(false)
    return float((true * (below + false / 2.0)).sum() / pairs)


def auc_within(judged: Judged, weight: Float64) -> float:
    """AUC over pairs of customers of the same band only: Σ concordant pairs / Σ pairs over bands."""
    assert judged.band is not None
    concordant = pairs = 0.0
    for band in np.unique(judged.band):
        inside = judged.band == band
        label, counts = judged.label[inside], weight[inside]
        positive, negative = counts * label, counts * (1.0 - label)
        here = positive.sum() * negative.sum()
        if here > 0:
            tie = np.unique(judged.tie[inside], return_inverse=True)[1].astype(np.int64)
            concordant += here * _concordance(positive, negative, tie)
            pairs += here
    return float(concordant / pairs) if pairs > 0 else float("nan")


def average_precision(judged: Judged, weight: Float64) -> float:
    """Σ (R_k − R_k−1) · P_k over the distinct scores, without interpolation (as scikit-learn defines it)."""
    groups = int(judged.tie[-1]) + 1 if len(judged.tie) else 0
    true = np.bincount(judged.tie, weight * judged.label, groups)
    seen = np.cumsum(np.bincount(judged.tie, weight, groups))
    if not true.sum() > 0:
        return float("nan")
    precision = np.cumsum(true) / np.where(seen > 0, seen, 1.0)
    return float((true * precision).sum() / true.sum())


def at_capacity(judged: Judged, weight: Float64, share: float) -> tuple[float, float]:
    """Precision and recall among the `share` of highest score; the customer on the edge counts by a part."""
    capacity = share * weight.sum()
    taken = np.clip(capacity - (np.cumsum(weight) - weight), 0.0, weight)
    hits, true = float((taken * judged.label).sum()), float((weight * judged.label).sum())
    return (hits / capacity if capacity > 0 else float("nan"), hits / true if true > 0 else float("nan"))


def calibration_line(judged: Judged, weight: Float64) -> tuple[float, float]:
    """Intercept and slope of logit P(label) on logit(probability) (Cox 1958); 0 and 1 are perfect."""
    from gridloop.insight.learning.calibration import logistic_fit, logit

    design = np.column_stack([np.ones(len(judged.label)), logit(judged.probability)])
    found = logistic_fit(design, judged.label, weight)
    return float(found[0]), float(found[1])


def net_value(judged: Judged, weight: Float64, value: ValueSettings) -> float:
    """Value per 1,000 customers of acting where that should pay: Σ (gain · label − cost) over p · gain > cost."""
    acted = judged.probability * value.gain > value.cost
    worth = (value.gain * judged.label - value.cost) * acted
    return float(1000.0 * (worth * weight).sum() / weight.sum())


def log_loss(judged: Judged, weight: Float64) -> float:
    """−mean(y log p + (1 − y) log(1 − p)), nats."""
    p = np.clip(judged.probability, 1e-12, 1 - 1e-12)
    loss = -(judged.label * np.log(p) + (1.0 - judged.label) * np.log1p(-p))
    return float((loss * weight).sum() / weight.sum())
