"""Each trust check fails on what it is there for, and says so with its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.evaluation.trust import Trust, check_trust
from gridloop.evaluation.units import Units


def _check(units: Units, **changes: int) -> Trust:
    given = {"holdout_contacted": 0, "days_seen": 42, "days_planned": 42} | changes
    return check_trust(units, "offer", **given)


def _units(size: int = 400, seed: int = 2) -> Units:
    rng = np.random.default_rng(seed)
    before = rng.normal(100, 20, size)
    treated = np.arange(size) % 10 < 7
    return Units(before + rng.normal(0, 5, size), before, treated, np.array([""] * size, object))


def _losing(units: Units, mask: np.ndarray) -> Units:
    return Units(np.where(mask, np.nan, units.value), units.before, units.treated, units.stratum)


def test_a_sound_campaign_passes_every_check():
    trust = _check(_units())
    assert trust.failed is None and trust.complete
    document = trust.document()
    assert all(document[name]["passed"] for name in ("split", "attrition", "balance", "holdout", "window"))
    assert document["split"]["observed"] == {"offer": 280, "holdout": 120}


def test_units_lost_from_one_arm_fail_before_the_split_shows_it():
    units = _units()
    lost = ~units.treated & (np.arange(400) < 120)  # 36 of 120 in the holdout, none in the other arm
    trust = _check(_losing(units, lost))
    assert trust.split.passed
    assert (trust.attrition.lost_treated, trust.attrition.lost_control) == (0, 36)
    assert trust.failed.code == "attrition_uneven"


def test_a_split_that_is_not_the_one_drawn_fails():
    units = _units()
    trust = _check(_losing(units, ~units.treated & (np.arange(400) < 300)))
    assert trust.failed.code == "split_failed"


def test_a_few_units_cannot_be_checked_and_are_not_passed():
    trust = _check(_units(10))
    assert trust.failed.code == "split_unchecked"
    assert trust.document()["split"] == {"passed": None, "reason": "too_few_units"}


def test_losses_that_are_even_are_no_failure():
    units = _units()
    assert _check(_losing(units, np.arange(400) % 3 == 0)).failed is None


@pytest.mark.parametrize(("shift", "code"), [(2.0, None), (15.0, "unbalanced")])
def test_arms_that_differ_before_by_more_than_chance_fail(shift: float, code: str | None):
    units = _units()
    moved = Units(units.value, units.before + shift * units.treated, units.treated, units.stratum)
    trust = _check(moved)
    # 280 and 120 units: chance alone reaches 3.29 · sqrt(1/280 + 1/120) = 0.359 standard deviations.
    assert trust.balance_limit == pytest.approx(0.359, abs=0.001)
    assert (None if trust.failed is None else trust.failed.code) == code


def test_without_values_before_balance_is_not_checked_and_withholds_nothing():
    units = _units()
    trust = _check(Units(units.value, np.full(400, np.nan), units.treated, units.stratum))
    assert trust.document()["balance"] == {"passed": None, "reason": "too_few_units"}
    assert trust.failed is None


def test_a_holdout_that_was_contacted_is_no_holdout():
    trust = _check(_units(), holdout_contacted=1)
    assert trust.failed.code == "holdout_contacted"
    assert trust.document()["holdout"] == {"passed": False, "contacted": 1}


def test_a_window_that_is_not_over_is_not_complete():
    trust = _check(_units(), days_seen=41)
    assert trust.failed is None and not trust.complete
