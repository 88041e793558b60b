"""Missing batches: days in the middle of a series, not only the newest, on which far fewer rows came than usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from statistics import median
from typing import Any

from gridloop.data.quality.book import Series
from gridloop.data.quality.rule import Check, Dimension, Found, Tables, Verdict, number
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import TableSpec

CODE = "timeliness.missing_batch"


@dataclass(frozen=True, slots=True)
class Day:
    """What came on one day of a series, and how much was to be expected; both in meters or rows."""

    day: date
    came: int
    expected: float


def batch_checks(spec: TableSpec, tables: Tables) -> Iterator[Check]:
    """The check of one table's series for missing batches."""
    if spec.name == "completeness":
        yield Check(CODE, Dimension.TIMELINESS, "reading", _of_readings)
    for series in tables.book.series:
        if series.table == spec.name and series.daily:
            run = partial(_of_rows, spec, series)
            yield Check(CODE, Dimension.TIMELINESS, spec.name, run)


def short_days(days: Sequence[Day], share: float) -> list[Day]:
    """Days on which less than `share` of the expected came."""
    return [day for day in days if day.came < share * day.expected]


def runs(days: Sequence[Day]) -> list[list[Day]]:
    """Unbroken runs of days, in order."""
    found: list[list[Day]] = []
    for day in sorted(days, key=lambda d: d.day):
        if found and day.day - found[-1][-1].day == timedelta(days=1):
            found[-1].append(day)
        else:
            found.append([day])
    return found


def _of_readings(tables: Tables) -> Iterator[Found | Verdict]:
    """Days on which far fewer of the expected meters brought half their intervals than is usual for the channel."""
    rows = tables.rows("completeness")
    counted = rows.group_by(rows.channel, rows.day).aggregate(
        expected=rows.count(),
        came=(2 * rows.present >= rows.expected).sum(),
        begun=(rows.present > 0).sum(),
    )
    by_channel: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in counted.order_by("channel", "day").to_pyarrow().to_pylist():
        if row["expected"] >= tables.settings.batch_units:
            by_channel[row["channel"]].append(row)
    for channel, held in sorted(by_channel.items()):
        usual = median(float(row["came"]) / float(row["expected"]) for row in held)
        # where the files were cut, all meters brought a part of the first or the last day
        cut = [row for row in (held[0], held[-1]) if row["came"] < row["begun"]]
        whole = [row for row in held if row not in cut]
        days = [Day(row["day"], row["came"], usual * float(row["expected"])) for row in whole]
        yield from _told("reading", channel, "meters", days, tables)


def _of_rows(spec: TableSpec, series: Series, tables: Tables) -> Iterator[Found | Verdict]:
    """Days, in UTC where stamps are instants, on which one station or series brought far fewer rows than it does."""
    rows = tables.rows(spec.name)
    keys = [series.unit, *series.kinds]
    rows = rows.mutate(_day=rows[series.at].cast("date"))
    counted = rows.group_by([rows[key] for key in keys] + [rows._day]).aggregate(came=rows.count())
    units: dict[str, dict[date, int]] = defaultdict(dict)
    for row in counted.to_pyarrow().to_pylist():
        units[" ".join(str(row[key]) for key in keys)][row["_day"]] = row["came"]
    ends: dict[str, date] = {}
    for unit, came in units.items():
        kind = unit.partition(" ")[2]
        ends[kind] = max(ends.get(kind, date.min), *came)
    for unit, came in sorted(units.items()):
        yield from _told(spec.name, unit, "rows", _whole_days(came, ends[unit.partition(" ")[2]]), tables)


def _whole_days(came: Mapping[date, int], end: date) -> list[Day]:
    """Every day between the first and the last but those two, which may be cut; none of a series that is not daily."""
    first, last = min(came), max(end, max(came))
    usual = float(median(came.values()))
    between = [first + timedelta(days=n) for n in range(1, (last - first).days)]
    days = [Day(day, came.get(day, 0), usual) for day in between]
    return days if 2 * sum(day.came > 0 for day in days) > len(days) else []


def _told(
    table: str, subject: str, unit: str, days: Sequence[Day], tables: Tables
) -> Iterator[Found | Verdict]:
    found = sorted(
        runs(short_days(days, tables.settings.batch_share)), key=lambda run: (-len(run), run[0].day)
    )
    if days:
        yield Verdict(Dimension.TIMELINESS, table, len(days), sum(map(len, found)))
    last = max((day.day for day in days), default=None)
    for run in found[: tables.settings.batch_runs]:
        first, end = run[0].day, run[-1].day
        came, expected = sum(day.came for day in run), sum(day.expected for day in run)
        when = f"on {first}" if first == end else f"on {len(run)} days from {first} to {end}"
        place = "the newest days of the series" if end == last else "inside the series"
        text = (
            f"A batch of {table} ({subject}) is missing: {when}, {place}, {number(came)} {unit} came "
            f"where {number(round(expected))} are usual."
        )
        evidence = {
            "days": len(run),
            "came": came,
            "usual": round(expected, 1),
            "unit": unit,
            "threshold_share": tables.settings.batch_share,
            "other_gaps": len(found) - 1,
        }
        finding = Finding(CODE, text, evidence, Severity.WARNING, table, subject)
        yield Found(finding, Dimension.TIMELINESS, len(run), first, end)
