from __future__ import annotations

import errno
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gridloop.domain.errors import StorageFull, UsageError
from gridloop.twin import county, simulation
from gridloop.twin.attributes import HIDDEN, OF_PREMISES
from gridloop.twin.county import County, DirtRates, TwinSettings
from gridloop.twin.settings import SUBJECTS

SMALL = TwinSettings(customers=40, days=40, seed=3)


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    County(SMALL).write_sources(folder / "sources", truth=folder / "truth")
    return folder


def test_equal_settings_give_equal_files(small: Path, tmp_path: Path) -> None:
    County(SMALL).write_sources(tmp_path / "sources")
    assert _digests(tmp_path / "sources") == _digests(small / "sources")
    assert len(_digests(small / "sources")) >= 20


def test_another_seed_gives_another_county(small: Path, tmp_path: Path) -> None:
    County(TwinSettings(customers=40, days=40, seed=4)).write_sources(tmp_path)
    same = _digests(small / "sources")
    assert all(digest != same[name] for name, digest in _digests(tmp_path).items() if "readings_" in name)


def test_truth_alone_equals_truth_written_with_the_sources(small: Path, tmp_path: Path) -> None:
    County(SMALL).write_truth(tmp_path)
    for path in sorted((small / "truth").iterdir()):
        assert pq.read_table(tmp_path / path.name).equals(pq.read_table(path)), path.name


def test_a_meter_reads_the_same_among_few_and_many() -> None:
    few, many = County(TwinSettings(customers=10, days=31)), County(TwinSettings(customers=60, days=31))
    month = few.simulation.months[0]
    assert (
        few.simulation.net_wh(slice(0, 10), month) == many.simulation.net_wh(slice(0, 60), month)[:10]
    ).all()
    assert few.simulation.premises.meter_id == many.simulation.premises.meter_id[:10]


def test_a_day_reads_the_same_in_a_longer_window() -> None:
    short, long = County(TwinSettings(customers=20, days=31)), County(TwinSettings(customers=20, days=62))
    here, there = short.simulation.months[-1], long.simulation.months[-1]
    assert (here.first, here.end - here.begin) == (there.first, there.end - there.begin)
    told = [c.simulation.net_wh(slice(0, 20), m)[:, 5:] for c, m in ((short, here), (long, there))]
    steady = [
        (c.simulation.premises.connected < 10**6) & (c.simulation.premises.vacant_from > 10**6)
        for c in (short, long)
    ]
    both = steady[0] & steady[1]
    # the building's felt temperature starts from the first day, which five days later is forgotten to the rounding
    assert np.abs(told[0][both] - told[1][both]).max() <= 1 and both.sum() >= 15


def test_the_size_of_blocks_changes_no_row(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "BLOCK", 7)
    County(SMALL).write_sources(tmp_path)
    order = [
        ("METER_ID", "ascending"),
        ("CHANNEL", "ascending"),
        ("DATE", "ascending"),
        ("RECEIVED_AT", "ascending"),
    ]
    for path in sorted((small / "sources" / "readings").iterdir()):
        mine = pq.read_table(tmp_path / "readings" / path.name)
        assert mine.sort_by(order).equals(pq.read_table(path).sort_by(order))
    assert _digests(tmp_path / "billing") == _digests(small / "sources" / "billing")


def test_sources_say_no_hidden_name(small: Path) -> None:
    truth = pq.read_table(small / "truth" / "premise.parquet").column_names
    assert set(OF_PREMISES) <= set(truth)
    secret = [*HIDDEN, *(f"K{number:02d}" for number in range(1, 20))]
    for path in (small / "sources").rglob("*"):
        if path.suffix == ".csv":
            text = path.read_text(encoding="utf-8")
            assert not [name for name in HIDDEN if name in text or name.upper() in text], path.name
            assert not [cell for line in text.splitlines() for cell in line.split(",") if cell in secret], (
                path.name
            )
        elif path.suffix == ".parquet":
            schema = pq.read_schema(path)
            assert not set(schema.names) & set(secret) and not schema.metadata


def test_renamed_attributes_change_truth_alone(small: Path, tmp_path: Path) -> None:
    names = {name: f"x{number}" for number, name in enumerate(HIDDEN)}
    renamed = TwinSettings(customers=40, days=40, seed=3, names=names)
    County(renamed).write_sources(tmp_path / "sources", truth=tmp_path / "truth")
    assert _digests(tmp_path / "sources") == _digests(small / "sources")
    assert {names[name] for name in OF_PREMISES} < set(
        pq.read_table(tmp_path / "truth" / "premise.parquet").column_names
    )


def test_permuted_attributes_give_another_county_of_the_same_make(small: Path, tmp_path: Path) -> None:
    permuted = TwinSettings(customers=40, days=40, seed=3, permutation=99)
    County(permuted).write_sources(tmp_path / "sources", truth=tmp_path / "truth")
    before = pq.read_table(small / "truth" / "premise.parquet").to_pydict()
    after = pq.read_table(tmp_path / "truth" / "premise.parquet").to_pydict()
    assert before["true_class"] == after["true_class"]
    assert before["standby_w"] != after["standby_w"]
    assert sorted(before["standby_w"]) == sorted(after["standby_w"])
    assert sorted(_digests(tmp_path / "sources")) == sorted(_digests(small / "sources"))
    labels = set(zip(before["archetype_label"], before["standby_w"], strict=True))
    assert labels != set(zip(after["archetype_label"], after["standby_w"], strict=True))


@pytest.mark.parametrize("truth", ["sources", "sources/truth", "."])
def test_truth_among_the_sources_is_refused(tmp_path: Path, truth: str) -> None:
    with pytest.raises(UsageError, match="outside"):
        County(SMALL).write_sources(tmp_path / "sources", truth=tmp_path / truth)


@pytest.mark.parametrize("minutes", [30, 60])
def test_longer_intervals_hold_the_same_energy(minutes: int) -> None:
    quarter, longer = (County(TwinSettings(customers=20, days=31, interval_minutes=m)) for m in (15, minutes))
    month = quarter.simulation.months[0]
    ours, theirs = (c.simulation.net_wh(slice(0, 20), month) for c in (quarter, longer))
    assert theirs.shape[2] == 1440 // minutes
    assert (ours.sum(axis=2) == theirs.sum(axis=2)).all()


def test_hourly_files_have_twenty_four_points(tmp_path: Path) -> None:
    settings = TwinSettings(
        customers=30, days=45, interval_minutes=60, dirt=DirtRates(gap=0.1, stuck=0.1, zero_run=0.1)
    )
    County(settings).write_sources(tmp_path / "s", truth=tmp_path / "t")
    for path in (tmp_path / "s" / "readings").iterdir():
        names = pq.read_schema(path).names
        assert "P24" in names and "P25" not in names
    faults = pq.read_table(tmp_path / "t" / "fault.parquet").to_pylist()
    assert {"gap", "stuck", "zero_run"} <= {fault["kind"] for fault in faults}
    assert all(1 <= fault["first_position"] <= fault["last_position"] <= 24 for fault in faults)


def test_one_premise_and_one_day_are_a_county(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    settings = TwinSettings(customers=1, days=1, dirt=DirtRates.none())
    County(settings).write_sources(tmp_path, lambda share, what: told.append((share, what)))
    table = pq.read_table(tmp_path / "readings" / "readings_2025-12.parquet")
    assert 1 <= table.num_rows <= 2 and told == [(1.0, "2025-12")]


def test_without_dirt_every_row_arrives_once(tmp_path: Path) -> None:
    settings = TwinSettings(customers=30, days=31, dirt=DirtRates.none())
    County(settings).write_sources(tmp_path / "s", truth=tmp_path / "t")
    table: Any = pq.read_table(tmp_path / "s" / "readings" / "readings_2025-12.parquet")
    assert table.num_rows == pq.read_table(tmp_path / "t" / "daily_energy.parquet").num_rows
    assert pq.read_table(tmp_path / "t" / "fault.parquet").num_rows == 0
    assert sum(column.null_count for column in table.columns) == 0


def test_an_earlier_longer_county_leaves_no_months_behind(tmp_path: Path) -> None:
    County(TwinSettings(customers=3, days=70)).write_sources(tmp_path)
    County(TwinSettings(customers=3, days=31)).write_sources(tmp_path)
    assert [path.name for path in (tmp_path / "readings").iterdir()] == ["readings_2025-12.parquet"]
    assert sorted(path.name for path in (tmp_path / "billing").iterdir()) == [
        "bill_2025-12.csv",
        "bill_line_2025-12.csv",
    ]


def test_a_county_that_tells_less_leaves_nothing_of_one_that_told_more(tmp_path: Path) -> None:
    County(TwinSettings(customers=30, days=62)).write_sources(tmp_path / "again")
    for folder in ("again", "fresh"):
        County(TwinSettings(customers=30, days=62, subjects=())).write_sources(tmp_path / folder)
    assert _digests(tmp_path / "again") == _digests(tmp_path / "fresh")


def test_no_subject_but_thefts_changes_a_file_of_energy(tmp_path: Path) -> None:
    for name, subjects in (("all", SUBJECTS[:-1]), ("none", ()), ("thefts", ("thefts",))):
        settings = TwinSettings(customers=300, days=40, seed=3, subjects=subjects)
        County(settings).write_sources(tmp_path / name)
    told, plain, stolen = (_digests(tmp_path / name) for name in ("all", "none", "thefts"))
    assert {name: told[name] for name in plain} == plain and len(told) > len(plain)
    assert {name.split("/")[0] for name in plain if stolen[name] != plain[name]} == {"billing", "readings"}


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(county, "write_weather", refuse)
    with pytest.raises(StorageFull, match="no room"):
        County(SMALL).write_sources(tmp_path)
