"""How a model treats groups of customers: who is chosen, who is found, and whether its probabilities hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from gridloop.domain.errors import SchemaMismatch
from gridloop.insight.learning.columns import Bools, Float64

FIGURES = ("chosen", "base_rate", "recall", "precision", "calibration")
"""What is told of each group, see `GroupFigures`."""


class FairnessSettings(BaseModel, frozen=True, extra="forbid"):
    """What is compared, and how surely."""

    capacity: float = Field(default=0.05, gt=0, le=1, description="Share of the customers that is acted on.")
    least_members: int = Field(default=15, ge=2, description="Customers below which a group is not told.")
    resamples: int = Field(default=400, ge=50, description="Bootstrap draws of the customers.")
    confidence: float = Field(default=0.95, gt=0, lt=1, description="Of the intervals.")
    seed: int = Field(default=20261126, description="Of the draws.")


@dataclass(frozen=True)
class GroupFigures:
    """One group.

    Attributes:
        group: its name.
        customers: how many; None when they are too few to be told, and then there is no figure.
        figures: by name value, low and high; value is None where it cannot be computed: `chosen` share of the group
            that is acted on, `base_rate` share of whom the label is true, `recall` share of those who are acted on,
            `precision` share of those acted on of whom it is true, `calibration` base rate ÷ mean probability.
        differs: names of the figures whose interval of the difference from all other customers leaves out zero.
    """

    group: str
    customers: int | None
    figures: Mapping[str, tuple[float | None, float | None, float | None]]
    differs: tuple[str, ...]


def by_group(
    label: Float64, probability: Float64, group: Sequence[str], settings: FairnessSettings | None = None
) -> tuple[GroupFigures, ...]:
    """Figures of every group with percentile intervals over customers (Efron 1979), groups by name.

    Those acted on are the share `capacity` of highest probability, over all groups together; ties by the order given.
    A difference is a fact of the list, not a verdict: where base rates differ, equal shares and equal recall exclude
    each other (Kleinberg, Mullainathan and Raghavan 2017).

    Args:
        label: float64[n], 0 or 1.
        probability: float64[n].
        group: of each customer.
        settings: capacity, smallest group, bootstrap.

    Raises:
        SchemaMismatch: the arrays have different lengths, or there is no customer.
    """
    settings = settings or FairnessSettings()
    n = len(label)
    if not n or len(probability) != n or len(group) != n:
        raise SchemaMismatch(
            "Groups are compared by a label, a probability and a group of every customer.",
            evidence={"labels": n, "probabilities": len(probability), "groups": len(group)},
        )
    names, place = np.unique(np.asarray(group, dtype=str), return_inverse=True)
    acted = np.zeros(n, dtype=np.bool_)
    acted[np.argsort(-probability, kind="stable")[: max(1, round(settings.capacity * n))]] = True
    size = np.bincount(place, minlength=len(names))
    point = _figures(label, probability, acted, place, len(names), np.ones(n))
    generator = np.random.default_rng(settings.seed)
    draws = np.stack(
        [
            _figures(
                label,
                probability,
                acted,
                place,
                len(names),
                np.bincount(generator.integers(0, n, n), minlength=n).astype(np.float64),
            )
            for _ in range(settings.resamples)
        ]
    )  # draws × (own, others) × figures × groups
    tail = (1.0 - settings.confidence) / 2.0
    return tuple(
        _group(str(name), int(size[at]), point[:, :, at], draws[:, :, :, at], tail, settings)
        for at, name in enumerate(names)
    )


def _figures(
    label: Float64,
    probability: Float64,
    acted: Bools,
    place: NDArray[np.intp],
    groups: int,
    weight: Float64,
) -> Float64:
    """float64[2, figures, groups]: of each group, and of all customers outside of it."""

    def summed(part: Float64) -> Float64:
        own = np.bincount(place, weight * part, groups)
        return np.stack([own, own.sum() - own])

    ones = np.ones(len(label))
    count, true = summed(ones), summed(label)
    taken, hits, told = summed(acted.astype(np.float64)), summed(label * acted), summed(probability)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([taken / count, true / count, hits / true, hits / taken, true / told], axis=1)


def _group(
    name: str, customers: int, point: Float64, draws: Float64, tail: float, settings: FairnessSettings
) -> GroupFigures:
    if customers < settings.least_members:
        return GroupFigures(name, None, {}, ())
    figures: dict[str, tuple[float | None, float | None, float | None]] = {}
    differs = []
    for at, figure in enumerate(FIGURES):
        own = draws[:, 0, at][np.isfinite(draws[:, 0, at])]
        if not np.isfinite(point[0, at]) or not len(own):
            figures[figure] = (None, None, None)
            continue
        low, high = np.quantile(own, [tail, 1.0 - tail])
        figures[figure] = (float(point[0, at]), float(low), float(high))
        gap = draws[:, 0, at] - draws[:, 1, at]
        gap = gap[np.isfinite(gap)]
        if len(gap):
            low, high = np.quantile(gap, [tail, 1.0 - tail])
            if low > 0 or high < 0:
                differs.append(figure)
    return GroupFigures(name, customers, figures, tuple(differs))
