"""Groups: figures counted by hand, small groups hidden, equal treatment not accused, unequal treatment named."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.errors import SchemaMismatch
from gridloop.insight.learning.fairness import FairnessSettings, by_group


def test_figures_are_those_counted_by_hand():
    label = np.array([1, 0, 1, 0, 1, 0, 0, 0], np.float64)
    probability = np.array([0.9, 0.8, 0.7, 0.1, 0.6, 0.5, 0.2, 0.2])
    settings = FairnessSettings(capacity=0.5, least_members=2)
    town, village = by_group(label, probability, list("tttt" + "vvvv"), settings)
    assert (town.group, town.customers, village.customers) == ("t", 4, 4)
    assert town.figures["chosen"][0] == 0.75 and village.figures["chosen"][0] == 0.25
    assert town.figures["base_rate"][0] == 0.5 and village.figures["base_rate"][0] == 0.25
    assert town.figures["recall"][0] == 1.0 and village.figures["recall"][0] == 1.0
    assert town.figures["precision"][0] == pytest.approx(2 / 3) and village.figures["precision"][0] == 1.0
    assert town.figures["calibration"][0] == pytest.approx(2 / 2.5)


def test_a_group_too_small_tells_nothing():
    label = np.tile([0.0, 1.0], 20)
    probability = np.linspace(0.1, 0.9, 40)
    large, small = by_group(label, probability, ["large"] * 30 + ["small"] * 10)
    assert large.customers == 30
    assert (small.customers, dict(small.figures), small.differs) == (None, {}, ())


def test_groups_alike_are_seldom_said_to_differ_and_groups_unlike_are():
    generator = np.random.default_rng(5)
    n = 6000
    group = np.where(generator.uniform(size=n) < 0.4, "a", "b")
    probability = generator.beta(2, 8, size=n)
    label = (generator.uniform(size=n) < probability).astype(np.float64)
    settings = FairnessSettings(capacity=0.2, confidence=0.999)
    assert [one.differs for one in by_group(label, probability, group.tolist(), settings)] == [(), ()]
    skewed = np.clip(probability + 0.15 * (group == "a"), 0, 1)
    told = {one.group: one for one in by_group(label, skewed, group.tolist(), settings)}
    assert {"chosen", "calibration"} <= set(told["a"].differs)
    low, high = told["a"].figures["calibration"][1:]
    assert low is not None and high is not None and high < 1.0 > low


def test_a_figure_that_a_group_cannot_have_is_absent():
    label = np.zeros(40)
    label[:10] = 1.0
    probability = np.linspace(0.9, 0.1, 40)
    never = by_group(label, probability, ["yes"] * 20 + ["never"] * 20, FairnessSettings(capacity=0.25))[0]
    assert never.group == "never"
    assert never.figures["recall"] == (None, None, None)
    assert never.figures["precision"] == (None, None, None)


def test_arrays_of_different_length_are_refused():
    with pytest.raises(SchemaMismatch):
        by_group(np.zeros(3), np.zeros(3), ["a"])
