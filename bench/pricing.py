"""A year of quarter-hourly readings priced under a time-of-use tariff, against DuckDB SQL on the same arrays.

Both sides start from readings in memory and end at money by meter and month; ours with two threads, a half of the
meters each, DuckDB with two threads on day-vectors joined to the price map. Bills are compared before time is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from bench.timing import interleaved, peak_rss_mb, row
from gridloop.kernels.calendar import DayCalendar, day_calendar
from gridloop.kernels.pricing import energy_by_period
from gridloop.strategy.tariff import Tariff, Use, load_tariff, price_map, price_use
from gridloop.strategy.tariff.bill import month_parts

METERS_OF = {"small": 400, "full": 3000}
DAYS, SLOTS, ROUNDS = 365, 96, 5
FIRST = date(2023, 1, 1)

QUERY = """
WITH energy AS (
    SELECT v.meter, p.month, p.period, sum(v.wh) AS wh
    FROM (SELECT meter, day, unnest(wh) AS wh, generate_subscripts(wh, 1) AS place FROM vectors) v
    JOIN map p USING (day, place)
    GROUP BY ALL
)
SELECT e.meter, e.month,
       sum(round(e.wh::DECIMAL(18, 0) * r.rate_per_wh, 2))
         + round(sum(e.wh)::DECIMAL(18, 0) * $fund_per_wh, 2) AS amount
FROM energy e JOIN rates r USING (period)
GROUP BY ALL ORDER BY ALL
"""


def readings(meters: int) -> np.ndarray:
    """float32[meters, 365, 100] whole Wh, a gap-free year of the 96 intervals of each day."""
    rng = np.random.default_rng(11)
    cube = np.full((meters, DAYS, 100), np.nan, np.float32)
    shape = 60 + 240 * np.exp(-0.5 * ((np.arange(SLOTS) / 4 - 19) / 2.5) ** 2)
    for meter in range(meters):
        cube[meter, :, :SLOTS] = np.rint(rng.gamma(4, shape / 4, (DAYS, SLOTS)))
    return cube


def our_bills(cube: np.ndarray, calendar: DayCalendar, tariff: Tariff) -> np.ndarray:
    """int64[meters, months], in hundredths of the currency."""
    months = month_parts(FIRST, DAYS)
    month = np.repeat(np.arange(len(months), dtype=np.int32), [part.days for part in months])
    periods = price_map(tariff, calendar)

    def part(block: np.ndarray) -> np.ndarray:
        sums = energy_by_period(block, periods, month, len(tariff.periods))
        return price_use(tariff, Use(months, sums.wh)).monthly

    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(part, np.array_split(cube, 2))))


def against_duckdb(size: str) -> dict[str, object]:
    """Bills by meter and month under a tariff of four periods and a surcharge."""
    import duckdb

    cube = readings(METERS_OF[size])
    calendar, tariff = day_calendar(FIRST, DAYS, "Asia/Shanghai", 15), load_tariff("cn-commercial-tou")
    ours_amounts = our_bills(cube, calendar, tariff)
    memory = peak_rss_mb()
    connection = duckdb.connect(config={"threads": 2})
    for name, table in tables(cube, calendar, tariff).items():
        connection.register("arrow", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow")
    query = QUERY.replace("$fund_per_wh", f"{tariff.surcharges[0].rate / 1000}::DECIMAL(12, 9)")
    amounts = connection.execute(query).to_arrow_table().column("amount").cast(pa.float64()).to_numpy()
    difference = np.abs(amounts.reshape(ours_amounts.shape) * 100 - ours_amounts)
    assert difference.max() < 1e-3, "both sides must give the same bills"
    own, other = interleaved(
        [
            lambda: our_bills(cube, calendar, tariff),
            lambda: connection.execute(query).to_arrow_table(),
        ],
        ROUNDS,
    )
    count = cube.shape[0] * DAYS * SLOTS
    rate = round(count / float(np.median(own)) / 1e6)
    name = f"bills of {cube.shape[0]:,} meters × {DAYS} days × {SLOTS}: DuckDB SQL on day-vectors in memory"
    return row(
        name, own, other, memory, ours_million_readings_a_second=rate, target_million_readings_a_second=100
    )


def tables(cube: np.ndarray, calendar: DayCalendar, tariff: Tariff) -> dict[str, pa.Table]:
    """The same readings, price map and rates as tables."""
    meters = cube.shape[0]
    flat = cube[:, :, :SLOTS].astype(np.int32).reshape(-1)
    offsets = pa.array(np.arange(0, flat.size + 1, SLOTS, dtype=np.int32))
    month = [(FIRST + timedelta(days=day)).month for day in range(DAYS)]
    return {
        "vectors": pa.table(
            {
                "meter": np.repeat(np.arange(meters, dtype=np.int32), DAYS),
                "day": np.tile(np.arange(DAYS, dtype=np.int32), meters),
                "wh": pa.ListArray.from_arrays(offsets, pa.array(flat)),
            }
        ),
        "map": pa.table(
            {
                "day": np.repeat(np.arange(DAYS, dtype=np.int32), SLOTS),
                "place": np.tile(np.arange(1, SLOTS + 1, dtype=np.int64), DAYS),
                "month": np.repeat(np.array(month, np.int32), SLOTS),
                "period": price_map(tariff, calendar)[:, :SLOTS].reshape(-1),
            }
        ),
        "rates": pa.table(
            {
                "period": pa.array(range(len(tariff.periods)), pa.int8()),
                "rate_per_wh": pa.array(
                    [rate / 1000 for rate in tariff.energy.rates.values()], pa.decimal128(12, 9)
                ),
            }
        ),
    }


ROWS = (against_duckdb,)
