"""The estimate a campaign is judged by: by hand, against least squares, and honest where nothing happened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.lift import Lift
from gridloop.evaluation.units import MERGED, Units, estimate, merged_strata

NAN = np.nan


def _units(value, before, treated, stratum=None) -> Units:
    size = len(value)
    return Units(
        np.array(value, float),
        np.array(before, float),
        np.array(treated, bool),
        np.array(stratum or [""] * size, object),
    )


def _drawn(seed: int, size: int = 120, strata: int = 3) -> Units:
    rng = np.random.default_rng(seed)
    before = rng.gamma(4, 700, size)
    treated = np.arange(size) % 10 < 7
    stratum = [f"s{n}" for n in rng.integers(0, strata, size)]
    return _units(1.2 * before + rng.normal(0, 300, size) - 50 * treated, before, treated, stratum)


def test_without_strata_and_before_it_is_the_plain_difference():
    found = estimate(_units([4, 6, 8, 1, 2, 3], [NAN] * 6, [True] * 3 + [False] * 3))
    assert isinstance(found.lift, Lift)
    assert (found.lift.value, found.lift.estimator, found.control_mean) == (4.0, "stratified", 2.0)
    assert (found.without_before, found.strata) == (6, 1)


def test_the_value_before_takes_out_what_the_arms_brought_along():
    # Every unit uses ten more than before, the treated three less: the adjusted effect is exactly −3 but for spread.
    before = [100, 200, 300, 400, 150, 250, 350, 450]
    treated = [True] * 4 + [False] * 4
    noise = [1, -1, -1, 1, 1, -1, -1, 1]
    value = [b + 10 - 3 * t + n for b, t, n in zip(before, treated, noise, strict=True)]
    found = estimate(_units(value, before, treated))
    assert isinstance(found.lift, Lift)
    assert found.lift.value == pytest.approx(-3.0, abs=1e-9)
    assert found.lift.estimator == "stratified_adjusted"


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_a_regression_with_cells_of_stratum_and_arm_and_one_slope(seed: int):
    units = _drawn(seed)
    names = sorted(set(units.stratum))
    cells = [(units.stratum == name) & (units.treated == arm) for name in names for arm in (True, False)]
    design = np.column_stack([*cells, units.before]).astype(float)
    solved = np.linalg.lstsq(design, units.value, rcond=None)[0]
    weights = [np.mean(units.stratum == name) for name in names]
    oracle = sum(w * (solved[2 * i] - solved[2 * i + 1]) for i, w in enumerate(weights))

    found = estimate(units)

    assert isinstance(found.lift, Lift)
    assert found.lift.value == pytest.approx(oracle, rel=1e-9)
    residual = units.value - design @ solved
    variance = 0.0
    for i, w in enumerate(weights):
        for cell in cells[2 * i : 2 * i + 2]:
            n = cell.sum()
            variance += w**2 * (residual[cell] ** 2).sum() / (n - 1 - 0.5 / len(names)) / n
    assert found.lift.standard_error == pytest.approx(variance**0.5, rel=1e-9)


def test_units_without_a_value_before_stay_in_their_arm_and_are_not_adjusted():
    units = _drawn(3)
    gone = units.before.copy()
    gone[::7] = NAN
    found = estimate(Units(units.value, gone, units.treated, units.stratum))
    assert found.without_before == len(gone[::7])
    assert isinstance(found.lift, Lift)
    assert found.lift.units_treated + found.lift.units_control == 120
    filled = gone.copy()
    for name in set(units.stratum):
        inside = units.stratum == name
        filled[inside & np.isnan(gone)] = np.nanmean(gone[inside])
    again = estimate(Units(units.value, filled, units.treated, units.stratum))
    assert isinstance(again.lift, Lift)
    assert again.lift.value == pytest.approx(found.lift.value, rel=1e-9)


def test_small_strata_are_merged_until_either_arm_has_five():
    stratum = np.array(["big"] * 20 + ["mid"] * 12 + ["few"] * 4 + ["one"], object)
    treated = np.array([True, False] * 10 + [True, False] * 6 + [True, False] * 2 + [True])
    # `few` has two in either arm, `one` a single unit: together 3 and 2, too few, so `mid` joins them.
    merged = merged_strata(stratum, treated)
    assert sorted(set(merged)) == ["big", MERGED]
    assert (merged == MERGED).sum() == 17


@given(st.integers(0, 2**31))
def test_merged_strata_leave_no_small_one_unless_all_units_are_too_few(seed: int):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 80))
    stratum = np.array([f"s{n}" for n in rng.integers(0, 6, size)], object)
    treated = rng.random(size) < 0.6
    merged = merged_strata(stratum, treated)
    for name in set(merged):
        inside = merged == name
        enough = min((inside & treated).sum(), (inside & ~treated).sum()) >= 5
        assert enough or set(merged) == {name}


def test_accounts_of_one_customer_count_as_one_unit_with_their_mean():
    units = _units([1, 3, 10, NAN], [2, 4, NAN, 8], [True, True, False, False])
    joined = units.joined(["c1", "c1", "c2", None])
    assert len(joined.value) == 3
    assert joined.before[joined.value == 2.0].tolist() == [3.0]
    alone = units.joined([None] * 4)
    assert alone is units


def test_an_arm_without_outcomes_has_no_effect():
    found = estimate(_units([1, 2, NAN, NAN], [1, 2, 3, 4], [True, True, False, False]))
    assert isinstance(found.lift, NotComputable) and found.lift.code == "too_few_units"
    assert np.isnan(found.control_mean) or found.control_mean == 0.0


def test_equal_outcomes_have_no_effect_to_judge():
    found = estimate(_units([5.0] * 20, [1.0] * 20, [True, False] * 10))
    assert isinstance(found.lift, NotComputable) and found.lift.code == "no_variation"


def test_where_nothing_happened_one_in_twenty_is_found_anyway():
    rng = np.random.default_rng(20260101)
    units = _drawn(1, size=150)
    value = units.value + 50 * units.treated
    found = 0
    draws = 2000
    for _ in range(draws):
        treated = units.treated.copy()
        for name in set(units.stratum):
            inside = np.flatnonzero(units.stratum == name)
            treated[inside] = rng.permutation(treated[inside])
        lift = estimate(Units(value, units.before, treated, units.stratum)).lift
        assert isinstance(lift, Lift)
        found += lift.p_value < 0.05
    print(f"rejected {found / draws:.4f}")
    assert 0.037 <= found / draws <= 0.063
