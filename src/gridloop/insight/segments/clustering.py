"""Clusters of customers by the shape of their mean day and by standardised columns (docs/methods/segments.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

_FARTHEST = 3.0  # standard deviations; one odd customer must not be a cluster
_ODD = 0.1  # share of customers that may lie in clusters too small to be shown
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Space:
    """How customers become points: fixed by the customers that the clustering is fitted on.

    Attributes:
        shape_scale: divisor that gives the 24 hours of the shape a total variance of 1.
        means, deviations: of each column.
        weight: factor of the standardised columns.
    """

    shape_scale: float
    means: Float64
    deviations: Float64
    weight: float

    def points(self, shapes: Float64, columns: Float64) -> Float64:
        """float64[n, 24 + columns] of shapes (sum 1 a row) and columns, none missing."""
        steps = np.clip((columns - self.means) / self.deviations, -_FARTHEST, _FARTHEST)
        return np.hstack([24 * shapes / self.shape_scale, self.weight * steps])


@dataclass(frozen=True, slots=True)
class Clusters:
    """Centres in a space, and how they were chosen.

    Attributes:
        space: see `Space`.
        centres: float64[k, d], the largest cluster of the fit first.
        index: Calinski–Harabasz index of this k; None where k was given.
    """

    space: Space
    centres: Float64
    index: float | None


def is_held_out(customer_id: str, share: float) -> bool:
    """Whether a customer is kept out of every fit: by a hash of the id, so that it never changes between runs.

    Args:
        customer_id: the customer.
        share: of customers that are held out.
    """
    digest = hashlib.sha256(f"held-out/{customer_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * 2**32


def fit_space(shapes: Float64, columns: Float64, weight: float) -> Space:
    """The space of these customers.

    Args:
        shapes: float64[n, 24], sum 1 a row.
        columns: float64[n, c].
        weight: variance of all columns together; the shape's is 1.
    """
    spread = float(np.sqrt((24 * shapes).var(axis=0).sum()))
    deviations = columns.std(axis=0)
    deviations[deviations < 1e-12] = 1.0  # a constant column says nothing
    factor = float(np.sqrt(weight / max(1, columns.shape[1])))
    return Space(spread if spread > 1e-12 else 1.0, columns.mean(axis=0), deviations, factor)


def choose_clusters(
    space: Space, points: Float64, tried: Sequence[int], *, seed: int, least: int
) -> Clusters | NotComputable:
    """Cluster with each number of clusters and keep the one of the highest Calinski–Harabasz index.

        index(k) = ((T − W_k) / (k − 1)) / (W_k / (n − k))

    T is the squared distance of all points to their mean, W_k that to the centres. Only a k counts that gives two
    clusters of `least` customers and leaves at most a tenth of all to smaller ones, which gather what is odd. Of equal
    indices the smaller k. Source: Caliński and Harabasz 1974.

    Args:
        space: of the points.
        points: float64[n, d] of the customers that the clustering is fitted on.
        tried: numbers of clusters.
        seed: of the kernel.
        least: customers that two clusters must have; when a single k is tried it is taken as it is.
    """
    from gridloop.kernels.shapes import cluster_shapes

    rows = points.astype(np.float32)
    total = float(((points - points.mean(axis=0)) ** 2).sum())
    best: Clusters | None = None
    for k in tried:
        if len(points) <= max(k, least):
            continue
        found = cluster_shapes(rows, k, seed=seed)
        if isinstance(found, NotComputable) or (len(tried) > 1 and not _counts(found.counts, least)):
            continue
        spare = found.inertia / (len(points) - k)
        index = (total - found.inertia) / (k - 1) / spare if spare > 0 else np.inf
        if best is None or best.index is None or index > best.index:
            best = Clusters(space, found.centroids.astype(np.float64), float(index))
    if best is not None:
        return best if len(tried) > 1 else Clusters(space, best.centres, None)
    return NotComputable(
        "no_clusters",
        "No number of clusters gives groups that are large enough.",
        {"customers": len(points), "tried": list(tried), "least": least},
    )


def _counts(sizes: Int64, least: int) -> bool:
    """Whether clusters of these sizes may be chosen, see `choose_clusters`."""
    large = sizes >= least
    return bool(large.sum() >= 2 and sizes[~large].sum() <= _ODD * sizes.sum())


def nearest(points: Float64, centres: Float64) -> tuple[Int64, Float64, Float64]:
    """Nearest centre of every point, the distance to it and to the second nearest.

    Args:
        points: float64[n, d].
        centres: float64[k, d], k ≥ 2.
    """
    labels = np.empty(len(points), np.int64)
    first, second = np.empty(len(points)), np.empty(len(points))
    for begin in range(0, len(points), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        distances = np.sqrt(((points[part, None, :] - centres[None]) ** 2).sum(axis=2))
        labels[part] = distances.argmin(axis=1)
        ordered = np.partition(distances, 1, axis=1)
        first[part], second[part] = ordered[:, 0], ordered[:, 1]
    return labels, first, second


def bootstrap_jaccard(points: Float64, centres: Float64, *, rounds: int, most: int, seed: int) -> Float64:
    """How well each cluster comes back when the customers are drawn anew.

    In each round the customers are drawn with replacement and clustered again; every customer goes to the nearest new
    centre, and a cluster is compared with the new one that it shares most members with:

        J(A, B) = |A ∩ B| / |A ∪ B|,   the greatest over the new clusters B

    Source: Hennig 2007, cluster-wise assessment of cluster stability; below 0.7 he calls a cluster doubtful.

    Args:
        points: float64[n, d] of the customers that the clustering was fitted on; of more than `most` a drawn part.
        centres: float64[k, d] of that clustering.
        rounds: bootstrap rounds.
        most: customers used.
        seed: of the draws and the kernel.

    Returns:
        float64[rounds, k].
    """
    from gridloop.kernels.shapes import cluster_shapes

    rng = np.random.default_rng(seed)
    if len(points) > most:
        points = points[np.sort(rng.choice(len(points), most, replace=False))]
    k = len(centres)
    labels, _, _ = nearest(points, centres)
    found = np.zeros((rounds, k))
    for number in range(rounds):
        drawn = points[rng.integers(len(points), size=len(points))].astype(np.float32)
        again = cluster_shapes(drawn, k, seed=seed + number + 1)
        if isinstance(again, NotComputable):
            continue  # not even k different customers: nothing came back
        others, _, _ = nearest(points, again.centroids.astype(np.float64))
        both = np.zeros((k, k))
        np.add.at(both, (labels, others), 1)
        union = both.sum(axis=1)[:, None] + both.sum(axis=0)[None] - both
        found[number] = (both / np.maximum(union, 1)).max(axis=1)
    return found
