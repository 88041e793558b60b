"""A customer's year of load: every reading of the last 365 days, by day and time, all meters together."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from babel import Locale
from babel.dates import format_date

from gridloop.apps.console.jobs import whole
from gridloop.apps.web.page import Answer, Context, Page, mark
from gridloop.domain.errors import UsageError
from gridloop.domain.ids import bucket_of
from gridloop.domain.reading import Channel
from gridloop.engine.lookup import Equals, OneOf
from gridloop.insight.features.occupancy import Occupancies, Occupancy, occupancies

DAYS = 365
SHOWN = 31
"""Days of the table at a time."""


def require_customer(context: Context, customer: str) -> dict[str, Any]:
    """The customer's row of the register.

    Raises:
        UsageError: there is none of that pseudonym.
    """
    found: list[dict[str, Any]] = []
    if context.view.exists("customer"):
        found = context.view.find("customer", [Equals("customer_id", customer)], limit=1).to_pylist()
    if not found:
        raise UsageError(
            mark("There is no customer of that pseudonym."),
            evidence={"customer": customer},
            ways_out=(
                mark("Search for a part of it on the page of customers."),
                mark("A customer that was erased is not shown any more."),
            ),
        )
    return found[0]


def meters_of(context: Context, customer: str) -> list[Occupancy]:
    """The meters that were the customer's, with the days on which they were."""

    if not all(context.view.exists(name) for name in ("account", "contract", "meter")):
        return []
    known: Occupancies = context.remembered("customers.meters", lambda: occupancies(context.view))
    return known.of_customer(customer)


def year_of(context: Context, customer: str) -> dict[str, Any] | None:
    """Mean power (kW) of each interval of the last 365 days; None when there is no reading.

    A value is there when every meter that counts on the day has it. The days end with the last one read.
    """
    stays = meters_of(context, customer)
    if not stays or not context.view.exists("reading"):
        return None
    channel, rows = _readings(context, stays)
    if not rows:
        return None
    last = max(row["day"] for row in rows)
    first = last - timedelta(days=DAYS - 1)
    by_day: dict[date, list[list[float | None]]] = defaultdict(list)
    for row in rows:
        if row["day"] >= first:
            hours = row["interval_minutes"] / 60
            by_day[row["day"]].append([None if wh is None else wh / 1000 / hours for wh in row["wh"]])
    days = [first + timedelta(days=number) for number in range(DAYS)]
    values = [_sum(by_day[day], _expected(stays, day)) if day in by_day else None for day in days]
    held = [abs(value) for day in values if day for value in day if value is not None]
    return {"days": days, "values": values, "top": max(held, default=0.0), "channel": channel}


def _readings(context: Context, stays: list[Occupancy]) -> tuple[str, list[dict[str, Any]]]:
    """What was read at meters while they were a customer's: import, or net where there is only that."""
    meters = sorted({stay.meter_id for stay in stays})
    where = (
        OneOf(
            "bucket", sorted({bucket_of(meter, context.session.workspace.config.buckets) for meter in meters})
        ),
        OneOf("meter_id", meters),
        OneOf("channel", [Channel.IMPORT_WH.value, Channel.NET_WH.value]),
    )
    columns = ("meter_id", "channel", "day", "interval_minutes", "wh")
    found = [
        row
        for row in context.view.find("reading", where, columns).to_pylist()
        if any(stay.meter_id == row["meter_id"] and stay.start <= row["day"] < stay.end for stay in stays)
    ]
    channels = {row["channel"] for row in found}
    wanted = Channel.IMPORT_WH.value if Channel.IMPORT_WH.value in channels else Channel.NET_WH.value
    return wanted, [row for row in found if row["channel"] == wanted]


def _expected(stays: list[Occupancy], day: date) -> int:
    return sum(stay.start <= day < stay.end for stay in stays)


def _sum(parts: list[list[float | None]], expected: int) -> list[float | None] | None:
    """All meters of one day together; the day is missing when a meter is."""
    if len(parts) < expected:
        return None
    if len(parts) == 1:
        return [None if value is None else round(value, 3) for value in parts[0]]
    slots = max(len(part) for part in parts)
    total: list[float | None] = []
    for slot in range(slots):
        each = [part[slot * len(part) // slots] for part in parts]
        known = [value for value in each if value is not None]
        total.append(round(sum(known), 3) if len(known) == len(each) else None)
    return total


def remembered_year(context: Context, customer: str) -> dict[str, Any] | None:
    """As `year_of`, computed once a published state."""
    found: dict[str, Any] | None = context.remembered(
        f"customers.year.{customer}", lambda: year_of(context, customer), single=True
    )
    return found


def heat_facts(context: Context, year: dict[str, Any] | None) -> dict[str, Any]:
    """What `heatmap.js` paints."""
    if year is None:
        return {"days": [], "values": [], "unit": "kW", "top": 0, "gap": "", "hint": "", "months": []}
    locale = Locale.parse(context.words.tag, sep="-")
    months = [
        [place, format_date(day, "LLL", locale)] for place, day in enumerate(year["days"]) if day.day == 1
    ]
    return {
        "days": year["days"],
        "values": year["values"],
        "unit": "kW",
        "top": year["top"],
        "gap": context.text("no reading"),
        "hint": context.text("Point at a day, or move with the arrow keys."),
        "months": months,
    }


def day_rows(year: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The same as a table: of each day energy, highest power and when, and how much was read."""
    rows = []
    for day, values in zip(year["days"], year["values"], strict=True) if year else ():
        known = [value for value in values or () if value is not None]
        highest = max(known, default=None)
        slots = len(values) if values else 0
        at = values.index(highest) * 1440 // slots if values and highest is not None else None
        rows.append(
            {
                "day": day,
                "kwh": sum(known) * 24 / slots if known and len(known) == slots else None,
                "highest_kw": highest,
                "at": None if at is None else f"{at // 60:02d}:{at % 60:02d}",
                "share_read": len(known) / slots if slots else 0.0,
            }
        )
    return rows


def year_title(context: Context, year: dict[str, Any]) -> str:
    """The picture in words, for those who do not see it."""
    rows = [row for row in day_rows(year) if row["highest_kw"] is not None]
    if not rows:
        return context.text("No day was read.")
    top = max(rows, key=lambda row: row["highest_kw"])
    return context.text(
        "Load of a year by day and time: highest {top} kW on {day} at {time}; {read} of {days} days were read.",
        top=context.words.number(top["highest_kw"]),
        day=context.words.day(top["day"]),
        time=top["at"],
        read=len(rows),
        days=DAYS,
    )


def year_page(context: Context) -> Answer:
    """The year as a table, and for the painter as numbers."""
    customer = context.parameters["customer_id"]
    require_customer(context, customer)
    year = remembered_year(context, customer)
    facts = {
        "customer": customer,
        "heat": heat_facts(context, year),
        "first": whole(context.query.get("first", "")),
        "size": SHOWN,
        "how": year_basis(context),
    }
    return Answer(list(reversed(day_rows(year))), facts)


def year_basis(context: Context) -> dict[str, Any]:
    """How the year was computed."""
    return context.basis(
        context.text(
            "Mean power of each interval, all meters together that counted for the customer on the day; the "
            "latest known readings. Where one meter has no reading there is none, never a zero."
        ),
        ("reading", "meter_history", "contract", "account"),
        "data.validate",
    )


PAGES = (
    Page(
        "/customers/{customer_id}/year",
        mark("Year of load"),
        "insight",
        "customer_year.html",
        year_page,
        listed=False,
    ),
)
