"""Of models that are equally good the simplest stays."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.errors import UsageError
from gridloop.insight.learning.choice import choose


@pytest.fixture
def truth():
    """label and the probability that it was drawn with."""
    generator = np.random.default_rng(2)
    probability = generator.beta(1, 4, 3000)
    return (generator.random(3000) < probability).astype(float), np.clip(probability, 0.001, 0.999)


def test_a_challenger_that_is_surely_better_takes_over(truth):
    label, probability = truth
    assert choose(label, {"rate": np.full(3000, 0.2), "model": probability}) == "model"


def test_one_that_is_not_surely_better_does_not(truth):
    label, probability = truth
    noise = np.random.default_rng(1).normal(0, 0.001, 3000)
    other = np.clip(probability + noise, 0.001, 0.999)
    assert choose(label, {"simple": probability, "like_it": other}) == "simple"
    assert choose(label, {"simple": probability, "worse": np.full(3000, 0.2)}) == "simple"


def test_no_candidate_is_an_error(truth):
    with pytest.raises(UsageError):
        choose(truth[0], {})
