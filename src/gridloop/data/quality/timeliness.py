"""Whether tables are as current as they promise, and rows as punctual (S81, S82, S85).

The clock is the newest knowledge in the workspace itself, so that a set from 2014 is judged as of 2014, unless the
settings say what the time is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gridloop.data.quality.book import Series
from gridloop.data.quality.rule import Check, Dimension, Found, Tables, Verdict, number, percent
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Kind, TableSpec
from gridloop.engine.functions import thing_key

if TYPE_CHECKING:
    import ibis.expr.types as ir

_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_MINUTES = (366 * 1440, 31 * 1440, 7 * 1440, 1440, 60, 1)


def promised(update_frequency: str) -> timedelta | None:
    """The longest time between two updates that a table promises; None when updates follow events.

    Months count as 31 days and years as 366, the longest there are.

    Args:
        update_frequency: ISO 8601 duration, or `event`.
    """
    match = _DURATION.fullmatch(update_frequency)
    if match is None or not any(match.groups()):
        return None
    return timedelta(
        minutes=sum(int(n or 0) * each for n, each in zip(match.groups(), _MINUTES, strict=True))
    )


def timeliness_checks(spec: TableSpec, tables: Tables) -> Iterator[Check]:
    """Checks of one table's currency and punctuality."""
    series = next((s for s in tables.book.series if s.table == spec.name), None)
    promise = promised(spec.update_frequency)
    if spec.bitemporal and promise is not None:
        yield Check(
            "timeliness.stale",
            Dimension.TIMELINESS,
            spec.name,
            lambda tables: _stale(spec, series, promise, tables),
        )
    if series is not None and not series.foretold and promise is not None:
        yield Check(
            "timeliness.late",
            Dimension.TIMELINESS,
            spec.name,
            lambda tables: _late(spec, series, promise, tables),
        )
    if series is not None and not series.foretold:
        yield Check(
            "timeliness.known_before",
            Dimension.ACCURACY,
            spec.name,
            lambda tables: _known_before(spec, series, tables),
        )


def hours(span: timedelta) -> float:
    """A span in hours."""
    return span.total_seconds() / 3600


def _stale(
    spec: TableSpec, series: Series | None, promise: timedelta, tables: Tables
) -> Iterator[Found | Verdict]:
    """A series is stale when neither its knowledge nor what it is about reaches the clock.

    A table of records has no series: its newest row tells when something last changed, which is no fault.
    """
    newest, now = tables.newest.get(spec.name), tables.now
    if newest is None or now is None:
        return
    age = max(now - max(newest, tables.reaches.get(spec.name, newest)), timedelta(0))
    allowed = promise * tables.settings.grace
    stale = age > allowed
    if series is not None:
        yield Verdict(Dimension.TIMELINESS, spec.name, 1, int(stale))
    if not stale:
        return
    evidence = {
        "newest_available_at": newest.isoformat(),
        "clock": now.isoformat(),
        "age_hours": round(hours(age), 1),
        "threshold_hours": round(hours(allowed), 1),
        "promised": spec.update_frequency,
    }
    code, what, severity = "timeliness.stale", "is stale: it ends", Severity.WARNING
    if series is None:
        code, what, severity = "timeliness.unchanged", "changed last", Severity.INFO
    text = (
        f"Table {spec.name} {what} {_span(age)} before the data's clock; it promises {spec.update_frequency}."
    )
    yield Found(Finding(code, text, evidence, severity, spec.name), Dimension.TIMELINESS, 1)


def _span(age: timedelta) -> str:
    return f"{number(age.days)} days" if age.days >= 2 else f"{hours(age):.0f} hours"


def _delays(spec: TableSpec, series: Series, tables: Tables) -> ir.Table:
    """Rows `hours`: from the end of what a row is about until its first version was known; later versions revise it."""
    rows = tables.revisions(spec.name)
    for column, value in series.only.items():
        rows = rows.filter(rows[column] == value)
    first = rows.group_by([rows[name] for name in thing_key(spec)]).aggregate(
        _known=rows.available_at.min(), **({} if series.at in spec.key else {"_at": rows[series.at].min()})
    )
    about = first[series.at] if series.at in spec.key else first["_at"]
    seconds = first._known.epoch_seconds() - about.cast("timestamp('UTC')").epoch_seconds()
    if spec.column(series.at).kind is Kind.DATE:
        seconds = seconds - _day_ends_after(series, tables)
    return first.select(hours=seconds / 3600.0, known=first._known)


def _day_ends_after(series: Series, tables: Tables) -> float:
    """Seconds from a day's midnight in UTC to its end in the workspace's zone, to within a clock change."""
    reached = tables.reaches[series.table]
    midnight = reached.astimezone(ZoneInfo(tables.view.lake.workspace.config.zone)).replace(tzinfo=UTC)
    return (0 if series.exclusive else 86_400) + (reached - midnight).total_seconds()


def _late(spec: TableSpec, series: Series, promise: timedelta, tables: Tables) -> Iterator[Found | Verdict]:
    """Rows whose first version came later than the promise allows; a history brought in at once tells nothing."""
    limit = hours(promise) * tables.settings.grace
    if spec.name == "reading" and tables.has("completeness"):
        days = tables.rows("completeness")
        delays = days.filter(days.late_hours.notnull()).select(hours=days.late_hours)
        deliveries = tables.revisions("reading").available_at.nunique().to_pyarrow().as_py()
    else:
        delays = _delays(spec, series, tables)
        deliveries = delays.known.nunique().to_pyarrow().as_py()
    late = delays.hours > limit
    (told,) = (
        delays.aggregate(rows=delays.count(), late=late.sum(), worst=delays.hours.max())
        .to_pyarrow()
        .to_pylist()
    )
    if deliveries < 2 or not told["rows"]:
        return
    count = int(told["late"] or 0)
    yield Verdict(Dimension.TIMELINESS, spec.name, told["rows"], count)
    if not count:
        return
    share = count / told["rows"]
    text = (
        f"{number(count)} of {number(told['rows'])} rows of {spec.name} ({percent(share)}) came more than "
        f"{limit:g} hours after what they are about, the latest {number(round(told['worst']))} hours."
    )
    evidence = {
        "rows": told["rows"],
        "late": count,
        "share": round(share, 6),
        "threshold_hours": limit,
        "worst_hours": round(told["worst"], 1),
        "threshold_share": tables.settings.late_share,
    }
    severity = Severity.WARNING if share > tables.settings.late_share else Severity.INFO
    yield Found(Finding("timeliness.late", text, evidence, severity, spec.name), Dimension.TIMELINESS, count)


def _known_before(spec: TableSpec, series: Series, tables: Tables) -> Iterator[Found | Verdict]:
    """Rows known before the time they are about: a wrong stamp, zone or year.

    Days are compared with 14 hours to spare, for a day begins that much earlier in the easternmost zone.
    """
    import ibis

    rows = tables.revisions(spec.name)
    for column, value in series.only.items():
        rows = rows.filter(rows[column] == value)
    about = rows[series.at].cast("timestamp('UTC')")
    if spec.column(series.at).kind is Kind.DATE:
        about = about - ibis.interval(hours=14)
    early = rows.available_at.epoch_seconds() < about.epoch_seconds()
    (told,) = rows.aggregate(rows=rows.count(), early=early.sum()).to_pyarrow().to_pylist()
    count = int(told["early"] or 0)
    yield Verdict(Dimension.ACCURACY, spec.name, told["rows"], count)
    if count:
        which = f"{number(count)} of {number(told['rows'])} rows of {spec.name}"
        text = f"{which} were known before the {series.at} they are about."
        evidence = {"rows": told["rows"], "early": count, "share": round(count / told["rows"], 6)}
        finding = Finding("timeliness.known_before", text, evidence, Severity.ERROR, spec.name)
        yield Found(finding, Dimension.ACCURACY, count)
