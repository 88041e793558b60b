"""The detectors on real homes: sound readings are left alone, faults planted among them are found.

Thresholds were chosen with the counts of all homes in view for spikes and of every other home for zero
runs; the zero runs here are planted in the homes that were not looked at.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from gridloop.domain.reading import ReadingQuality
from gridloop.kernels.dayvector import civil_positions, group_into_day_vectors, zone_transitions
from gridloop.kernels.validation import EventKind, validate_readings

pytestmark = pytest.mark.realdata
SETS = {"lcl": "lcl/readings_halfhourly_2013.parquet", "edrp": "edrp/readings_halfhourly_2009.parquet"}


def homes(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Wh [homes, days, 50] of London time, and the half-hours of each day; stamps are UTC at the interval's
    end.
    """
    table = pq.read_table(folder / SETS[name], columns=["household_id", "ts", "kwh"])
    encoded = table["household_id"].combine_chunks().dictionary_encode()
    stamps = table["ts"].to_numpy().astype("datetime64[us]").astype(np.int64)
    kwh = table["kwh"].to_numpy().astype(np.float64)
    known = np.isfinite(kwh)
    zone = zone_transitions("Europe/London", int(stamps.min()), int(stamps.max()))
    day, position, aligned = civil_positions(stamps, *zone, 30, True)
    first, last = int(day.min()), int(day.max())
    kept = known & aligned
    slots = np.full(last - first + 1, 50, np.int16)
    vectors = group_into_day_vectors(
        encoded.indices.to_numpy()[kept].astype(np.int32),
        day[kept] - np.int32(first),
        position[kept],
        np.round(kwh[kept] * 1000).astype(np.int32),
        slots,
    )
    cube = np.full((len(encoded.dictionary), len(slots), 50), np.nan, np.float32)
    cube[vectors.row_meter, vectors.row_day] = np.where(vectors.valid, vectors.values, np.nan).reshape(-1, 50)
    longest = np.isfinite(cube).any(axis=0).sum(axis=1)
    return cube, longest.astype(np.int32)


@pytest.mark.parametrize("name", sorted(SETS))
def test_real_readings_are_hardly_ever_called_spikes(realdata: Path, name: str) -> None:
    cube, slots = homes(realdata, name)
    found = validate_readings(cube, slots, 30)
    accused = int((found.codes == ReadingQuality.SUSPECT_SPIKE).sum())
    readings = int(np.isfinite(cube).sum())
    sys.stdout.write(f"{name}: {accused} of {readings} readings called a spike\n")
    assert accused <= readings / 100_000 + 1


def test_the_long_zero_run_and_the_empty_homes_of_london_are_told_apart(realdata: Path) -> None:
    cube, slots = homes(realdata, "lcl")
    found = validate_readings(cube, slots, 30)
    assert found.of_kind(EventKind.ZERO_RUN)["intervals"].max() == 873
    assert sorted(np.unique(slots, return_counts=True)[1].tolist())[:2] == [
        1,
        1,
    ]  # the days of 46 and 50 half-hours
    habitual = found.of_kind(EventKind.HABITUAL_ZERO)
    shares = [round(float(share), 2) for share in sorted(habitual["value"])]
    assert shares == [0.77, 0.99]


@pytest.mark.parametrize("name", sorted(SETS))
def test_faults_planted_in_real_homes_are_found(realdata: Path, name: str) -> None:
    cube, slots = homes(realdata, name)
    cube = cube[1::2]
    habitual = validate_readings(cube, slots, 30).of_kind(EventKind.HABITUAL_ZERO)["meter"]
    cube = np.delete(cube, habitual, axis=0)
    rng = np.random.default_rng(8)
    spiked, zeroed = cube.copy(), cube.copy()
    spikes, zeros = np.zeros(cube.shape, bool), np.zeros(cube.shape, bool)
    for m in range(len(cube)):
        days = np.flatnonzero(np.isfinite(cube[m, :, :48]).all(axis=1))
        for d in rng.choice(days, 2, replace=False):
            p = rng.integers(0, 36)
            peak = np.nanmax(cube[m])
            if 5 * peak > 1500:  # below 3 kW nothing is called a spike
                spiked[m, d, p], spikes[m, d, p] = 5 * peak, True
            zeroed[m, d, p : p + 12], zeros[m, d, p : p + 12] = 0, True
    spike_recall = (validate_readings(spiked, slots, 30).codes[spikes] == ReadingQuality.SUSPECT_SPIKE).mean()
    zero_codes = validate_readings(zeroed, slots, 30).codes[zeros]
    zero_recall = (zero_codes == ReadingQuality.SUSPECT_ZERO_RUN).mean()
    sys.stdout.write(
        f"{name}: recall of 5 × spikes {spike_recall:.3f}, of zero runs of 6 h {zero_recall:.3f}\n"
    )
    assert spike_recall >= 0.95
    assert zero_recall >= 0.95
