"""A village whose tariff offer is priced: thirty homes would save, two would lose; fifteen weeks of readings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridloop.apps.jobs.execute import run_job
from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.apps.wiring import Session, create
from gridloop.domain.table import Stage
from gridloop.testing.readings import day_vector, reading_rows

KNOWN = datetime(2025, 1, 1, tzinfo=UTC)
LAST = date(2024, 12, 31)
DAYS = [LAST - timedelta(days=number) for number in range(105)]
HOMES, LOSERS = 30, 2
NAMES = [f"{number:02d}" for number in range(HOMES + LOSERS)]

Rows = Callable[[str, list[dict[str, Any]]], pa.Table]


def settle(folder: Path, rows_of: Rows) -> None:
    """Make the village's workspace.

    Homes 00 to 29 use 600 Wh in each evening hour and 20 more by number, and save 20 a year and 1 more by number; 30
    and 31 would pay 40 more. Every third home may be reached by the app, the others by short message.
    """
    session = create(folder, zone="Asia/Shanghai", currency="CNY", name="village")
    publish(
        session,
        Stage.DATA,
        {name: rows_of(name, list(rows)) for name, rows in registers().items()},
        readings(),
    )
    publish(session, Stage.INSIGHT, {"feature": rows_of("feature", list(features()))})
    publish(session, Stage.STRATEGY, {"offer_value": rows_of("offer_value", list(offers()))})
    session.close()


def publish(
    session: Session, stage: Stage, tables: dict[str, pa.Table], read: Iterable[dict[str, Any]] = ()
) -> None:
    """Put these rows in the place of all, as one run."""

    def write(context: JobContext) -> JobReport:
        for name, rows in tables.items():
            context.writer.replace(name, rows)
        vectors = list(read)
        if vectors:
            context.writer.append_readings([reading_rows(vectors)])
        return JobReport()

    run_job(
        session,
        Job(f"{stage.value}.village", stage, "A village", (), (*tables, "reading"), write),
        force=True,
    )


def registers() -> dict[str, Iterator[dict[str, Any]]]:
    """Rows of the data stage's tables."""
    begun = {"valid_from": date(2020, 1, 1), "tariff_id": "RES-TIER"}
    kind = {"channel_set": "import_wh", "interval_minutes": 60, "zone": "Asia/Shanghai"}
    return {
        "customer": (
            {"customer_id": f"c{n}", "customer_class": "residential", "vulnerable": False} for n in NAMES
        ),
        "account": (
            {"account_id": f"a{n}", "customer_id": f"c{n}", "status": "active", "opened": date(2020, 1, 1)}
            for n in NAMES
        ),
        "contract": (
            {"contract_id": f"k{n}", "account_id": f"a{n}", "service_point_id": f"p{n}", **begun}
            for n in NAMES
        ),
        "meter": ({"meter_id": f"m{n}", "service_point_id": f"p{n}", **kind} for n in NAMES),
        "consent": (
            {
                "customer_id": f"c{n}",
                "channel": "app" if int(n) % 3 == 0 else "sms",
                "purpose": "marketing",
                "granted": True,
                "valid_from": datetime(2023, 1, 1, tzinfo=UTC),
                "source": "form",
            }
            for n in NAMES
        ),
    }


def readings() -> Iterator[dict[str, Any]]:
    """Evenings differ by home, and a little by day."""
    for name in NAMES:
        evening = 600 + 20 * int(name)
        for day in DAYS:
            wh = [100] * 17 + [evening + (day.toordinal() * (int(name) + 3)) % 7] * 5 + [100] * 2
            yield day_vector(f"m{name}", day, wh)


def features() -> Iterator[dict[str, Any]]:
    """What the play's rule asks of every customer."""
    for name in NAMES:
        for feature, value in {
            "total_energy": 3e6,
            "daily_mean": 8e3,
            "evening_share": 0.5,
            "mean_ramp": 0.1,
        }.items():
            yield {
                "customer_id": f"c{name}",
                "meter_id": f"m{name}",
                "channel": "import_wh",
                "feature": feature,
                "window_start": date(2024, 1, 1),
                "window_end": LAST,
                "as_of": KNOWN,
                "days_used": 366,
                "coverage": 1.0,
                "value": value,
            }


def offers() -> Iterator[dict[str, Any]]:
    """Each home's saving by the offer."""
    for name in NAMES:
        saving = 20 + int(name) if int(name) < HOMES else -40
        yield {
            "contract_id": f"k{name}",
            "customer_id": f"c{name}",
            "offer_id": "tou-evening",
            "window_start": date(2024, 1, 1),
            "window_end": LAST,
            "as_of": KNOWN,
            "bill_now": Decimal(1000),
            "bill_offered": Decimal(1000 - saving),
            "saving": Decimal(saving),
            "days_used": 366,
        }
