"""Bins of one column: quantiles or kinds, and one for what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gridloop.insight.learning.columns import Float64, Ints


def bin_edges(values: Float64, bins: int) -> Float64:
    """Inner edges, rising: one bin for each kind of value when there are no more than `bins`, quantiles otherwise.

    Args:
        values: float64[n]; NaN is left out.
        bins: most bins of known values.
    """
    known = values[np.isfinite(values)]
    kinds = np.unique(known)
    if len(kinds) <= bins:
        return kinds[1:]
    return np.unique(np.quantile(known, np.arange(1, bins) / bins))


def bin_of(values: Float64, edges: Float64 | Sequence[float]) -> Ints:
    """The bin of each value, int64[n]: a value belongs above an edge that it equals, a missing one to the last bin.

    Args:
        values: float64[n].
        edges: inner edges, rising; there are two bins more than edges.
    """
    known = np.isfinite(values)
    place = np.searchsorted(np.asarray(edges, np.float64), values, side="right")
    return np.where(known, place, len(edges) + 1).astype(np.int64)
