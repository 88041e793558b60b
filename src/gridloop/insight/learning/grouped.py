"""Sums, extremes and quantiles of sorted groups, without a loop over groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridloop.insight.learning.columns import Float64, Ints


class Groups:
    """Rows sorted by group.

    Args:
        key: int64[rows], rising.
        groups: how many there are, empty ones included.
    """

    def __init__(self, key: Ints, groups: int) -> None:
        self.key, self.groups = key, groups
        self.count = np.bincount(key, minlength=groups)
        self.first = np.searchsorted(key, np.arange(groups))
        self.place = np.arange(len(key)) - self.first[key]

    def sum(self, values: NDArray[np.generic]) -> Float64:
        """float64[groups]."""
        weights = np.asarray(values, np.float64)
        return np.asarray(np.bincount(self.key, weights=weights, minlength=self.groups), np.float64)

    def mean(self, values: NDArray[np.generic]) -> Float64:
        """float64[groups] over values that are not NaN; NaN where there are none."""
        x = np.asarray(values, np.float64)
        known = np.isfinite(x)
        count = self.sum(known)
        return self.sum(np.where(known, x, 0.0)) / np.where(count > 0, count, np.nan)

    def deviation(self, values: Float64) -> Float64:
        """float64[groups], standard deviation over the rows."""
        return np.sqrt(np.maximum(self.mean(values * values) - self.mean(values) ** 2, 0.0))

    def most(self, values: NDArray[np.generic]) -> Float64:
        """float64[groups], greatest; NaN where empty."""
        out = np.full(self.groups, np.nan)
        present = self.count > 0
        if len(values):
            out[present] = np.maximum.reduceat(values, self.first[present])
        return out

    def least(self, values: Float64) -> Float64:
        """float64[groups], smallest; NaN where empty."""
        return -self.most(-values)

    def quantiles(self, values: Float64, shares: Sequence[float]) -> list[Float64]:
        """float64[groups] of each share: the nearest value; NaN where empty."""
        ordered = np.append(values[np.lexsort((values, self.key))], np.nan)
        places = [self.first + np.floor(q * (self.count - 1) + 0.5).astype(np.int64) for q in shares]
        return [np.where(self.count > 0, ordered[np.where(self.count > 0, at, -1)], np.nan) for at in places]

    def at(self, values: NDArray[np.generic], place: int) -> Float64:
        """float64[groups], value in that place of the group, from the end where negative; NaN where there is none."""
        known = self.count > (place if place >= 0 else -place - 1)
        padded = np.append(np.asarray(values, np.float64), np.nan)
        return padded[np.where(known, self.first + (place if place >= 0 else self.count + place), -1)]


def peer_median(keys: Sequence[NDArray[np.generic]], values: Float64) -> tuple[Float64, Ints]:
    """Median of the rows with equal keys, and how many they are, for each row."""
    key = np.zeros(len(values), np.int64)
    for one in keys:
        known, code = np.unique(one, return_inverse=True)
        key = np.unique(key * len(known) + code, return_inverse=True)[1]
    count = np.bincount(key)
    first = np.cumsum(count) - count
    return values[np.lexsort((values, key))][first + count // 2][key], count[key]
