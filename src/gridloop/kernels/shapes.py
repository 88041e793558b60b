"""Clustering of load shapes: seeds, mini-batches that grow, moves of idle centroids, then Lloyd rounds over
every row.

Sources: greedy k-means++ (Arthur and Vassilvitskii 2007), nested mini-batches (Newling and Fleuret 2016),
    moves by
error and utility (Fritzke 2020, "The breathing k-means algorithm"). The result depends on the rows, their
order and the seed, never on the number of threads. Method and limits: docs/methods/shape-clustering.md.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import GridloopError
from gridloop.domain.finding import NotComputable

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

_MOST_CHUNKS = 64  # bounds the partial sums in memory
_LEAST_CHUNK = 4096  # chunks depend on the rows alone, so that sums are added in one order
_GREATEST_VALUE = 1e15  # squares of anything beyond would overflow float32
_FAST = {"reassoc", "contract", "nsz"}


@dataclass(frozen=True, slots=True)
class ShapeClusters:
    """Clusters of shapes and the cluster of every row.

    Attributes:
        centroids: float32[k, d], the largest cluster first.
        labels: int32[n], nearest centroid of each row by squared Euclidean distance.
        counts: int64[k], rows of each cluster.
        inertia: sum of squared distances of all rows to their centroid.
        iterations: rounds made, on batches and on all rows.
    """

    centroids: Float32
    labels: Int32
    counts: Int64
    inertia: float
    iterations: int


class _Round(NamedTuple):
    """What one assignment found: sums and counts of rows, squared error and utility of each centroid, worst
    rows.
    """

    labels: Int32
    sums: Float64
    counts: Float64
    error: Float64
    utility: Float64
    worst: list[int]


def cluster_shapes(
    shapes: Float32,
    k: int,
    *,
    seed: int = 0,
    batch: int = 8_192,
    batch_rounds: int = 4,
    moves: int = 12,
    lloyd_rounds: int = 2,
    threads: int = 2,
) -> ShapeClusters | NotComputable:
    """Cluster rows into k groups of small squared distance to their mean.

    Seeds are drawn from a first batch by k-means++. Lloyd rounds follow on that batch, on one four times as
    large, and on an eighth of the rows. In between, `moves` times, the centroids that would be missed least
    are put into the clusters of greatest error, and stay there if the error on the batch falls.
    `lloyd_rounds` rounds over all rows and a last assignment end it. A cluster that falls empty takes over
    a row that is farthest from its centroid.

    Args:
        shapes: float32[n, d], one shape a row.
        k: number of clusters.
        seed: fixes batches, seeds and moves.
        batch: rows of the first batch; at least 20·k are taken.
        batch_rounds: rounds on each batch and after each move.
        moves: attempts to move idle centroids.
        lloyd_rounds: rounds over all rows.
        threads: threads to use; the result does not depend on it.

    Returns:
        `ShapeClusters`, or `NotComputable("too_few_distinct_shapes")` where fewer than k rows differ.

    Raises:
        GridloopError: the array has no rows and columns, holds values that are not finite or beyond 10¹⁵,
            or one of the numbers is too small.
    """
    rows = np.ascontiguousarray(shapes, np.float32)
    _check(
        rows, {"k": k, "batch": batch, "batch_rounds": batch_rounds, "threads": threads}, moves, lloyd_rounds
    )
    rng = np.random.default_rng(seed)
    first = max(batch, 20 * k)
    size = min(len(rows), max(4 * first, len(rows) // 8))
    sample = rows[rng.choice(len(rows), size, replace=False)] if size < len(rows) else rng.permutation(rows)
    drawn = _seed_centroids(sample[:first], k, rng)
    seeds = _distinct_rows(rows, k, rng) if drawn is None else drawn
    if isinstance(seeds, NotComputable):
        return seeds
    with ThreadPoolExecutor(threads) as pool:
        fit = _Fit(pool, seeds, rows.mean(0, dtype=np.float64), rng)
        fit.improve(sample[:first], batch_rounds)
        fit.improve(sample[: 4 * first], batch_rounds)
        fit.move_idle(sample[: 4 * first], moves, batch_rounds)
        if size > 4 * first:
            fit.improve(sample, batch_rounds)
        fit.improve(rows, lloyd_rounds)
        return fit.finish(rows)


def _check(rows: Float32, positive: dict[str, int], moves: int, lloyd_rounds: int) -> None:
    wrong = {name: number for name, number in positive.items() if number < 1}
    wrong |= {n: v for n, v in {"moves": moves, "lloyd_rounds": lloyd_rounds}.items() if v < 0}
    if wrong:
        raise GridloopError(
            "Clustering needs numbers of at least 1, moves and rounds of at least 0.", evidence=wrong
        )
    if rows.ndim != 2 or rows.size == 0:
        raise GridloopError(
            "Shapes must be an array [rows, columns] that is not empty.", evidence={"shape": rows.shape}
        )
    bad = len(rows) - _count_sound(rows, _GREATEST_VALUE)
    if bad:
        raise GridloopError(
            "Shapes hold values that are not finite or too large to square.",
            evidence={"rows": len(rows), "rows_with_such_values": bad, "greatest_allowed": _GREATEST_VALUE},
            ways_out=("Leave out rows with missing intervals.", "Divide every shape by its mean."),
        )


def _seed_centroids(sample: Float32, k: int, rng: np.random.Generator) -> Float32 | None:
    """k-means++ seeds, or None if the sample has fewer than k distinct rows."""
    draws = rng.random((k, 2 + int(np.log(k))))
    chosen = _kmeans_plus_plus(sample, draws)
    return sample[chosen] if len(chosen) == k else None


def _distinct_rows(rows: Float32, k: int, rng: np.random.Generator) -> Float32 | NotComputable:
    """k different rows drawn from all of them; looked for only where the sample was too uniform."""
    distinct = np.unique(rows, axis=0)
    if len(distinct) < k:
        return NotComputable(
            "too_few_distinct_shapes",
            f"{k} clusters need at least {k} different shapes.",
            {"distinct_shapes": len(distinct), "clusters": k, "rows": len(rows)},
        )
    seeds: Float32 = distinct[rng.choice(len(distinct), k, replace=False)]
    return seeds


class _Fit:
    """Centroids on their way, and the rounds that improve them."""

    def __init__(
        self, pool: ThreadPoolExecutor, seeds: Float32, mean: Float64, rng: np.random.Generator
    ) -> None:
        self.pool, self.centroids, self.mean, self.rng = pool, seeds, mean, rng
        self.iterations = 0

    def assign(self, rows: Float32) -> _Round:
        """Assign every row to its nearest centroid, chunk by chunk in parallel, added up in order."""
        k, d = self.centroids.shape
        centred = np.zeros((-(-k // 4) * 4, d), np.float32)
        centred[:k] = self.centroids - self.mean
        bias = np.full(len(centred), np.inf, np.float32)
        exact = centred[:k].astype(np.float64)
        bias[:k] = 0.5 * (exact**2).sum(1) + exact @ self.mean
        labels = np.empty(len(rows), np.int32)
        chunk = max(_LEAST_CHUNK, -(-len(rows) // _MOST_CHUNKS))

        def one(begin: int) -> tuple[Float64, Float64, int, float]:
            end = min(begin + chunk, len(rows))
            return _assign_chunk(rows[begin:end], centred, bias, self.centroids, labels[begin:end])

        sums, tally = np.zeros((k, d)), np.zeros((3, k))
        worst: list[tuple[float, int]] = []
        begins = range(0, len(rows), chunk)
        for begin, (part, numbers, row, distance) in zip(begins, self.pool.map(one, begins), strict=True):
            sums += part
            tally += numbers
            worst.append((-distance, begin + row))
        self.iterations += 1
        return _Round(labels, sums, tally[0], tally[1], tally[2], [row for _, row in sorted(worst)])

    def moved_to_means(self, rows: Float32, found: _Round) -> Float32:
        """Means of the assigned rows; an empty cluster takes over one of the worst rows."""
        centroids = (found.sums / np.maximum(found.counts, 1)[:, None]).astype(np.float32)
        for place, cluster in enumerate(np.flatnonzero(found.counts == 0)):
            centroids[cluster] = rows[found.worst[place % len(found.worst)]]
        return centroids

    def improve(self, rows: Float32, rounds: int) -> None:
        """Lloyd rounds on these rows."""
        for _ in range(rounds):
            self.centroids = self.moved_to_means(rows, self.assign(rows))

    def move_idle(self, rows: Float32, moves: int, rounds: int) -> None:
        """Put the centroids of least utility beside rows of the clusters of greatest error; undo what does
        not help.
        """
        found = self.assign(rows)
        best, best_centroids = found, self.centroids
        k = len(best_centroids)
        for move in range(moves if k > 2 else 0):
            many = max(1, min(k // 4, 8 - move))
            idle = np.argsort(best.utility, kind="stable")[:many]
            spread = np.argsort(-best.error, kind="stable")
            worst = [c for c in spread if best.error[c] > 0 and c not in idle][:many]
            self.centroids = best_centroids.copy()
            for centroid, cluster in zip(idle, worst, strict=False):
                members = np.flatnonzero(best.labels == cluster)
                self.centroids[centroid] = rows[members[self.rng.integers(len(members))]]
            self.improve(rows, rounds)
            found = self.assign(rows)
            if found.error.sum() < best.error.sum():
                best, best_centroids = found, self.centroids
        self.centroids = best_centroids

    def finish(self, rows: Float32) -> ShapeClusters:
        """The last assignment; empty clusters are given a row and the rows are assigned again."""
        found = self.assign(rows)
        for _ in range(len(self.centroids)):
            if found.counts.min() > 0:
                break
            keep = self.centroids
            moved = self.moved_to_means(rows, found)
            self.centroids = np.where((found.counts > 0)[:, None], keep, moved)
            found = self.assign(rows)
        order = np.argsort(-found.counts, kind="stable")
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        counts = found.counts[order].astype(np.int64)
        inertia = float(found.error.sum())
        return ShapeClusters(self.centroids[order], rank[found.labels], counts, inertia, self.iterations)


@njit(nogil=True, cache=True)
def _count_sound(rows: Float32, greatest: float) -> int:
    """Rows whose values are all finite and at most `greatest` in size."""
    sound = 0
    for i in range(rows.shape[0]):
        bad = 0
        for j in range(rows.shape[1]):
            bad += not abs(rows[i, j]) <= greatest
        sound += bad == 0
    return sound


@njit(nogil=True, cache=True, fastmath=_FAST)
def _squared_distance(a: Float32, b: Float32) -> float:
    total = np.float32(0)
    for j in range(len(a)):
        difference = a[j] - b[j]
        total += difference * difference
    return float(total)


@njit(nogil=True, cache=True)
def _kmeans_plus_plus(sample: Float32, draws: Float64) -> Int64:
    """Greedy k-means++: of several rows drawn by squared distance, the one that leaves the least error is a
    seed.

    Returns fewer than k row numbers if the sample has fewer than k distinct rows.
    """
    n, (k, trials) = len(sample), draws.shape
    chosen = np.empty(k, np.int64)
    chosen[0] = int(draws[0, 0] * n)
    nearest = np.empty(n, np.float64)
    for i in range(n):
        nearest[i] = _squared_distance(sample[i], sample[chosen[0]])
    trial, best = np.empty(n, np.float64), np.empty(n, np.float64)
    for c in range(1, k):
        cumulative = np.cumsum(nearest)
        if not cumulative[-1] > 0:
            return chosen[:c]
        least = np.inf
        for t in range(trials):
            row = np.searchsorted(cumulative, draws[c, t] * cumulative[-1], side="right")
            row = min(row, n - 1)
            error = 0.0
            for i in range(n):
                trial[i] = min(nearest[i], _squared_distance(sample[i], sample[row]))
                error += trial[i]
            if error < least:
                least, chosen[c] = error, row
                trial, best = best, trial
        nearest, best = best, nearest
    return chosen


@njit(nogil=True, cache=True, fastmath=_FAST)
def _assign_chunk(
    rows: Float32, centred: Float32, bias: Float32, centroids: Float32, labels: Int32
) -> tuple[Float64, Float64, int, float]:
    """Nearest centroids of a chunk of rows and what they add up to.

    Returns:
        sums float64[k, d], tally float64[3, k] (rows, squared error, error added were the centroid gone),
        and the row farthest from its centroid with its squared distance.
    """
    k, d = centroids.shape
    sums, tally = np.zeros((k, d), np.float64), np.zeros((3, k), np.float64)
    gaps = np.empty(len(rows), np.float32)
    _find_nearest(rows, centred, bias, labels, gaps)
    far, far_distance = 0, -1.0
    for i in range(len(rows)):
        label = labels[i]
        distance = _squared_distance(rows[i], centroids[label])
        tally[0, label] += 1
        tally[1, label] += distance
        tally[2, label] += 2.0 * gaps[i]
        for j in range(d):
            sums[label, j] += rows[i, j]
        if distance > far_distance:
            far, far_distance = i, distance
    return sums, tally, far, far_distance


@njit(nogil=True, cache=True, fastmath=_FAST)
def _find_nearest(rows: Float32, centred: Float32, bias: Float32, labels: Int32, gaps: Float32) -> None:
    """Nearest centroid of each row, and by how much the second nearest scores worse.

    A row's squared distance to centroid c, less what is the same for all, is 2·(bias[c] − row·centred[c]).
    Two rows meet four centroids at a time, so that eight sums stay in registers; minima are taken without
    branches.
    """
    big = np.float32(3.0e38)
    n, d = rows.shape
    for i in range(0, n, 2):
        o = min(i + 1, n - 1)
        x0, x1, y0, y1, xl, yl = big, big, big, big, 0, 0
        for k in range(0, len(centred), 4):
            a0, a1, a2, a3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            b0, b1, b2, b3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for j in range(d):
                x, y = rows[i, j], rows[o, j]
                c0, c1, c2, c3 = centred[k, j], centred[k + 1, j], centred[k + 2, j], centred[k + 3, j]
                a0 += x * c0
                a1 += x * c1
                a2 += x * c2
                a3 += x * c3
                b0 += y * c0
                b1 += y * c1
                b2 += y * c2
                b3 += y * c3
            for q in range(4):
                v = bias[k + q] - (a0 if q == 0 else a1 if q == 1 else a2 if q == 2 else a3)
                w = bias[k + q] - (b0 if q == 0 else b1 if q == 1 else b2 if q == 2 else b3)
                if v < x0:
                    xl = k + q
                x1, x0 = min(x1, max(v, x0)), min(x0, v)
                if w < y0:
                    yl = k + q
                y1, y0 = min(y1, max(w, y0)), min(y0, w)
        labels[i], gaps[i] = xl, x1 - x0
        labels[o], gaps[o] = (yl, y1 - y0) if o > i else (xl, x1 - x0)
