"""Tags: values a person can check, confidence, reasons, stated populations, and nothing from the future."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gridloop.domain.table import Stage
from gridloop.insight.tags.build import TagSettings, build_tags, decile
from gridloop.testing.readings import utc

USE = {
    "total_energy": 3_650_000.0,
    "daily_mean": 10_000.0,
    "evening_share": 0.3,
    "daily_variation": 0.3,
    "zero_share": 0.0,
}


def row_of(tags, customer, tag):
    """The one row."""
    [found] = [r for r in tags.rows.to_pylist() if (r["customer_id"], r["tag"]) == (customer, tag)]
    return found


def test_a_flag_says_yes_at_its_threshold_and_carries_confidence_and_window(town, said):
    town.customer("c1")
    town.meter("c1", USE, days_used=73, coverage=0.5)
    town.customer("c2")
    town.meter("c2", {**USE, "evening_share": 0.2999})
    tags = build_tags(town.view())

    assert said(tags.rows, "evening_peak") == {"c1": "yes", "c2": "no"}
    row = row_of(tags, "c1", "evening_peak")
    assert row["confidence"] == pytest.approx(0.5 * 73 / 365)
    assert (row["window_start"], row["window_end"]) == (date(2024, 1, 1), date(2024, 12, 31))
    assert row["as_of"] == utc(2025, 1, 2)
    assert row["number"] is None


def test_an_absent_tag_has_the_reason_of_what_is_absent_and_no_confidence(town, said):
    town.customer("no-meter")
    town.customer("short")
    town.meter("short", {**USE, "summer_ratio": 2.0}, days_used=27)
    town.customer("no-summer")
    town.meter("no-summer", {**USE, "summer_ratio": "no_summer_days"})
    tags = build_tags(town.view())

    assert said(tags.rows, "evening_peak") == {
        "no-meter": "[no_meter_features]",
        "short": "[too_few_days]",
        "no-summer": "yes",
    }
    assert said(tags.rows, "summer_cooling")["no-summer"] == "[no_summer_days]"
    assert said(tags.rows, "annual_energy")["short"] == "[too_few_days]"
    assert said(tags.rows, "annual_charge")["short"] == "[no_bills]"
    assert {r["confidence"] for r in tags.rows.to_pylist() if r["reason"] is not None} == {None}
    assert {r["value"] for r in tags.rows.to_pylist() if r["reason"] is not None} == {None}
    assert "tag.mostly_absent" in {finding.code for finding in tags.findings}


@pytest.mark.parametrize(
    ("ratio", "slope", "expected"),
    [(1.3, 50.0, "yes"), (1.3, -50.0, "no"), (1.3, "no_temperature", "yes"), (1.1, 50.0, "no")],
)
def test_summer_cooling_needs_more_use_in_summer_that_is_not_against_the_temperature(
    town, said, ratio, slope, expected
):
    town.customer("c")
    town.meter("c", {**USE, "summer_ratio": ratio, "cooling_slope": slope})
    assert said(build_tags(town.view()).rows, "summer_cooling") == {"c": expected}


def test_a_choice_takes_the_first_rule_that_holds(town, said):
    for customer, ratio in {"up": 1.15, "down": 0.85, "same": 1.0}.items():
        town.customer(customer)
        town.meter(customer, {**USE, "holiday_ratio": ratio})
    assert said(build_tags(town.view()).rows, "holiday_change") == {
        "up": "more",
        "down": "less",
        "same": "same",
    }


def test_meters_of_a_customer_add_up_and_old_ones_do_not_count(town, said):
    town.customer("c")
    town.meter("c", {**USE, "load_factor": 0.9}, "m1")
    town.meter("c", {**USE, "total_energy": 7_300_000.0, "daily_mean": 20_000.0, "evening_share": 0.1}, "m2")
    town.meter("c", {**USE, "daily_mean": 99_000.0}, "gone", window_end=date(2024, 6, 30))
    town.meter("c", {**USE, "daily_mean": 77_000.0}, "m1", window_end=date(2024, 11, 30))
    frame = build_tags(town.view()).frame

    assert frame.number("daily_mean").tolist() == [30_000.0]
    assert frame.number("annual_energy_kwh").tolist() == [30 * 365]
    assert frame.number("evening_share").tolist() == [pytest.approx((0.3 + 2 * 0.1) / 3)]
    assert frame.reasons["load_factor"].tolist() == ["not_extracted"]


def test_a_sum_needs_every_meter(town):
    town.customer("c")
    town.meter("c", USE, "m1")
    town.meter("c", {**USE, "daily_mean": "no_data", "total_energy": "no_data"}, "m2")
    frame = build_tags(town.view()).frame
    assert frame.rows["daily_mean"].to_pylist() == [None]
    assert frame.reasons["daily_mean"].tolist() == ["no_data"]


def test_a_year_of_bills_counts_credits_and_is_scaled_to_365_days(town, said):
    town.customer("c")
    town.meter("c", USE)
    first = date(2024, 1, 1)
    for month in range(12):
        start = first + timedelta(days=30 * month)
        town.bill("c", start, start + timedelta(days=30), 100, "60.00")
    town.bill("c", first, first + timedelta(days=30), -50, "-30.00", number=2)
    town.bill("c", date(2022, 1, 1), date(2022, 2, 1), 9000, "9000.00")
    tags = build_tags(town.view())

    assert row_of(tags, "c", "annual_charge")["number"] == pytest.approx((12 * 60 - 30) * 365 / 360)
    assert tags.frame.number("billed_energy_kwh")[0] == pytest.approx((1200 - 50) * 365 / 360)
    assert row_of(tags, "c", "annual_charge")["confidence"] == pytest.approx(360 / 365)
    assert row_of(tags, "c", "annual_charge")["window_end"] == first + timedelta(days=359)


def test_few_bills_are_not_stretched_to_a_year(town, said):
    town.customer("c")
    town.bill("c", date(2024, 1, 1), date(2024, 2, 1), 100, "60.00")
    assert said(build_tags(town.view()).rows, "annual_charge") == {"c": "[too_few_days]"}


def test_deciles_are_relative_to_a_stated_population_and_never_to_a_few(town, said):
    for number in range(60):
        town.customer(f"r{number:02d}")
        town.meter(f"r{number:02d}", {**USE, "mean_daily_peak": float(number)})
    for number in range(49):
        town.customer(f"s{number:02d}", "shop")
        town.meter(f"s{number:02d}", {**USE, "mean_daily_peak": float(number)})
    tags = build_tags(town.view())

    high = said(tags.rows, "high_load")
    assert [c for c, value in high.items() if value == "yes"] == [f"r{n}" for n in range(54, 60)]
    assert high["s48"] == "[small_population]"
    [stated] = [t for t in tags.thresholds if t.tag == "demand_decile"]
    assert (stated.population, stated.customers) == ("customer_class = residential", 60)
    assert stated.limits == tuple(float(6 * d) for d in range(1, 10))
    texts = {finding.text for finding in tags.findings}
    assert "Deciles of mean_daily_peak are relative to customer_class = residential: 60 customers." in texts
    assert "tag.small_population" in {finding.code for finding in tags.findings}


def test_equal_values_have_equal_deciles():
    import numpy as np

    assert decile(np.array([5.0] * 10)).tolist() == [1.0] * 10
    assert decile(np.arange(10.0)).tolist() == [float(d) for d in range(1, 11)]


def test_rows_fit_the_table_and_a_second_run_gives_the_same(town):
    for number in range(3):
        town.customer(f"c{number}")
        town.meter(f"c{number}", {**USE, "mean_profile": [0.4] * 48})
    view = town.view()
    first, second = build_tags(view), build_tags(view)
    assert first.rows.equals(second.rows)
    town.lake.writer(Stage.INSIGHT).upsert("tag", first.rows)
    assert town.lake.view().count("tag") == first.rows.num_rows == 3 * 21


def test_what_became_known_later_is_not_seen(town, said):
    town.customer("c")
    town.meter("c", {**USE, "evening_share": 0.1}, window_end=date(2024, 6, 30), as_of=utc(2024, 7, 2))
    town.meter("c", {**USE, "evening_share": 0.4})
    view = town.view()
    assert said(build_tags(view).rows, "evening_peak") == {"c": "yes"}
    then = view.at(utc(2024, 8, 1))
    assert set(said(build_tags(then).rows, "evening_peak").values()) == {"no"}
    assert build_tags(then).rows["as_of"][0].as_py() == utc(2024, 8, 1)


def test_an_empty_workspace_has_no_tags(town):
    tags = build_tags(town.lake.view(), TagSettings())
    assert tags.rows.num_rows == 0
