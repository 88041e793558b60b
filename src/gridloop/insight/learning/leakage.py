"""Training tables that know what they are to predict are refused (docs/methods/learning.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, Field

from gridloop.domain.errors import LookAhead
from gridloop.domain.finding import Finding, Severity
from gridloop.insight.learning.bins import bin_edges, bin_of
from gridloop.insight.learning.columns import Columns, Float64, Ints
from gridloop.insight.learning.metrics import Judged, auc
from gridloop.insight.learning.split import folds_of

CODES = {
    "leak.known_later": "A feature was known only after the moment of prediction.",
    "leak.duplicate": "A column is the target under another name.",
    "leak.separates": "A single feature tells the target almost perfectly.",
    "leak.customer_in_both": "A customer is in train and in test.",
}
"""Code of each leak → what is wrong."""

_WAYS_OUT = {
    "leak.known_later": "Take the feature as it was known at the moment of prediction, or leave it out.",
    "leak.duplicate": "Leave the column out: it is made of the target.",
    "leak.separates": "Find out when the feature is written; leave it out if that is at or after the event. "
    "If it is honestly that good, raise `highest_auc` and say why in the model card.",
    "leak.customer_in_both": "Split by customer, or by time with both rows of a customer on one side.",
}


class LeakageSettings(BaseModel, frozen=True, extra="forbid"):
    """What the guard tolerates."""

    highest_auc: float = Field(
        default=0.98,
        gt=0.5,
        le=1.0,
        description="AUC out of fold of one feature from which on it is refused.",
    )
    duplicate: float = Field(
        default=0.999,
        gt=0.5,
        le=1.0,
        description="Share of known rows in which a two-valued column is the target.",
    )
    folds: int = Field(default=5, ge=2, description="Folds, by customer, of the AUC of one feature.")
    bins: int = Field(default=20, ge=2, description="Quantile bins of one feature, besides one for missing.")
    least_rows: int = Field(
        default=50, ge=2, description="Rows of the rarer class below which one feature is not judged by AUC."
    )


@dataclass(frozen=True)
class TrainingTable:
    """What a model is to learn from, with the moments at which each part was known.

    Attributes:
        ids: customer of each row.
        columns: features.
        label: float64[n], 0 or 1.
        predicted_at: int64[n], moment of prediction, in any unit of time.
        known_at: by feature int64[n], when its value was known, same unit; a feature not named is taken as known.
    """

    ids: Sequence[object]
    columns: Columns
    label: Float64
    predicted_at: Ints
    known_at: Mapping[str, Ints] = field(default_factory=dict)


def leaks(
    train: TrainingTable, judged_ids: Sequence[object] = (), settings: LeakageSettings | None = None
) -> tuple[Finding, ...]:
    """Every leak that can be seen in a training table; none where it is sound.

    A feature's AUC is out of fold: the rate of the label in each of its bins (or whether it rises or falls with the
    label) is taken from the other folds of customers, so that chance in a small table does not look like a leak.

    Args:
        train: the table.
        judged_ids: customers who will be judged.
        settings: thresholds.
    """
    settings = settings or LeakageSettings()
    found: list[Finding] = []
    if shared := len(set(train.ids) & set(judged_ids)):
        found.append(_leak("leak.customer_in_both", None, {"customers_in_both": shared}))
    for name, known in train.known_at.items():
        late = int((np.asarray(known) > train.predicted_at).sum())
        if late:
            worst = int((np.asarray(known) - train.predicted_at).max())
            found.append(_leak("leak.known_later", name, {"rows": late, "latest_by": worst}))
    rarer = min(float(train.label.sum()), float((1.0 - train.label).sum()))
    fold = folds_of(train.ids, settings.folds, "leakage")
    for name in train.columns.names:
        values = train.columns.column(name)
        alike = _share_alike(values, train.label)
        if alike >= settings.duplicate:
            found.append(_leak("leak.duplicate", name, {"rows_alike": round(alike, 5)}))
        elif rarer >= settings.least_rows:
            reached = feature_auc(values, train.label, fold, settings.bins)
            if reached >= settings.highest_auc:
                evidence = {"auc_out_of_fold": round(reached, 4), "highest_auc": settings.highest_auc}
                found.append(_leak("leak.separates", name, evidence))
    return tuple(found)


def refuse_leaks(
    train: TrainingTable, judged_ids: Sequence[object] = (), settings: LeakageSettings | None = None
) -> None:
    """Let only a sound training table pass.

    Raises:
        LookAhead: there is a leak; the evidence names each feature and its figure.
    """
    found = leaks(train, judged_ids, settings)
    if not found:
        return
    evidence = {
        f"{one.code} {one.subject or ''}".strip(): ", ".join(f"{k}={v}" for k, v in one.evidence.items())
        for one in found
    }
    raise LookAhead(
        "The training table knows what it is to predict; nothing was learned from it.",
        evidence=evidence,
        ways_out=tuple(dict.fromkeys(_WAYS_OUT[one.code] for one in found)),
    )


def _leak(code: str, feature: str | None, evidence: Mapping[str, object]) -> Finding:
    return Finding(code, CODES[code], evidence, Severity.CRITICAL, None, feature)


def _share_alike(values: Float64, label: Float64) -> float:
    """Share of known rows in which a column of two values is the label or its opposite; 0 for any other column."""
    known = np.isfinite(values)
    kinds = np.unique(values[known])
    if len(kinds) != 2 or known.sum() < len(values) / 2:
        return 0.0
    same = float(np.mean((values[known] == kinds[1]) == (label[known] > 0)))
    return max(same, 1.0 - same)


def feature_auc(values: Float64, label: Float64, fold: Ints, bins: int = 20) -> float:
    """AUC out of fold of one feature by itself: of its value, or of the label's rate in its bin, whichever is greater.

    Args:
        values: float64[n]; NaN is a bin of its own.
        label: float64[n], 0 or 1.
        fold: int64[n] of each row's customer.
        bins: quantile bins; a column of no more distinct values has one bin for each.
    """
    known = np.isfinite(values)
    if not known.any():
        return 0.5
    edges = bin_edges(values, bins)
    place = bin_of(values, edges)
    filled = np.where(known, values, np.median(values[known]))
    rate, signed = np.empty(len(values)), np.empty(len(values))
    for k in np.unique(fold):
        inside = fold == k
        base = float(label[~inside].mean()) if (~inside).any() else 0.5
        true = np.bincount(place[~inside], label[~inside], len(edges) + 2)
        rows = np.bincount(place[~inside], minlength=len(edges) + 2)
        rate[inside] = ((true + base) / (rows + 1.0))[place[inside]]
        rising = _auc(label[~inside], filled[~inside]) >= 0.5
        signed[inside] = filled[inside] if rising else -filled[inside]
    return max(_auc(label, rate), _auc(label, signed))


def _auc(label: Float64, score: Float64) -> float:
    found = auc(Judged.of(label, score), np.ones(len(label)))
    return found if np.isfinite(found) else 0.5
