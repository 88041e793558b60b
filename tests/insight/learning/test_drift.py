"""Drift: the index by hand, no alarm where nothing moved, an alarm where something did."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gridloop.domain.errors import SchemaMismatch
from gridloop.insight.learning.columns import Columns
from gridloop.insight.learning.drift import (
    DriftVerdict,
    Reference,
    calibration_drift,
    drift,
    psi,
)


def test_the_index_is_that_computed_by_hand():
    before, after = np.array([10.0, 30.0]), np.array([25.0, 15.0])
    e, a = [10.5 / 41, 30.5 / 41], [25.5 / 41, 15.5 / 41]
    by_hand = sum((x - y) * math.log(x / y) for x, y in zip(a, e, strict=True))
    assert psi(before, after) == pytest.approx(by_hand, rel=1e-12)
    assert psi(before, before) == 0.0


def test_without_drift_a_false_alarm_is_as_rare_as_stated():
    """Of 300 pairs of samples of one population, at most about one in a hundred raises an alarm, small ones too."""
    alarms = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        columns = {f"c{i}": generator.normal(size=400) for i in range(5)}
        reference = Reference.of(Columns.of(columns))
        now = Columns.of({name: generator.normal(size=80) for name in columns})
        alarms += any(one.verdict is not DriftVerdict.STABLE for one in drift(reference, now))
    assert alarms <= 9  # P(more than 9 of 300 at 1 %) < 0.1 %


def test_what_moved_is_named_first_and_what_stayed_is_not():
    generator = np.random.default_rng(1)
    then = Columns.of({"stays": generator.normal(size=5000), "moves": generator.normal(size=5000)})
    now = Columns.of({"moves": generator.normal(0.8, size=3000), "stays": generator.normal(size=3000)})
    first, second = drift(Reference.of(then), now)
    assert (first.name, first.verdict) == ("moves", DriftVerdict.DRIFTED)
    assert (second.name, second.verdict) == ("stays", DriftVerdict.STABLE)


def test_values_that_went_missing_are_drift():
    values = np.random.default_rng(2).normal(size=4000)
    holed = np.where(np.arange(4000) % 2 == 0, np.nan, values)
    (found,) = drift(Reference.of(Columns.of({"a": values})), Columns.of({"a": holed}))
    assert found.verdict is DriftVerdict.DRIFTED
    assert (found.missing_before, found.missing_now) == (0.0, 0.5)


def test_bins_of_few_kinds_are_the_kinds_and_a_new_kind_falls_into_one():
    reference = Reference.of(Columns.of({"a": np.array([0.0, 1.0, 1.0, 3.0])}))
    assert reference.edges["a"] == (1.0, 3.0)
    assert reference.counts["a"] == (1, 2, 1, 0)


def test_a_reference_is_kept_as_json():
    reference = Reference.of(Columns.of({"a": np.array([0.1, 0.2, np.nan, 7.0])}))
    assert Reference.from_dict(json.loads(json.dumps(reference.as_dict()))) == reference


def test_a_column_that_is_absent_or_no_customer_is_refused():
    reference = Reference.of(Columns.of({"a": np.array([1.0, 2.0])}))
    with pytest.raises(SchemaMismatch):
        drift(reference, Columns.of({"b": np.array([1.0])}))
    with pytest.raises(SchemaMismatch, match="no customer"):
        drift(reference, Columns.of({"a": np.array([])}))


def test_calibration_moves_only_beyond_chance():
    generator = np.random.default_rng(3)
    probability = generator.uniform(0.05, 0.4, size=4000)
    label = (generator.uniform(size=4000) < probability).astype(np.float64)
    held = calibration_drift(probability, label)
    assert held.verdict is DriftVerdict.STABLE and held.low < 0 < held.high
    moved = calibration_drift(probability * 0.6, label)
    assert moved.verdict is DriftVerdict.MOVED and moved.low > 0
    assert moved.observed - moved.expected == pytest.approx(moved.difference)
    with pytest.raises(SchemaMismatch):
        calibration_drift(probability[:1], label[:1])
