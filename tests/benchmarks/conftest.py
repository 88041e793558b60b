"""A few made homes in the files and formats of the London trial."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HOMES, TREATED, DAYS, FIRST = 14, 5, 28, datetime(2013, 3, 18)  # clocks go forward on 31 March


def price_labels() -> dict[datetime, str]:
    """Label by local start of the half-hour: six high evenings and five low nights."""
    labels = {}
    for half_hour in range(DAYS * 48):
        stamp = FIRST + timedelta(minutes=30 * half_hour)
        day, hour = half_hour // 48, stamp.hour
        high = day in (1, 8, 10, 15, 20, 23) and 17 <= hour < 20
        low = day in (3, 9, 16, 21, 24) and 2 <= hour < 5
        labels[stamp] = "High" if high else "Low" if low else "Normal"
    return labels


def stamped_readings(labels: dict[datetime, str]) -> tuple[list[str], list[datetime], list[float]]:
    """Home, UTC end stamp and kWh; tariff homes use half as much at high prices and twice as much at low ones."""
    generator = np.random.default_rng(1)
    change = {"High": 0.5, "Normal": 1.0, "Low": 2.0}
    homes, stamps, kwh = [], [], []
    for home in range(HOMES):
        for local, label in labels.items():
            clocks_forward = local >= datetime(2013, 3, 31, 1)
            if clocks_forward and local < datetime(2013, 3, 31, 2):
                continue
            utc = local - timedelta(hours=1 if clocks_forward else 0)
            use = (0.1 + 0.02 * home) * generator.uniform(0.7, 1.3) * (change[label] if home < TREATED else 1)
            homes.append(f"MAC{home:06d}")
            stamps.append(utc + timedelta(minutes=30))
            kwh.append(round(use, 3))
    return homes, stamps, kwh


@pytest.fixture(scope="session")
def trial_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the files."""
    folder = tmp_path_factory.mktemp("lcl")
    labels = price_labels()
    homes, stamps, kwh = stamped_readings(labels)
    table = pa.table({"household_id": homes, "ts": pa.array(stamps, pa.timestamp("us")), "kwh": kwh})
    pq.write_table(table, folder / "readings_halfhourly_2013.parquet")
    names = sorted(set(homes))
    rows = [
        f"{name},{'ToU' if number < TREATED else 'Std'},ACORN-A,Affluent" for number, name in enumerate(names)
    ]
    (folder / "households.csv").write_text("\n".join(["LCLid,stdorToU,Acorn,Acorn_grouped", *rows, ""]))
    pence = {"High": "67.20", "Normal": "11.76", "Low": "3.99"}
    prices = [f"{stamp:%Y-%m-%d %H:%M:%S},{label},{pence[label]}" for stamp, label in labels.items()]
    (folder / "dtou_tariff_2013_halfhourly.csv").write_text(
        "\n".join(["ts,tariff,pence_per_kwh", *prices, ""])
    )
    (folder / "uk_bank_holidays.csv").write_text(
        "Bank holidays,Type\n2013-03-29,Good Friday\n2013-04-01,Easter Monday\n"
    )
    return folder
