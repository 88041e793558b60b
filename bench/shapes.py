"""Clustering of day shapes against scikit-learn, two threads each; inertia is compared before time is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.timing import interleaved, peak_rss_mb, row, seconds
from gridloop.kernels.shapes import ShapeClusters, cluster_shapes

ROWS_OF = {"small": 100_000, "full": 1_000_000}
ROUNDS_OF = {"small": 5, "full": 3}
POINTS, CLUSTERS = 96, 50


def day_shapes(rows: int, seed: int = 0) -> NDArray[np.float32]:
    """Days of 60 kinds of household, shifted by up to an hour, noisy, each divided by its mean; [rows,
    96].
    """
    rng = np.random.default_rng(seed)
    hour = np.arange(POINTS) / POINTS * 24
    peaks = [rng.uniform((0.2, 5, 0.5), (2, 23, 3), (rng.integers(1, 4), 3)) for _ in range(60)]
    kinds = np.stack([0.3 + sum(a * np.exp(-0.5 * ((hour - h) / w) ** 2) for a, h, w in p) for p in peaks])
    shapes = np.empty((rows, POINTS), np.float32)
    for begin in range(0, rows, 50_000):
        n = min(50_000, rows - begin)
        shift = (np.arange(POINTS) + rng.integers(-4, 5, (n, 1))) % POINTS
        days = np.take_along_axis(kinds[rng.integers(0, 60, n)], shift, 1) * rng.gamma(6, 1 / 6, (n, POINTS))
        shapes[begin : begin + n] = days / days.mean(1, keepdims=True)
    return shapes


def _against(other: str, size: str, moves: int) -> dict[str, object]:
    """Ours and one scikit-learn estimator on the same rows; every round has its own seed."""
    shapes = day_shapes(ROWS_OF[size])
    inertia: dict[str, list[float]] = {"ours": [], "other": []}

    def ours() -> None:
        found = cluster_shapes(shapes, CLUSTERS, seed=len(inertia["ours"]), moves=moves, threads=2)
        assert isinstance(found, ShapeClusters)
        inertia["ours"].append(found.inertia)

    seconds(ours)  # warm: compiled, pages touched
    memory = peak_rss_mb()
    from sklearn.cluster import KMeans, MiniBatchKMeans

    def theirs() -> None:
        seed = len(inertia["other"])
        if other == "KMeans":
            model = KMeans(CLUSTERS, n_init=1, random_state=seed).fit(shapes)
        else:
            model = MiniBatchKMeans(CLUSTERS, n_init=1, batch_size=4096, random_state=seed).fit(shapes)
        inertia["other"].append(
            float(((shapes - model.cluster_centers_[model.labels_]) ** 2).sum(dtype=np.float64))
        )

    MiniBatchKMeans(CLUSTERS, n_init=1, max_iter=1, random_state=0).fit(shapes[:5_000])
    inertia["ours"].clear()
    own, other_times = interleaved([ours, theirs], ROUNDS_OF[size])
    share = float(np.mean(inertia["ours"]) / np.mean(inertia["other"]))
    name = f"clustering {len(shapes):,} day shapes of {POINTS} points into {CLUSTERS}, scikit-learn {other}"
    return row(
        name, own, other_times, memory, inertia_share=round(share, 4), comparable=share <= 1.0005, target=3.0
    )


def against_kmeans(size: str) -> dict[str, object]:
    """scikit-learn's KMeans, one start, run until it converges."""
    return _against("KMeans", size, moves=12)


def against_mini_batch(size: str) -> dict[str, object]:
    """scikit-learn's MiniBatchKMeans, one start, batches of 4,096; ours without moves, which is still the
    better fit.
    """
    return _against("MiniBatchKMeans", size, moves=0)


ROWS = (against_kmeans, against_mini_batch)


def rows(size: str) -> list[dict[str, object]]:
    """All rows of this module, in this process."""
    return [one(size) for one in ROWS]
