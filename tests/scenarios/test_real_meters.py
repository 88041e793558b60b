"""A year of 61 homes in London and 92 days of 414 in Scotland, imported and run, against the published files."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from gridloop.apps.cli.main import main
from gridloop.apps.wiring import opened
from gridloop.domain.reading import FIRST_ESTIMATE, Channel
from gridloop.engine.readings import reading_units
from gridloop.kernels.features.catalogue import FEATURES
from gridloop.kernels.features.reason import Reason

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

FILES = {"lcl": "readings_halfhourly_2013.parquet", "edrp": "readings_halfhourly_2009.parquet"}
READINGS = {"lcl": 1_025_931, "edrp": 1_828_224}
HOMES = {"lcl": 61, "edrp": 414}
SPAN = {"lcl": (date(2012, 12, 31), date(2013, 12, 31)), "edrp": (date(2009, 3, 1), date(2009, 6, 1))}
EARLY_ENDS = {
    "MAC000016": "2013-01-15",
    "MAC000028": "2013-10-07",
    "MAC000050": "2013-04-17",
    "MAC000063": "2013-09-24",
    "MAC000095": "2013-09-30",
}
CLOCK_CHANGES = {
    "lcl": {date(2013, 3, 31): (46, 60), date(2013, 10, 27): (50, 56)},
    "edrp": {date(2009, 3, 29): (46, 414)},
}
"""Half-hours of the day, and homes that were read on it."""
NOT_IN_92_DAYS = {
    "summer_ratio": "too_few_days",
    "winter_ratio": "too_few_days",
    "growth_within_window": "too_few_days",
    "growth_year_on_year": "less_than_two_years",
    "heating_slope": "no_temperature",
    "cooling_slope": "no_temperature",
    "temperature_fit": "no_temperature",
    "holiday_ratio": "no_holidays",
    "critical_share": "no_such_period",
}
"""What half a spring without weather, holidays or critical prices cannot show, and the reason told."""


@dataclass(frozen=True)
class Imported:
    """A workspace of real meters.

    Attributes:
        name: recipe.
        source: the published readings.
        workspace: where they are.
        accounts: rows of `import --json`.
        outcomes: rows of `run --json`.
    """

    name: str
    source: Path
    workspace: Path
    accounts: list
    outcomes: list

    @contextmanager
    def view(self):
        """What was published."""
        with opened(self.workspace) as session:
            view = session.published()
            yield view
            view.close()

    def findings(self, rule):
        """Findings of a rule by home: evidence."""
        with self.view() as view:
            rows = view.arrow("quality_finding").to_pylist()
        return {row["subject"]: json.loads(row["evidence"]) for row in rows if row["rule"] == rule}

    def features(self):
        """Rows of table `feature` by name, then by home."""
        with self.view() as view:
            rows = view.arrow("feature").to_pylist()
        found = defaultdict(dict)
        for row in rows:
            found[row["feature"]][row["meter_id"]] = row
        return found


def gridloop(folder, *words):
    """Rows that a command prints."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("GRIDLOOP_KEYS", str(folder / "keys"))
        try:
            code = main([*map(str, words), "-w", str(folder / "workspace"), "--json"])
        except SystemExit as ended:
            code = ended.code
    assert not code, err.getvalue()
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def everything(realdata, tmp_path_factory):
    """Both data sets, imported and run."""
    found = {}
    for name, file in FILES.items():
        folder = tmp_path_factory.mktemp(name)
        accounts = gridloop(folder, "import", name, "--data", realdata / name)
        outcomes = gridloop(folder, "run")
        found[name] = Imported(name, realdata / name / file, folder / "workspace", accounts, outcomes)
    return found


@pytest.fixture(params=sorted(FILES))
def homes(everything, request):
    """Either data set."""
    return everything[request.param]


@pytest.fixture
def london(everything):
    """The 61 homes."""
    return everything["lcl"]


@pytest.fixture
def scotland(everything):
    """The 414 homes."""
    return everything["edrp"]


def test_every_reading_is_accepted_superseded_or_quarantined(homes):
    (readings,) = [row for row in homes.accounts if row["role"] == "readings"]
    assert readings["rows_in"] == READINGS[homes.name] == pq.read_metadata(homes.source).num_rows
    for row in homes.accounts:
        for unit in ("rows", "intervals"):
            parts = ("accepted", "superseded", "quarantined")
            assert row[f"{unit}_in"] == sum(row[f"{unit}_{part}"] for part in parts), row["file"]
    with homes.view() as view:
        rows = view.arrow("completeness", columns=["expected", "present"])
    assert sum(rows["present"].to_pylist()) == READINGS[homes.name]
    assert sum(rows["expected"].to_pylist()) > READINGS[homes.name]


def test_every_home_is_described_over_the_whole_window(homes):
    assert {row["outcome"] for row in homes.outcomes} == {"done"}
    features = homes.features()
    assert set(features) == {spec.name for spec in FEATURES}
    assert {len(rows) for rows in features.values()} == {HOMES[homes.name]}
    windows = {(r["window_start"], r["window_end"]) for rows in features.values() for r in rows.values()}
    assert windows == {SPAN[homes.name]}


def test_days_of_clock_changes_have_46_and_50_half_hours(homes):
    for day, (half_hours, read) in CLOCK_CHANGES[homes.name].items():
        with homes.view() as view:
            cubes = [
                unit.cube() for unit in reading_units(view, Channel.IMPORT_WH, start=day, end=day_after(day))
            ]
            expected = view.arrow("completeness", columns=["day", "expected", "present"]).to_pylist()
        place = day.day - 1
        assert {int(cube.slots[place]) for cube in cubes} == {half_hours}
        assert {int(np.delete(cube.slots, place).min()) for cube in cubes} == {48}
        present = np.concatenate([np.isfinite(cube.wh[:, place]).sum(axis=1) for cube in cubes])
        assert sorted(set(present.tolist()) - {0}) == [half_hours]
        assert int((present > 0).sum()) == read
        of_day = [row for row in expected if row["day"] == day]
        assert {row["expected"] for row in of_day} == {half_hours}
        assert sum(row["present"] == half_hours for row in of_day) == read


def day_after(day):
    """The next civil day."""
    return date.fromordinal(day.toordinal() + 1)


def test_homes_that_fall_silent_are_named_with_their_last_day(london, scotland):
    ends = london.findings("reading.early_end")
    assert {home: evidence["first_day"] for home, evidence in ends.items()} == EARLY_ENDS
    assert scotland.findings("reading.early_end") == {}


def test_a_long_zero_run_is_told_from_a_home_that_is_hardly_used(london, scotland):
    runs = london.findings("reading.zero_run") | london.findings("reading.vacant")
    assert runs["MAC000041"]["longest_hours"] == 873 / 2
    habits = london.findings("reading.habitual_zero")
    assert {home: evidence["worst_value"] for home, evidence in habits.items()} == {
        home: round(share, 3) for home, share in zero_shares(london).items() if share >= 0.5
    }
    assert set(habits) == {"MAC000004", "MAC000037"} and not set(habits) & set(runs)
    assert set(scotland.findings("reading.habitual_zero")) == {
        home for home, share in zero_shares(scotland).items() if share >= 0.5
    }


def published_wh(homes):
    """Wh of every published reading by home, float64 as the file has them."""
    table = pq.read_table(homes.source, columns=["household_id", "kwh"])
    encoded = table["household_id"].combine_chunks().dictionary_encode()
    wh = table["kwh"].to_numpy().astype(np.float64) * 1000
    order = np.argsort(encoded.indices.to_numpy(), kind="stable")
    bounds = np.cumsum(np.bincount(encoded.indices.to_numpy()))[:-1]
    return dict(zip(encoded.dictionary.to_pylist(), np.split(wh[order], bounds), strict=True))


def zero_shares(homes):
    """Share of a home's readings that are zero, counted in the file."""
    return {home: float((np.rint(wh) == 0).mean()) for home, wh in published_wh(homes).items()}


def estimated_wh(homes):
    """Wh that validation filled into short gaps, and how many values, by home."""
    filled = defaultdict(float)
    count = 0
    with homes.view() as view:
        for unit in reading_units(view, Channel.IMPORT_WH):
            cube = unit.cube()
            if cube.quality is None:
                continue
            estimate = cube.quality >= FIRST_ESTIMATE
            count += int(estimate.sum())
            for meter, wh in zip(cube.meters, np.where(estimate, cube.wh, 0.0).sum(axis=(1, 2)), strict=True):
                filled[meter] += float(wh)
    return filled, count


def test_the_energy_of_every_home_is_that_of_the_file_and_what_was_filled_in(homes):
    totals, (filled, estimates) = homes.features()["total_energy"], estimated_wh(homes)
    with homes.view() as view:
        assert sum(view.arrow("completeness")["estimated"].to_pylist()) == estimates
    published = published_wh(homes)
    assert set(totals) == set(published)
    for home, wh in published.items():
        rounded = int((np.abs(wh - np.rint(wh)) > 1e-3).sum())
        apart = abs(totals[home]["value"] - filled[home] - wh.sum())
        assert apart <= 0.5 * rounded + 1e-6 * wh.sum() + 1e-3, home
        assert 0 <= filled[home] <= 0.01 * wh.sum() + 1e-9, home


def test_what_92_days_cannot_show_is_answered_by_its_reason_for_every_home(scotland):
    features = scotland.features()
    reasons = {name: {row["reason"] for row in rows.values()} for name, rows in features.items()}
    assert {name: found for name, found in reasons.items() if name in NOT_IN_92_DAYS} == {
        name: {reason} for name, reason in NOT_IN_92_DAYS.items()
    }
    codes = {reason.code for reason in Reason}
    for name, rows in features.items():
        for home, row in rows.items():
            computed = row["value"] is not None or row["vector"] is not None
            assert computed == (row["reason"] is None), (home, name)
            assert row["reason"] is None or row["reason"] in codes
    others = {name: found for name, found in reasons.items() if name not in NOT_IN_92_DAYS}
    # one home has a slot that was zero on every day, so its profile has no valley to divide by
    assert others.pop("peak_to_valley_ratio") == {None, "zero_energy"}
    assert set(map(frozenset, others.values())) == {frozenset({None})}


def test_a_year_shows_seasons_and_homes_that_stopped_early_say_why_not(london):
    features = london.features()
    for name in ("summer_ratio", "winter_ratio", "heating_slope", "holiday_ratio"):
        absent = {home: row["reason"] for home, row in features[name].items() if row["reason"] is not None}
        assert set(absent) <= set(EARLY_ENDS), name
        assert "MAC000016" in absent
        assert set(absent.values()) <= {"too_few_days", "low_coverage"}
    assert {row["reason"] for row in features["growth_year_on_year"].values()} <= {
        "less_than_two_years",
        "low_coverage",
    }
