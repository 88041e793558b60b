"""A town written row by row: eighty homes of two shapes, described and billed, a few of them metered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gridloop.apps.jobs.describing import JOBS as DESCRIBING
from gridloop.apps.jobs.execute import run_job
from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.apps.wiring import Session, create
from gridloop.domain.table import Stage
from gridloop.testing.readings import day_vector, reading_rows

KNOWN = datetime(2025, 1, 1, tzinfo=UTC)
FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
DAYS = [FIRST + timedelta(days=number) for number in range(366)]
HOURS = np.arange(24)
HOMES = 40
METERED = 3
EVENING = [100] * 17 + [600] * 5 + [100] * 2
NIGHT = [600] * 7 + [100] * 17

Rows = Callable[[str, list[dict[str, Any]]], pa.Table]


def settle(folder: Path, rows_of: Rows) -> None:
    """Make the town's workspace with its tags and segments.

    Homes e00 to e39 peak at 19:00, m00 to m39 at 8:00; shops s0 to s4 are too few to be shown; `new` has no meter. The
    first three of either kind of home have readings of 2024: evening homes would lose by `tou-evening`, the others win.
    """
    session = create(folder, zone="Asia/Shanghai", currency="CNY", name="town")
    publish(session, Stage.DATA, {name: rows_of(name, list(rows)) for name, rows in registers().items()})
    publish(session, Stage.INSIGHT, {"feature": rows_of("feature", list(features()))})
    for job in DESCRIBING[1:]:
        run_job(session, job)
    session.close()


def publish(session: Session, stage: Stage, tables: dict[str, pa.Table]) -> None:
    """Put these rows in the place of all, as one run."""

    def write(context: JobContext) -> JobReport:
        for name, rows in tables.items():
            context.writer.replace(name, rows)
        if stage is Stage.DATA:
            context.writer.append_readings([reading_rows(readings())])
        return JobReport()

    written = (*tables, "reading")
    run_job(session, Job(f"{stage.value}.town", stage, "A town", (), written, write), force=True)


def names() -> Iterator[tuple[str, str]]:
    """Every customer with a meter, and their class."""
    for number in range(HOMES):
        yield f"e{number:02d}", "residential"
        yield f"m{number:02d}", "residential"
    for number in range(5):
        yield f"s{number}", "shop"


def registers() -> dict[str, Iterator[dict[str, Any]]]:
    """Rows of the data stage's tables."""
    everyone = [*names(), ("new", "residential")]
    metered = [name for name, _ in names() if name[0] in "em" and int(name[1:]) < METERED]
    return {
        "customer": ({"customer_id": n, "customer_class": c, "vulnerable": False} for n, c in everyone),
        "account": ({"account_id": f"a-{n}", "customer_id": n, "status": "active"} for n, _ in everyone),
        "bill": (bill for name, _ in names() for bill in bills(name)),
        "consent": (consent(f"e{number:02d}", "app") for number in range(30)),
        "contract": (contract(name) for name in metered),
        "meter": (meter(name) for name in metered),
    }


def bills(name: str) -> Iterator[dict[str, Any]]:
    """Twelve months of 31 days of a customer; evening homes pay twice as much."""
    for month in range(12):
        start = date(2024, 1, 1) + timedelta(days=31 * month)
        end = min(start + timedelta(days=31), date(2025, 1, 1))
        amount = Decimal(200 if name[0] == "e" else 100) + int(name[1:])
        yield {
            "bill_id": f"b-{name}-{month}",
            "account_id": f"a-{name}",
            "period_start": start,
            "period_end": end,
            "energy_wh": 300_000,
            "amount": amount,
            "issued": end,
            "status": "issued",
        }


def consent(name: str, channel: str) -> dict[str, Any]:
    """A consent to marketing since 2023."""
    since = datetime(2023, 1, 1, tzinfo=UTC)
    return {
        "customer_id": name,
        "channel": channel,
        "purpose": "marketing",
        "granted": True,
        "valid_from": since,
        "source": "form",
    }


def contract(name: str) -> dict[str, Any]:
    """A contract under the county's tariff; that of m02 began within the year."""
    begun = date(2024, 3, 1) if name == "m02" else date(2020, 1, 1)
    place = {"service_point_id": f"p-{name}", "account_id": f"a-{name}"}
    return {"contract_id": f"k-{name}", "tariff_id": "RES-TIER", "valid_from": begun, **place}


def meter(name: str) -> dict[str, Any]:
    """An hourly meter."""
    kind = {"channel_set": "import_wh", "interval_minutes": 60, "zone": "Asia/Shanghai"}
    return {"meter_id": f"m-{name}", "service_point_id": f"p-{name}", **kind}


def readings() -> Iterator[dict[str, Any]]:
    """A year of the metered homes."""
    for number in range(METERED):
        for kind, wh in (("e", EVENING), ("m", NIGHT)):
            yield from (day_vector(f"m-{kind}{number:02d}", day, wh) for day in DAYS)


def features() -> Iterator[dict[str, Any]]:
    """What is known of every customer's meter."""
    for name, _ in names():
        number, evening = int(name[1:]), name[0] == "e"
        size = 1 + 0.02 * (number % 11)
        peak = (19 if evening else 8) + 0.1 * (number % 5 - 2)
        day = size * (0.2 + np.exp(-((HOURS - peak) ** 2) / 6))
        daily = 1000 * day.sum()
        known: dict[str, Any] = {
            "total_energy": 365 * daily,
            "daily_mean": daily,
            "mean_profile": np.repeat(day, 2).tolist(),
            "evening_share": day[18:22].sum() / day.sum(),
            "valley_share": 0.2,
            "daily_variation": 0.2 + 0.01 * (number % 7),
            "weekend_ratio": 1 + 0.01 * (number % 9),
            "base_load_share": 0.3 + 0.01 * (number % 3),
            "peak_to_valley_ratio": day.max() / day.min(),
            "mean_daily_peak": day.max(),
            "night_base_load": 200 * size,
            "mean_ramp": 0.1 * size,
            "zero_share": 0.0,
            "growth_year_on_year": "less_than_two_years",
        }
        for feature, value in known.items():
            column = {str: "reason", list: "vector"}.get(type(value), "value")
            yield {
                "customer_id": name,
                "meter_id": f"m-{name}",
                "channel": "import_wh",
                "feature": feature,
                "window_start": FIRST,
                "window_end": LAST,
                "as_of": KNOWN,
                "days_used": 366,
                "coverage": 0.9,
                column: value,
            }
