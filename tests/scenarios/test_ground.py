"""A utility's first months with Gridloop, as commands are typed: import, run, look, live with what comes later."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gridloop.apps.jobs.catalogue import JOBS as LOOP_JOBS
from gridloop.apps.wiring import opened
from gridloop.insight.features.extract import extract_features
from gridloop.twin.attributes import HIDDEN
from gridloop.twin.county import County, TwinSettings

pytestmark = pytest.mark.slow

PREMISES, DAYS, SEED = 15, 70, 11
LATE_READINGS, LATE_BILLS = "readings/readings_2025-12.parquet", "billing/bill_2025-12.csv"
UNREAD = {"archive/geography.geojson", "archive/tariff_period.csv", "archive/tariff_price.csv"}
"""The map as maps want it and the prices of the tariffs: the recipe does not read them and says so."""
JOBS = tuple(job.name for job in LOOP_JOBS)
ALL_DONE = dict.fromkeys(JOBS, "done")


@dataclass(frozen=True)
class Site:
    """Where a data engineer works: `sources` delivered to them, `truth` that no stage reads, and their workspace."""

    folder: Path

    @property
    def sources(self):
        """The files of the county."""
        return self.folder / "sources"

    @property
    def truth(self):
        """What the county was drawn from."""
        return self.folder / "truth"

    @property
    def workspace(self):
        """Not there until it is made."""
        return self.folder / "workspace"

    @property
    def import_words(self):
        """What is typed to import the county's files."""
        return ("import", "county", "--data", self.sources, "-w", self.workspace)

    def hold_back(self, name):
        """Take a source file away; answers a function that delivers it."""
        held = self.folder / Path(name).name
        shutil.move(self.sources / name, held)
        return lambda: shutil.move(held, self.sources / name)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """The county's files, only to be copied."""
    folder = tmp_path_factory.mktemp("delivered")
    settings = TwinSettings(customers=PREMISES, days=DAYS, seed=SEED)
    County(settings).write_sources(folder / "sources", truth=folder / "truth")
    return folder


@pytest.fixture
def site(delivered, tmp_path):
    """A copy of the files to work with."""
    shutil.copytree(delivered, tmp_path / "site")
    return Site(tmp_path / "site")


@pytest.fixture
def done(command):
    """Types a command that must succeed."""

    def type_in(*words):
        answer = command(*words)
        assert answer.code == 0, f"gridloop {words}\n{answer.err}"
        return answer

    return type_in


def outcomes(answer):
    """What became of each job of a `run --json`."""
    return {row["job"]: row["outcome"] for row in answer.rows}


def window(rows):
    """First and last day that features describe, over all customers and meters."""
    starts, ends = rows["window_start"].to_pylist(), rows["window_end"].to_pylist()
    return min(starts), max(ends)


def published_features(workspace):
    """The rows of table `feature` in force."""
    with opened(workspace) as session:
        view = session.published()
        rows = view.arrow("feature")
        view.close()
    return rows


def accounted(row):
    """Whether every row and every interval of a file is somewhere."""
    parts = ("accepted", "superseded", "quarantined")
    return all(row[f"{unit}_in"] == sum(row[f"{unit}_{p}"] for p in parts) for unit in ("rows", "intervals"))


def test_the_first_hour_from_an_empty_folder_to_a_profile_per_customer(done, command, site):
    assert "Made workspace" in done("init", site.workspace).out
    planned = done(*site.import_words, "--dry-run", "--json").rows
    assert {row["file"] for row in planned if row["role"] is None} == UNREAD
    imported = done(*site.import_words, "--json").rows
    files = {path.relative_to(site.sources).as_posix() for path in site.sources.rglob("*.*")}
    assert {row["file"] for row in imported} == {Path(name).name for name in files - UNREAD}
    assert all(accounted(row) for row in imported)
    stored = {name: pq.read_metadata(site.sources / name).num_rows for name in files if "readings_" in name}
    assert {r["file"]: r["rows_in"] for r in imported if r["role"] == "readings"} == {
        Path(name).name: rows for name, rows in stored.items()
    }
    assert outcomes(done("run", "-w", site.workspace, "--json")) == ALL_DONE
    look_at_the_data(done, site, imported)
    again = command(*site.import_words)
    assert again.code == 5 and "import" in again.err
    second = done("run", "-w", site.workspace)
    assert "Everything is up to date." in second.out
    assert [second.out.count(word) for word in ("fresh", "done")] == [len(JOBS), 0]


def look_at_the_data(done, site, imported):
    """Findings, tables, one customer and the quarantine agree with what was imported."""
    at = ("-w", site.workspace)
    found = {row["code"] for row in done("data", "check", *at, "--json").rows}
    assert {"reading.gap_long", "import.unclaimed_files"} <= found
    tables = {row["table"]: row["rows"] for row in done("data", "profile", *at, "--json").rows}
    assert {"reading", "customer", "completeness", "feature", "quality_finding"} <= set(tables)
    features = published_features(site.workspace)
    assert tables["feature"] == features.num_rows
    customer = features["customer_id"][0].as_py()
    profile = done("data", "profile", customer, *at).out
    assert f"Customer {customer}" in profile and "mean day  00h" in profile
    quarantined = done("data", "quarantine", *at, "--json").rows
    assert sum(row["rows"] for row in quarantined) == sum(row["rows_quarantined"] for row in imported)


def test_what_arrives_later_makes_stale_only_what_depends_on_it(done, site):
    bills_come, readings_come = site.hold_back(LATE_BILLS), site.hold_back(LATE_READINGS)
    done(*site.import_words)
    run = ("run", "-w", site.workspace, "--json")
    assert outcomes(done(*run)) == ALL_DONE
    bills_come()
    assert [row["file"] for row in done(*site.import_words, "--json").rows] == ["bill_2025-12.csv"]
    told = ("data.check", "insight.tags", "insight.segments", "strategy.recommend")  # whatever reads bills
    assert outcomes(done(*run)) == dict.fromkeys(JOBS, "fresh") | dict.fromkeys(told, "done")
    earlier = published_features(site.workspace)
    readings_come()
    assert [row["file"] for row in done(*site.import_words, "--json").rows] == ["readings_2025-12.parquet"]
    assert outcomes(done(*run)) == ALL_DONE | {"reach.deliver": "fresh"}  # nothing is due, nothing came back
    listed = done("job", "list", "-w", site.workspace, "--most", 60, "--json").rows
    again = [name for name in JOBS if name != "reach.deliver"]
    assert [row["job"] for row in reversed(listed)] == [
        *("import.county", *JOBS, "import.county", *told, "import.county", *again)
    ]
    assert {row["outcome"] for row in listed} == {"succeeded"}
    later = published_features(site.workspace)
    assert [str(day) for day in window(earlier)] == ["2025-10-23", "2025-11-30"]
    assert [str(day) for day in window(later)] == ["2025-10-23", "2025-12-31"]
    assert_the_earlier_knowledge_is_still_there(site.workspace, earlier, later)


def assert_the_earlier_knowledge_is_still_there(workspace, earlier, later):
    """Described as of the earlier features' own point of knowledge, every customer has the window they had then."""
    known_at = earlier["as_of"][0].as_py()
    assert known_at < later["as_of"][0].as_py()
    with opened(workspace) as session:
        view = session.published().at(known_at)
        again = extract_features(view).rows
        view.close()
    assert window(again) == window(earlier)
    assert again["as_of"][0].as_py() == known_at
    totals = [totals_of(rows) for rows in (again, earlier)]
    assert totals[0] == totals[1] and len(totals[0]) >= PREMISES


def totals_of(rows):
    """Energy by customer, meter and channel, with the window it is of."""
    names = ("customer_id", "meter_id", "channel", "window_start", "window_end", "days_used")
    return {
        tuple(row[name] for name in names): pytest.approx(row["value"], rel=1e-9)
        for row in rows.to_pylist()
        if row["feature"] == "total_energy"
    }


def test_a_county_whose_truth_was_deleted_gives_the_same_tables(done, site, digests):
    done("init", site.workspace)
    blind = site.folder / "blind"
    shutil.copytree(site.workspace, blind)
    done(*site.import_words)
    done("run", "-w", site.workspace)
    assert any(site.truth.iterdir())
    shutil.rmtree(site.truth)
    done("import", "county", "--data", site.sources, "-w", blind)
    done("run", "-w", blind)
    found = digests(blind)
    assert {"reading", "feature", "quality_finding"} <= set(found)
    assert found == digests(site.workspace)


def test_hidden_attributes_may_be_renamed_and_permuted_and_everything_still_runs(done, tmp_path):
    site = Site(tmp_path / "renamed")
    names = {name: f"hidden_{place}" for place, name in enumerate(HIDDEN)}
    settings = TwinSettings(customers=PREMISES, days=DAYS, seed=SEED, names=names, permutation=5)
    County(settings).write_sources(site.sources, truth=site.truth)
    told = {name for path in site.truth.rglob("*.parquet") for name in pq.read_schema(path).names}
    assert told & set(names.values()) and not told & set(HIDDEN)
    assert all(accounted(row) for row in done(*site.import_words, "--json").rows)
    assert outcomes(done("run", "-w", site.workspace, "--json")) == ALL_DONE
    features = published_features(site.workspace)
    assert len(set(features["customer_id"].to_pylist())) >= PREMISES
    assert str(window(features)[1]) == "2025-12-31"


def test_one_person_is_erased_and_no_file_still_names_them(done, command, place):
    with (place.sources / "archive" / "customer.csv").open(encoding="utf-8") as file:
        number = file.read().splitlines()[1].partition(",")[0]
    at = ("-w", place.workspace)
    (before,) = done("vault", "status", *at, "--json").rows
    words = ("vault", "erase", number, "--requester", "letter-17", "--yes", "--json")
    erased = done(*words, *at).rows
    assert [row["count"] for row in erased if row["place"] == "proof"] == [0]
    assert [row["count"] for row in erased if row["place"] == "tombstone"] == [1]
    (after,) = done("vault", "status", *at, "--json").rows
    assert after["people"] == before["people"] - 1
    assert command(*words, *at).code != 0
    assert done("audit", "verify", *at).out.strip() == "The chain is unbroken."
