"""A calendar of every day from a list of UK bank holidays, whose day and month are swapped in some rows."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from gridloop.data.mappings.registry import MappedRows, MappingInput
from gridloop.data.quarantine import Reason
from gridloop.domain.errors import UsageError
from gridloop.domain.finding import Finding, Severity

_SEASONS = (
    "winter",
    "winter",
    "spring",
    "spring",
    "spring",
    "summer",
    "summer",
    "summer",
    "autumn",
    "autumn",
    "autumn",
    "winter",
)


def calendar_from_uk_bank_holidays(given: MappingInput) -> MappedRows:
    """Rows of `calendar` for each day from the settings `first_day` to `last_day`, and the `region` they hold for.

    Dates whose day could be a month are read with day and month exchanged when that makes more of them holidays of
    the England and Wales calendar of the `holidays` package than reading them as written; a finding says so. A date
    that is no holiday there is kept and a finding doubts it. Seasons are meteorological: winter begins in December.

    Settings: `date_column`, `name_column`, `region_id`, `region_name`, `region_level`, `first_day`, `last_day`.

    Raises:
        UsageError: a setting is missing.
    """
    settings = given.feed.settings
    needed = (
        "date_column",
        "name_column",
        "region_id",
        "region_name",
        "region_level",
        "first_day",
        "last_day",
    )
    absent = [name for name in needed if name not in settings]
    if absent:
        raise UsageError(
            "A mapping function lacks settings.",
            evidence={"function": given.feed.function, "missing": absent},
        )
    names = given.table.column(str(settings["name_column"])).to_pylist()
    days, findings = _holiday_dates(given, given.table.column(str(settings["date_column"])).to_pylist())
    first, last = (
        date.fromisoformat(str(settings["first_day"])),
        date.fromisoformat(str(settings["last_day"])),
    )
    outside = [day is not None and not first <= day <= last for day in days]
    given.verdicts.refuse(np.array(outside, np.bool_), Reason.DAY_OUT_OF_WINDOW)
    holidays: dict[date, tuple[str, int]] = {}
    for row, (day, name) in enumerate(zip(days, names, strict=True)):
        if day is not None:
            holidays[day] = (str(name or "holiday"), row)
    region = str(settings["region_id"])
    calendar, source = _calendar(region, first, last, holidays)
    place = pa.table(
        {
            "region_id": [region],
            "parent_id": pa.nulls(1, pa.string()),
            "name": [str(settings["region_name"])],
            "level": [str(settings["region_level"])],
            "available_at": _known(given, 1),
        }
    )
    calendar = calendar.append_column("available_at", _known(given, calendar.num_rows))
    tables = {"calendar": (calendar, source), "region": (place, np.full(1, -1, np.int64))}
    return MappedRows(tables, findings)


def _known(given: MappingInput, rows: int) -> pa.Array:
    rule = given.feed.available or given.file.available or given.recipe.available
    if rule.at is None:
        raise UsageError(
            "A calendar is known from one instant on.",
            ways_out=("Give the feed an `available` with rule `at`.",),
        )
    us = round(rule.at.timestamp() * 1e6)
    return pa.array([us] * rows, pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def _holiday_dates(given: MappingInput, texts: list[str | None]) -> tuple[list[date | None], list[Finding]]:
    import holidays

    written = [_date(text) for text in texts]
    given.verdicts.refuse(np.array([day is None for day in written], np.bool_), Reason.UNPARSABLE_STAMP)
    years = {day.year for day in written if day is not None}
    official = holidays.country_holidays("GB", subdiv="ENG", years=years)
    open_dates = [
        (day, other) for day in written if day is not None and (other := _exchanged(day)) not in (None, day)
    ]
    exchanged = sum(other in official for _, other in open_dates) > sum(
        day in official for day, _ in open_dates
    )
    days = [(_exchanged(day) or day) if day is not None and exchanged else day for day in written]
    pairs = zip(written, days, strict=True)
    swapped = [f"{day} read as {other}" for day, other in pairs if day != other]
    doubtful = [str(day) for day in days if day is not None and day not in official]
    found = []
    if swapped:
        found.append(
            _finding(
                "calendar.day_month_swapped",
                "Bank holidays were written with day and month exchanged and read the other way round.",
                swapped,
            )
        )
    if doubtful:
        found.append(
            _finding(
                "calendar.unknown_holiday",
                "Bank holidays of the source are not in the official calendar; they were kept.",
                doubtful,
            )
        )
    return days, found


def _finding(code: str, text: str, dates: list[str]) -> Finding:
    return Finding(code, text, {"rows": len(dates), "dates": "; ".join(dates)}, Severity.WARNING, "calendar")


def _date(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text.strip())
    except ValueError:
        return None


def _exchanged(day: date) -> date | None:
    try:
        return date(day.year, day.day, day.month)
    except ValueError:
        return None


def _calendar(
    region: str, first: date, last: date, holidays: dict[date, tuple[str, int]]
) -> tuple[pa.Table, np.ndarray]:
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    kinds = ["holiday" if day in holidays else "weekend" if day.weekday() >= 5 else "workday" for day in days]
    rows = pa.table(
        {
            "region_id": pa.array([region] * len(days), pa.string()),
            "day": pa.array(days, pa.date32()),
            "day_kind": pa.array(kinds, pa.string()),
            "holiday_name": pa.array(
                [holidays[day][0] if day in holidays else None for day in days], pa.string()
            ),
            "season": pa.array([_SEASONS[day.month - 1] for day in days], pa.string()),
        }
    )
    return rows, np.array([holidays[day][1] if day in holidays else -1 for day in days], np.int64)
