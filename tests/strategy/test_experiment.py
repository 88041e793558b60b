"""A design states what it can find, and its assignment is exact, repeatable and checked."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.errors import UsageError
from gridloop.domain.finding import NotComputable
from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.strategy.experiment import (
    DesignSettings,
    SplitCheck,
    assign,
    check_balance,
    check_split,
    chi_square_tail,
    draw_order,
    minimum_detectable_effect,
    power_of,
    units_needed,
)


def units(count: int, **columns: list[str]) -> pa.Table:
    return pa.table({"unit_id": [f"A{number:05d}" for number in range(count)], **columns})


def test_half_a_deviation_needs_64_units_an_arm():
    # Cohen (1988), table 2.4.1: d = 0.5, two-sided 5 %, power 80 %.
    assert units_needed(0.5, 1.0) == 128


def test_an_effect_of_the_detectable_size_is_found_with_the_stated_power():
    effect = minimum_detectable_effect(1000, 40.0)
    assert effect == pytest.approx(40.0 * 2.8016 * (4 / 998.08) ** 0.5, rel=1e-4)
    assert power_of(effect, 1000, 40.0) == pytest.approx(0.8, abs=1e-3)
    assert power_of(0.0, 1000, 40.0) == pytest.approx(0.05)


def test_simulated_experiments_find_the_detectable_effect_in_eight_of_ten():
    generator = np.random.default_rng(3)
    design = DesignSettings(treated_share=0.8)
    effect = minimum_detectable_effect(60, 1.0, design)
    x1 = generator.normal(effect, 1.0, (8000, 48))
    x0 = generator.normal(0.0, 1.0, (8000, 12))
    pooled = (x1.var(1, ddof=1) * 47 + x0.var(1, ddof=1) * 11) / 58
    t = (x1.mean(1) - x0.mean(1)) / np.sqrt(pooled * (1 / 48 + 1 / 12))
    assert np.mean(np.abs(t) > 2.0017) == pytest.approx(0.8, abs=0.02)


def test_clusters_of_50_with_correlation_a_tenth_cost_nearly_six_times_the_units():
    plain, clustered = DesignSettings(), DesignSettings(cluster_size=50, intraclass_correlation=0.1)
    assert clustered.variance_factor == pytest.approx(5.9)
    ratio = minimum_detectable_effect(100_000, 1.0, clustered) / minimum_detectable_effect(
        100_000, 1.0, plain
    )
    assert ratio == pytest.approx(5.9**0.5, rel=1e-3)


def test_a_covariate_that_correlates_by_08_saves_two_thirds_of_the_units():
    assert DesignSettings(covariate_correlation=0.8).variance_factor == pytest.approx(0.36)


def test_two_feeders_show_nothing():
    design = DesignSettings(cluster_size=100, intraclass_correlation=0.05)
    answer = minimum_detectable_effect(200, 1.0, design)
    assert isinstance(answer, NotComputable) and answer.code == "too_few_units"
    assert minimum_detectable_effect(200, 0.0).code == "no_variation"


def test_the_draw_is_the_published_hash():
    expected = hashlib.sha256(b"2:42" + b"6:=north" + b"4:A001").digest()
    assert draw_order(42, "north", "A001") == expected


def test_the_same_seed_draws_the_same_arms_in_any_order_of_rows():
    stratum = ["north" if number % 3 else "south" for number in range(300)]
    given_rows = units(300, stratum=stratum)
    shuffled = given_rows.take(np.random.default_rng(0).permutation(300))
    first, second = (assign(rows, {"holdout": 0.2, "offer": 0.8}, seed=7) for rows in (given_rows, shuffled))
    assert sorted(first.to_pylist(), key=str) == sorted(second.to_pylist(), key=str)
    other = assign(given_rows, {"holdout": 0.2, "offer": 0.8}, seed=8)
    assert other["arm"].to_pylist() != first["arm"].to_pylist()


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    holdout=st.floats(0.05, 0.6),
    seed=st.integers(-(2**40), 2**40),
)
def test_every_stratum_has_its_share_to_the_unit_and_so_have_all_together(sizes, holdout, seed):
    stratum = [f"s{index:02d}" for index, size in enumerate(sizes) for _ in range(size)]
    shares = {"holdout": holdout, "a": (1 - holdout) / 3, "b": 2 * (1 - holdout) / 3}
    drawn = assign(units(len(stratum), stratum=stratum), shares, seed=seed)
    counts = Counter(zip(drawn["stratum"].to_pylist(), drawn["arm"].to_pylist(), strict=True))
    for index, size in enumerate(sizes):
        for arm, share in shares.items():
            assert abs(counts[f"s{index:02d}", arm] - size * share) < 1 + 1e-6
    for arm, share in shares.items():
        assert abs(sum(n for (_, a), n in counts.items() if a == arm) - len(stratum) * share) < 2


def test_strata_of_three_still_hold_out_a_tenth_of_all():
    stratum = [f"s{number // 3:03d}" for number in range(300)]
    drawn = assign(units(300, stratum=stratum), {"holdout": 0.1, "offer": 0.9}, seed=1)
    assert Counter(drawn["arm"].to_pylist()) == {"offer": 270, "holdout": 30}


def test_units_of_a_cluster_share_their_arm():
    cluster = [f"F{number // 10}" for number in range(200)]
    drawn = assign(units(200, cluster_id=cluster), {"holdout": 0.5, "offer": 0.5}, seed=5)
    arms = set(zip(cluster, drawn["arm"].to_pylist(), strict=True))
    assert len(arms) == 20 and Counter(arm for _, arm in arms) == {"offer": 10, "holdout": 10}


def test_the_rows_fit_the_ledger():
    drawn = assign(units(10), {"holdout": 0.2, "offer": 0.8}, seed=5)
    declared = arrow_schema(table("assignment"))
    assert all(field.type == declared.field(field.name).type for field in drawn.schema)
    assert set(drawn["probability"].to_pylist()) == {0.2, 0.8}


def test_first_places_of_the_order_fall_on_all_units_alike():
    first = Counter(
        assign(units(5), {"holdout": 0.2, "offer": 0.8}, seed=seed)["arm"].to_pylist().index("holdout")
        for seed in range(2000)
    )
    assert all(abs(first[place] - 400) < 80 for place in range(5))


@pytest.mark.parametrize(
    "shares", [{"offer": 1.0}, {"holdout": 0.2, "offer": 0.7}, {"holdout": 0, "offer": 1}]
)
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(UsageError):
        assign(units(4), shares, seed=1)


def test_a_unit_given_twice_or_a_cluster_in_two_strata_is_refused():
    shares = {"holdout": 0.5, "offer": 0.5}
    with pytest.raises(UsageError):
        assign(pa.table({"unit_id": ["A", "A"]}), shares, seed=1)
    with pytest.raises(UsageError):
        assign(units(2, stratum=["n", "s"], cluster_id=["F", "F"]), shares, seed=1)


def test_a_split_of_821_000_and_815_482_is_not_a_half():
    # The example of Fabijan and others (2019): p below 0.001, although the shares are 50.2 % and 49.8 %.
    check = check_split({"control": 821_588, "offer": 815_482}, {"control": 0.5, "offer": 0.5})
    assert (
        isinstance(check, SplitCheck)
        and not check.passed
        and check.p_value == pytest.approx(1.8e-6, rel=0.05)
    )
    assert check_split({"control": 510, "offer": 490}, {"control": 500, "offer": 500}).passed
    assert check_split({"control": 3, "offer": 4}, {"control": 0.5, "offer": 0.5}).code == "too_few_units"
    with pytest.raises(UsageError):
        check_split({"control": 30}, {"control": 0.5, "offer": 0.5})


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 10])
def test_the_chi_square_tail_is_scipys(df):
    stats = pytest.importorskip("scipy.stats")
    for statistic in (0.01, 0.5, 3.84, 20.0, 300.0):
        assert chi_square_tail(statistic, df) == pytest.approx(stats.chi2.sf(statistic, df), rel=1e-10)


def test_balance_is_a_difference_in_standard_deviations():
    arms = ["offer"] * 4 + ["holdout"] * 4
    found = check_balance(
        {"kwh": [1, 2, 3, 4, 0, 1, 2, 3], "zone": [1] * 8, "age": [1, *[np.nan] * 7]}, arms, treated="offer"
    )
    assert found["kwh"].difference == pytest.approx(1 / (5 / 3) ** 0.5) and not found["kwh"].balanced
    assert found["zone"].code == "no_variation" and found["age"].code == "too_few_units"
