"""Currency, punctuality and missing batches: what ends too early, comes too late, or is missing in the middle."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from gridloop.data.quality.batches import Day, runs, short_days
from gridloop.data.quality.book import CheckSettings
from gridloop.data.quality.timeliness import promised
from gridloop.testing.readings import utc

SERIES = ("region", "reading", "completeness", "weather", "calendar", "bill")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("PT6H", timedelta(hours=6)),
        ("P1D", timedelta(days=1)),
        ("P1M", timedelta(days=31)),
        ("P1Y", timedelta(days=366)),
        ("P1DT12H30M", timedelta(days=1, hours=12, minutes=30)),
        ("event", None),
        ("P", None),
    ],
)
def test_a_promise_is_the_longest_time_that_its_duration_can_mean(text, span):
    assert promised(text) == span


def test_short_days_join_to_runs():
    days = [Day(date(2025, 1, n), came, 10.0) for n, came in enumerate([10, 4, 5, 3, 0, 9], start=1)]
    short = short_days(days, 0.5)
    assert [day.day.day for day in short] == [2, 4, 5]
    assert [[day.day.day for day in run] for run in runs(short)] == [[2], [4, 5]]


@pytest.fixture(scope="module")
def found(new_utility, tmp_path_factory):
    """Findings of a utility whose series are late, stale, premature and have holes."""
    utility = new_utility().keep(SERIES)
    for row in utility["completeness"]:
        if row["day"] == date(2025, 1, 5) and row["meter_id"] < "M07":
            row["present"] = 1  # a batch of seven of twelve meters, in the middle
        if row["day"] >= date(2025, 1, 11) and row["meter_id"] < "M08":
            row["present"] = 0  # and the newest two days of eight
        if row["meter_id"] == "M11":
            row["present"], row["late_hours"] = 0, 60.0  # one silent, late meter is no missing batch
    stations = [r for r in utility["weather"] if r["station_id"] == "W2" and utc(2025, 1, 8) <= r["time"]]
    gone = [r for r in stations if r["time"] < utc(2025, 1, 10)] + [
        r for r in utility["weather"] if r["station_id"] == "W1" and r["time"] >= utc(2025, 1, 11)
    ]
    utility.rows["weather"] = [r for r in utility["weather"] if r not in gone]
    for row in utility["weather"][:6]:
        row["available_at"] += timedelta(hours=13)  # 6 h are promised, 12 h are allowed
    utility["weather"][6]["available_at"] -= timedelta(hours=2)  # known an hour before it happened
    utility["bill"][0]["available_at"] = utc(2025, 3, 20)  # 109 days after the end of November, 62 allowed
    for row in utility["bill"][2:4]:
        row["available_at"] += timedelta(days=20)
    _, rows = utility.check(tmp_path_factory.mktemp("late") / "workspace")
    return [r for r in rows if not r["rule"].startswith(("rate.", "linked.", "reference", "known."))]


def told(found, rule):
    """Findings of a rule by table, subject and first day."""
    return {
        (r["table_name"], r["subject"], r["day_from"], r["day_to"]): (r["count"], json.loads(r["evidence"]))
        for r in found
        if r["rule"] == rule
    }


def test_missing_batches_are_found_in_the_middle_and_at_the_end(found):
    batches = told(found, "timeliness.missing_batch")
    assert {place: count for place, (count, _) in batches.items()} == {
        ("reading", "import_wh", date(2025, 1, 5), date(2025, 1, 5)): 1,
        ("reading", "import_wh", date(2025, 1, 11), date(2025, 1, 12)): 2,
        ("weather", "W2 observed", date(2025, 1, 8), date(2025, 1, 9)): 2,
        ("weather", "W1 observed", date(2025, 1, 11), date(2025, 1, 11)): 1,
    }
    _, evidence = batches["reading", "import_wh", date(2025, 1, 5), date(2025, 1, 5)]
    assert (evidence["came"], evidence["usual"], evidence["other_gaps"]) == (4, 11.0, 1)
    texts = {r["day_from"]: r["text"] for r in found if r["rule"] == "timeliness.missing_batch"}
    assert texts[date(2025, 1, 8)] == (
        "A batch of weather (W2 observed) is missing: on 2 days from 2025-01-08 to 2025-01-09, inside the series, "
        "0 rows came where 48 are usual."
    )
    assert "the newest days of the series" in texts[date(2025, 1, 11)]


def test_late_rows_are_counted_against_the_promise_of_their_table(found):
    late = told(found, "timeliness.late")
    assert {place[0]: count for place, (count, _) in late.items()} == {"reading": 12, "weather": 6, "bill": 1}
    _, readings = late["reading", None, None, None]
    assert (readings["threshold_hours"], readings["worst_hours"]) == (48, 60.0)
    _, weather = late["weather", None, None, None]
    assert (weather["threshold_hours"], weather["worst_hours"]) == (12, 14.0)


def test_a_row_known_before_what_it_is_about_is_accused(found):
    early = told(found, "timeliness.known_before")
    assert {place[0]: count for place, (count, _) in early.items()} == {"weather": 1}


def test_nothing_is_stale_by_the_clock_of_the_data_itself(found):
    assert told(found, "timeliness.stale") == {}


def test_given_the_time_what_ended_long_ago_is_stale(new_utility, tmp_path):
    settings = CheckSettings(now=utc(2025, 1, 16, 12))
    utility = new_utility().keep(("weather", "price_series", "calendar", "landing_file", "row_account"))
    for row in utility["landing_file"]:
        row["received_at"] = utc(2025, 1, 12)
    _, rows = utility.check(tmp_path / "workspace", settings=settings)
    stale = told(rows, "timeliness.stale")
    assert (
        {place[0]: evidence["age_hours"] for place, (_, evidence) in stale.items()}
        == {
            "weather": 84.0,  # known last at midnight after the 12th
            "price_series": 85.0,  # prices foretold up to the last hour of the 12th; the calendar reaches to the 30th
        }
    )
    (delivery,) = [r for r in rows if r["rule"] == "timeliness.delivery"]
    assert (delivery["subject"], delivery["severity"]) == ("county", "warning")
    assert delivery["text"] == "Recipe county delivered last 4.5 days ago."
