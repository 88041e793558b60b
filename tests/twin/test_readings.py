"""What arrives is what was measured but for the faults that truth lists, each of which does what its name says."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

from gridloop.twin.dirt import KINDS
from gridloop.twin.readings import CHANNELS, clean_rows, meter_ids

Key = tuple[str, str, date]


class Arrived(NamedTuple):
    values: tuple[int | None, ...]
    received_at: Any
    file: str


@pytest.fixture(scope="module")
def clean(dirty: Any) -> dict[Key, tuple[int, ...]]:
    simulation = dirty.county.simulation
    result = {}
    for month in simulation.months:
        for block in simulation.blocks():
            rows = clean_rows(simulation, block, month, simulation.net_wh(block, month))
            names = meter_ids(simulation.premises, rows.premise, rows.ordinal)
            for i, name in enumerate(names):
                key = (name, CHANNELS[rows.channel[i]], date.fromordinal(int(rows.ordinal[i])))
                result[key] = tuple(rows.values[i].tolist())
    return result


@pytest.fixture(scope="module")
def arrived(dirty: Any) -> dict[Key, list[Arrived]]:
    result: dict[Key, list[Arrived]] = defaultdict(list)
    for path in sorted((dirty.sources / "readings").glob("*.parquet")):
        table = pq.read_table(path).to_pydict()
        points = list(zip(*(table[f"P{p}"] for p in range(1, 97)), strict=True))
        for i, values in enumerate(points):
            key = (table["METER_ID"][i], table["CHANNEL"][i], table["DATE"][i])
            result[key].append(Arrived(values, table["RECEIVED_AT"][i], path.stem))
    return result


@pytest.fixture(scope="module")
def faults(dirty: Any) -> list[dict[str, Any]]:
    return pq.read_table(dirty.truth / "fault.parquet").to_pylist()


def test_every_row_without_a_fault_arrives_once_and_unchanged(clean: Any, arrived: Any, faults: Any) -> None:
    spoiled = {(f["meter_id"], f["channel"], f["day"]) for f in faults}
    assert len(spoiled) == len(faults) > 250
    for key, values in clean.items():
        if key not in spoiled:
            (row,) = arrived[key]
            assert row.values == values
            assert row.received_at.date().toordinal() == key[2].toordinal() + 1
            assert row.file == f"readings_{key[2]:%Y-%m}"


def test_no_row_arrives_that_neither_meter_nor_fault_explains(clean: Any, arrived: Any, faults: Any) -> None:
    delivered = {(f["delivered_meter_id"], f["channel"], f["delivered_day"]) for f in faults}
    assert set(arrived) <= set(clean) | delivered


def test_every_fault_is_recorded_with_the_right_values(clean: Any, faults: Any) -> None:
    assert {f["kind"] for f in faults} == set(KINDS)
    for fault in faults:
        assert tuple(fault["true_wh"]) == clean[fault["meter_id"], fault["channel"], fault["day"]]


def test_every_fault_does_what_its_name_says(arrived: Any, faults: Any, dirty: Any) -> None:
    premises = dirty.county.simulation.premises
    limit = {}
    for who in range(len(premises)):
        limit[premises.meter_id[who]] = limit[premises.second_meter_id[who]] = (
            premises.capacity_kva[who] * 250.0
        )
    for fault in faults:
        rows = arrived.get((fault["delivered_meter_id"], fault["channel"], fault["delivered_day"]), [])
        first, last, true = fault["first_position"] - 1, fault["last_position"], tuple(fault["true_wh"])
        kind, values = fault["kind"], rows[0].values if rows else ()
        told = values[first:last]
        if kind in ("missing_day", "outage"):
            assert not rows and fault["received_at"] is None
            continue
        if kind not in ("late", "duplicate", "unknown_meter", "impossible_date", "revised"):
            (row,) = rows
            assert row.values[:first] == true[:first] and row.values[last:] == true[last:]
        if kind == "gap":
            assert set(told) == {None} and 1 <= len(told) <= 24
        elif kind == "spike":
            assert min(told) > 5 * max(1, *map(abs, true)) or min(told) > 1.2 * limit[fault["meter_id"]]
        elif kind == "zero_run":
            assert set(told) == {0} and 0 not in true[first:last] and 6 <= len(told) <= 48
        elif kind == "stuck":
            assert set(told) == {true[first - 1]} and told != true[first:last] and 8 <= len(told) <= 40
        elif kind == "negative":
            assert fault["channel"] != "net_wh" and told[0] == -true[first] < 0
        elif kind == "unit_error":
            assert (
                values == tuple(1000 * value for value in true)
                and max(map(abs, values)) > limit[fault["meter_id"]]
            )
        elif kind == "duplicate":
            assert len(rows) == 2 and rows[0] == rows[1] and values == true
        elif kind == "late":
            (row,) = rows
            assert 8 <= (row.received_at.date() - fault["day"]).days <= 72 and values == true
            assert row.file == min(f"readings_{row.received_at:%Y-%m}", "readings_2025-03")
        elif kind == "revised":
            before, after = sorted(rows, key=lambda row: row.received_at)
            assert before.values != true and after.values == true
            assert after.received_at == fault["received_at"]
        elif kind == "unknown_meter":
            assert values == true and fault["delivered_meter_id"] not in limit
        elif kind == "impossible_date":
            assert fault["delivered_day"] in (date(2099, 12, 31), date(1899, 12, 30)) and true in [
                r.values for r in rows
            ]


def test_faults_are_as_frequent_as_the_settings_say(clean: Any, faults: Any, dirty: Any) -> None:
    counts = {kind: sum(f["kind"] == kind for f in faults) for kind in KINDS}
    rows = len(clean)
    for kind in ("gap", "missing_day", "duplicate", "unknown_meter", "impossible_date"):  # these always show
        rate = getattr(dirty.county.settings.dirt, kind)
        assert abs(counts[kind] - rows * rate) <= 4.0 * np.sqrt(rows * rate * (1.0 - rate))
    for kind in ("spike", "zero_run", "stuck", "unit_error", "negative"):  # some of these could not show
        rate = getattr(dirty.county.settings.dirt, kind)
        assert 0.3 * rows * rate - 4.0 <= counts[kind] <= rows * rate + 4.0 * np.sqrt(rows * rate)


def test_an_outage_silences_every_channel_of_the_meter(faults: Any, clean: Any) -> None:
    silent = {(f["meter_id"], f["day"]) for f in faults if f["kind"] == "outage"}
    told = {(f["meter_id"], f["channel"], f["day"]) for f in faults if f["kind"] == "outage"}
    assert told == {key for key in clean if (key[0], key[2]) in silent}


def test_clean_daily_energies_are_in_truth(clean: Any, dirty: Any) -> None:
    for row in pq.read_table(dirty.truth / "daily_energy.parquet").to_pylist():
        assert row["wh"] == sum(clean[row["meter_id"], row["channel"], row["day"]])
