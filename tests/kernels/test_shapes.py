"""Clustering finds planted groups, adds up exactly, and gives the same answer however many threads it has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gridloop.domain.errors import GridloopError
from gridloop.domain.finding import NotComputable
from gridloop.kernels.shapes import ShapeClusters, cluster_shapes


def clustered(shapes: np.ndarray, k: int, **how: int) -> ShapeClusters:
    found = cluster_shapes(shapes, k, **how)
    assert isinstance(found, ShapeClusters)
    return found


def planted(rows: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """k well separated shapes of 24 points, and which one each row is."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 10, (k, 24))
    labels = rng.integers(0, k, rows)
    return (centres[labels] + rng.normal(0, 0.5, (rows, 24))).astype(np.float32), labels


def exact_inertia(shapes: np.ndarray, found: ShapeClusters) -> float:
    return float(((shapes.astype(float) - found.centroids.astype(float)[found.labels]) ** 2).sum())


def test_planted_groups_are_found() -> None:
    shapes, truth = planted(20_000, 12)
    found = clustered(shapes, 12)
    pairs = set(zip(found.labels.tolist(), truth.tolist(), strict=True))
    assert len(pairs) == 12
    assert found.inertia == pytest.approx(20_000 * 24 * 0.25, rel=0.02)


def test_four_points_of_two_pairs_have_an_inertia_one_can_check() -> None:
    found = clustered(np.array([[0, 0], [0, 2], [10, 0], [10, 2], [10, 1]], np.float32), 2)
    assert found.centroids.tolist() == [[10, 1], [0, 1]]
    assert found.labels.tolist() == [1, 1, 0, 0, 0]
    assert found.counts.tolist() == [3, 2]
    assert found.inertia == 4


def test_every_row_goes_to_its_nearest_centroid_and_the_inertia_is_exact() -> None:
    shapes = np.random.default_rng(1).gamma(1.0, 1.0, (5_001, 48)).astype(np.float32)
    found = clustered(shapes, 13)
    distances = ((shapes[:, None].astype(float) - found.centroids[None]) ** 2).sum(2)
    chosen = distances[np.arange(len(shapes)), found.labels]
    assert (chosen <= distances.min(1) * (1 + 1e-5)).all()
    assert found.inertia == pytest.approx(exact_inertia(shapes, found), rel=1e-6)
    assert found.counts.tolist() == np.bincount(found.labels, minlength=13).tolist()
    assert (np.diff(found.counts) <= 0).all()


def test_the_seed_fixes_the_result_and_the_number_of_threads_does_not_matter() -> None:
    shapes, _ = planted(9_000, 30, seed=2)
    one, two, three = (clustered(shapes, 20, seed=5, threads=threads, batch=1_000) for threads in (1, 2, 3))
    other = clustered(shapes, 20, seed=6, batch=1_000)
    for found in (two, three):
        np.testing.assert_array_equal(one.centroids, found.centroids)
        np.testing.assert_array_equal(one.labels, found.labels)
        assert one.inertia == found.inertia
    assert (one.labels != other.labels).any()


def test_a_large_common_level_does_not_blur_small_differences() -> None:
    shapes, truth = planted(4_000, 5, seed=3)
    found = clustered(shapes + np.float32(3_000), 5)
    assert len(set(zip(found.labels.tolist(), truth.tolist(), strict=True))) == 5


def test_inertia_is_no_worse_than_scikit_learn_reaches_from_the_same_rows() -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    shapes = np.random.default_rng(4).gamma(2.0, 1.0, (6_000, 24)).astype(np.float32)
    shapes += np.repeat(np.eye(24, dtype=np.float32) * 4, 250, axis=0)
    theirs = cluster.KMeans(16, n_init=1, random_state=0).fit(shapes).inertia_
    assert clustered(shapes, 16).inertia <= theirs * 1.01


def test_as_many_clusters_as_distinct_rows_leave_no_error() -> None:
    shapes = np.repeat(np.arange(6, dtype=np.float32)[:, None], 3, axis=1)
    found = clustered(np.repeat(shapes, 4, axis=0), 6)
    assert found.inertia == 0
    assert found.counts.tolist() == [4] * 6


def test_fewer_distinct_rows_than_clusters_cannot_be_clustered() -> None:
    shapes = np.repeat(np.arange(3, dtype=np.float32)[:, None], 5, axis=0)
    found = cluster_shapes(shapes, 4)
    assert isinstance(found, NotComputable)
    assert found.code == "too_few_distinct_shapes"
    assert found.evidence == {"distinct_shapes": 3, "clusters": 4, "rows": 15}


def test_rare_shapes_that_no_batch_holds_still_count_as_distinct() -> None:
    shapes = np.zeros((3_000, 4), np.float32)
    shapes[[10, 20, 30], [0, 1, 2]] = 1
    found = clustered(shapes, 4, batch=80)
    assert found.inertia == pytest.approx(0, abs=0.001)
    assert found.counts.tolist() == [2_997, 1, 1, 1]


SMALL = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 5)),
    elements=st.sampled_from([-2.0, 0.0, 0.5, 7.0]),
)


@given(shapes=SMALL, k=st.integers(1, 9), seed=st.integers(0, 3))
@settings(max_examples=120, deadline=None)
def test_no_cluster_is_empty_whatever_the_rows(shapes: np.ndarray, k: int, seed: int) -> None:
    found = cluster_shapes(shapes, k, seed=seed, batch=8, threads=1)
    distinct = len(np.unique(shapes, axis=0))
    if isinstance(found, NotComputable):
        assert distinct < k
        return
    assert distinct >= k
    assert found.counts.min() >= 1
    assert found.counts.sum() == len(shapes)
    assert found.inertia == pytest.approx(exact_inertia(shapes, found), rel=1e-6, abs=1e-6)


def test_bad_arguments_are_refused_with_what_is_wrong() -> None:
    shapes, _ = planted(100, 3)
    with pytest.raises(GridloopError, match="at least 1") as caught:
        cluster_shapes(shapes, 0)
    assert "k: 0" in str(caught.value)
    with pytest.raises(GridloopError, match="not empty"):
        cluster_shapes(np.empty((0, 4), np.float32), 2)
    shapes[7, 3] = np.nan
    with pytest.raises(GridloopError, match="not finite") as caught:
        cluster_shapes(shapes, 2)
    assert "rows_with_such_values: 1" in str(caught.value)
