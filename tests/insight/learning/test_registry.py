"""The registry: equal content is one version, a champion goes only by proof, a model that was altered is not used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gridloop.domain.errors import GridloopError, SchemaMismatch, UsageError
from gridloop.insight.learning.registry import Gain, ModelRegistry, PromotionSettings, paired_gain

DAY = datetime(2026, 1, 1, tzinfo=UTC)
BETTER = Gain(1000, 0.30, 0.36, 0.06, 0.02, 0.10)
UNSURE = Gain(1000, 0.30, 0.33, 0.03, -0.01, 0.07)


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models")


def test_the_first_is_the_champion_and_the_same_again_changes_nothing(registry):
    first = registry.add("arrears", b"tree", {"for": "arrears"}, DAY)
    again = registry.add("arrears", b"tree", {"for": "arrears"}, DAY + timedelta(days=1))
    assert again == first == registry.champion("arrears")
    assert [one["why"] for one in registry.history("arrears")] == ["first"]
    assert registry.artefact(first) == b"tree"


def test_a_challenger_waits_for_proof_and_the_way_back_is_open(registry):
    first = registry.add("arrears", b"one", {}, DAY)
    second = registry.add("arrears", b"two", {}, DAY + timedelta(days=1))
    assert registry.champion("arrears") == first
    with pytest.raises(UsageError, match="was not shown to be better") as told:
        registry.promote("arrears", second.version, UNSURE, DAY)
    assert told.value.evidence["gain"] == "0.0300 (-0.0100 … 0.0700)"
    assert registry.champion("arrears") == first
    registry.promote("arrears", second.version, BETTER, DAY)
    assert registry.champion("arrears") == second
    assert registry.roll_back("arrears", DAY) == first
    assert [one["why"] for one in registry.history("arrears")] == ["first", "promoted", "rolled back"]
    with pytest.raises(UsageError, match="better"):
        registry.promote("arrears", second.version, BETTER, DAY, PromotionSettings(least_gain=0.05))


def test_what_is_not_there_is_refused(registry):
    registry.add("arrears", b"one", {}, DAY)
    with pytest.raises(UsageError, match="no version 'x'"):
        registry.promote("arrears", "x", BETTER, DAY)
    with pytest.raises(UsageError, match="no other champion"):
        registry.roll_back("arrears", DAY)
    with pytest.raises(UsageError, match="cannot be the name"):
        registry.add("../arrears", b"one", {}, DAY)
    assert registry.champion("churn") is None


def test_an_altered_model_is_not_used(registry, tmp_path):
    version = registry.add("arrears", b"one", {}, DAY)
    (tmp_path / "models" / "arrears" / f"{version.version}.model").write_bytes(b"another")
    with pytest.raises(GridloopError, match="gone or was altered"):
        registry.artefact(version)


def test_a_gain_is_that_of_the_same_customers_and_its_interval_tells_better_from_alike():
    generator = np.random.default_rng(7)
    truth = generator.normal(size=4000)
    label = (truth + generator.normal(size=4000) > 1.5).astype(np.float64)
    poor = 1 / (1 + np.exp(-(truth + generator.normal(scale=2.0, size=4000))))
    good = 1 / (1 + np.exp(-truth))
    gain = paired_gain(label, poor, good)
    assert gain.value == pytest.approx(gain.challenger - gain.champion)
    assert 0 < gain.low < gain.value < gain.high
    alike = paired_gain(label, good, good)
    assert (alike.value, alike.low, alike.high) == (0.0, 0.0, 0.0)


def test_models_judged_on_other_customers_are_not_compared():
    with pytest.raises(SchemaMismatch):
        paired_gain(np.array([1.0, 0.0]), np.array([0.5]), np.array([0.5, 0.1]))
    with pytest.raises(SchemaMismatch):
        paired_gain(np.zeros(2), np.zeros(2), np.zeros(2))
