"""Clusters: planted groups come back, k by the stated index, stability by hand, the same twice."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.finding import NotComputable
from gridloop.insight.segments.clustering import (
    bootstrap_jaccard,
    choose_clusters,
    fit_space,
    is_held_out,
    nearest,
)


def planted(groups, each=60, noise=0.05, seed=1):
    """Shapes whose peak lies at 24/groups different hours, sum 1 a row."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24)
    peaks = [hours * 0 + np.exp(-(((hours - 24 * g / groups) % 24 - 2) ** 2) / 8) for g in range(groups)]
    shapes = np.vstack([0.3 + peak + rng.normal(0, noise, (each, 24)) for peak in peaks])
    return shapes / shapes.sum(axis=1, keepdims=True), np.repeat(np.arange(groups), each)


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_planted_groups_come_back_and_their_number_is_found(groups):
    shapes, truth = planted(groups)
    none = np.empty((len(shapes), 0))
    space = fit_space(shapes, none, 0.5)
    points = space.points(shapes, none)
    found = choose_clusters(space, points, range(2, 8), seed=0, least=15)
    assert len(found.centres) == groups
    labels, first, second = nearest(points, found.centres)
    assert len({(t, c) for t, c in zip(truth, labels, strict=True)}) == groups
    assert (first < second).all()
    jaccard = bootstrap_jaccard(points, found.centres, rounds=30, most=5000, seed=0)
    assert jaccard.mean(axis=0) == pytest.approx(np.ones(groups), abs=0.01)


def test_a_few_odd_customers_get_a_cluster_of_their_own_but_not_one_in_ten():
    shapes, _ = planted(2, each=30)
    odd = np.zeros((3, 24))
    odd[:, 11] = 1.0
    none = np.empty((63, 0))
    together = np.vstack([shapes, odd])
    space = fit_space(together, none, 0.5)
    points = space.points(together, none)
    found = choose_clusters(space, points, range(2, 8), seed=0, least=15)
    assert len(found.centres) == 3
    labels, _, _ = nearest(points, found.centres)
    assert sorted(np.bincount(labels)) == [3, 30, 30]
    assert isinstance(choose_clusters(space, points[:30], range(2, 8), seed=0, least=15), NotComputable)
    few = np.vstack([points[:20], points[30:50], points[60:], points[60:]])
    assert isinstance(choose_clusters(space, few, [3, 4], seed=0, least=15), NotComputable)


def test_groups_that_are_none_are_unstable():
    shapes = np.random.default_rng(3).dirichlet(np.full(24, 50.0), size=150)
    none = np.empty((150, 0))
    space = fit_space(shapes, none, 0.5)
    points = space.points(shapes, none)
    found = choose_clusters(space, points, [5], seed=0, least=15)
    jaccard = bootstrap_jaccard(points, found.centres, rounds=30, most=5000, seed=0)
    assert jaccard.mean() < 0.7


def test_the_same_seed_gives_the_same_clusters():
    shapes, _ = planted(3, noise=0.4)
    none = np.empty((len(shapes), 0))
    space = fit_space(shapes, none, 0.5)
    points = space.points(shapes, none)
    first, second = (choose_clusters(space, points, range(2, 6), seed=4, least=15) for _ in range(2))
    assert np.array_equal(first.centres, second.centres)


def test_the_index_by_hand():
    # Two pairs at 0, 2 and 10, 12: mean 6, T = 36+16+16+36 = 104, W = 4 · 1 = 4, index = (100/1)/(4/2) = 50
    points = np.array([[0.0], [2.0], [10.0], [12.0]])
    space = fit_space(np.full((4, 24), 1 / 24), np.empty((4, 0)), 0.5)
    found = choose_clusters(space, points, [2, 3], seed=0, least=2)
    assert found.index == pytest.approx(50.0)
    assert sorted(found.centres[:, 0]) == [1.0, 11.0]


def test_a_space_weighs_shape_and_columns_as_stated():
    shapes, _ = planted(3)
    columns = np.random.default_rng(2).normal(50, 9, (len(shapes), 3))
    points = fit_space(shapes, columns, 0.5).points(shapes, columns)
    assert points[:, :24].var(axis=0).sum() == pytest.approx(1.0)
    assert points[:, 24:].var(axis=0).sum() == pytest.approx(0.5, abs=0.02)


def test_a_constant_column_says_nothing():
    shapes, _ = planted(2)
    columns = np.full((len(shapes), 1), 7.0)
    assert (fit_space(shapes, columns, 0.5).points(shapes, columns)[:, 24] == 0).all()


def test_too_few_or_equal_customers_give_no_clusters():
    shapes = np.full((40, 24), 1 / 24)
    none = np.empty((40, 0))
    space = fit_space(shapes, none, 0.5)
    assert isinstance(
        choose_clusters(space, space.points(shapes, none), range(2, 5), seed=0, least=15), NotComputable
    )


def test_three_in_ten_are_held_out_and_always_the_same():
    names = [f"customer-{number}" for number in range(5_000)]
    out = [is_held_out(name, 0.3) for name in names]
    assert 0.28 < sum(out) / len(out) < 0.32
    assert is_held_out("customer-1", 0.3) == is_held_out("customer-1", 0.3)
    wider = [is_held_out(name, 0.5) for name in names]
    assert all(w for o, w in zip(out, wider, strict=True) if o)
