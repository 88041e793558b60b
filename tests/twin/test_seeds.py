from __future__ import annotations

import numpy as np

from gridloop.twin.seeds import Stream


def test_a_draw_depends_on_seed_purpose_and_index_alone() -> None:
    few, many = Stream(1, "x").uniform(np.arange(5)), Stream(1, "x").uniform(np.arange(5000))
    assert (few == many[:5]).all()
    assert (few != Stream(2, "x").uniform(np.arange(5))).all()
    assert (few != Stream(1, "y").uniform(np.arange(5))).all()


def test_indices_broadcast_like_a_table() -> None:
    table = Stream(3, "x").bits(np.arange(4)[:, None], np.arange(6))
    assert table.shape == (4, 6)
    assert len(np.unique(table)) == 24
    assert table[2, 5] == Stream(3, "x").bits(2, 5)[0]


def test_draws_have_the_moments_of_their_distributions() -> None:
    who = np.arange(200_000)
    uniform, normal = Stream(9, "u").uniform(who), Stream(9, "n").normal(who)
    assert abs(uniform.mean() - 0.5) < 0.005 and uniform.min() >= 0.0 and uniform.max() < 1.0
    assert abs(normal.mean()) < 0.01 and abs(normal.std() - 1.0) < 0.01
    assert abs(np.median(Stream(9, "l").lognormal(7.0, 0.5, who)) - 7.0) < 0.05
    assert np.allclose(np.bincount(Stream(9, "c").choice([1, 3], who)) / who.size, [0.25, 0.75], atol=0.01)
