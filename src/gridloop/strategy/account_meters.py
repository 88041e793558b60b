"""Which meters count for which account on which days: account → contract → service point → meter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from gridloop.insight.features.occupancy import BEGINNING, END

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


@dataclass(frozen=True, slots=True, order=True)
class AccountStay:
    """Days `begin <= d < end` of a window on which a meter counts for an account.

    Attributes:
        account: position in the list of accounts.
        meter_id, channels: the meter and what it records.
        begin, end: positions of days in the window.
    """

    account: int
    meter_id: str
    begin: int
    end: int
    channels: frozenset[str]


@dataclass(frozen=True)
class AccountMeters:
    """The accounts that had a contract within a window of days, by id, and the stays of their meters.

    Attributes:
        first: first day of the window.
        days: its length.
        accounts, customers: ids, one position each.
        stays: in the order of accounts, meters and days; stays of one account and meter do not overlap.
    """

    first: date
    days: int
    accounts: tuple[str, ...]
    customers: tuple[str, ...]
    stays: tuple[AccountStay, ...]


def account_meters(
    view: LakeView, first: date, last: date, accounts: Collection[str] | None = None
) -> AccountMeters:
    """Whose meters counted when, by the chain of docs/methods/customer-windows.md, kept apart by account.

    Args:
        view: contracts, accounts, meters and their history, as known at its point of knowledge.
        first, last: the window, both days within it.
        accounts: only these; all when not given.
    """
    days = (last - first).days + 1
    end = first + timedelta(days=days)
    customer_of = {r["account_id"]: r["customer_id"] for r in _rows(view, "account")}
    wanted = customer_of if accounts is None else frozenset(accounts) & customer_of.keys()
    held: dict[str, list[tuple[date, date, str]]] = defaultdict(list)
    for row in _rows(view, "contract"):
        begin, until = max(row["valid_from"], first), min(row["valid_to"] or END, end)
        if row["account_id"] in wanted and begin < until:
            held[row["account_id"]].append((begin, until, row["service_point_id"]))
    names = tuple(sorted(held))
    standing = _standing(view)
    stays: list[AccountStay] = []
    for place, name in enumerate(names):
        spans: dict[tuple[str, frozenset[str]], list[tuple[int, int]]] = defaultdict(list)
        for begin, until, point in held[name]:
            for meter, channels, stood, left in standing.get(point, ()):
                span = (max(begin, stood) - first).days, (min(until, left) - first).days
                if span[0] < span[1]:
                    spans[meter, channels].append(span)
        for (meter, channels), found in sorted(spans.items(), key=lambda item: item[0][0]):
            stays += [AccountStay(place, meter, *span, channels) for span in _joined(found)]
    return AccountMeters(first, days, names, tuple(customer_of[name] for name in names), tuple(stays))


def _standing(view: LakeView) -> dict[str, list[tuple[str, frozenset[str], date, date]]]:
    """The meters that stood at each service point: id, channels, from, until."""
    meters = {r["meter_id"]: r for r in _rows(view, "meter")}
    channels = {
        name: frozenset(part.strip() for part in row["channel_set"].split(","))
        for name, row in meters.items()
    }
    standing: dict[str, list[tuple[str, frozenset[str], date, date]]] = defaultdict(list)
    moved = set()
    for row in _rows(view, "meter_history"):
        meter = row["meter_id"]
        moved.add(meter)
        if meter in meters:
            span = (row["valid_from"] or BEGINNING, row["valid_to"] or END)
            standing[row["service_point_id"]].append((meter, channels[meter], *span))
    for meter, row in meters.items():
        if meter not in moved:
            standing[row["service_point_id"]].append((meter, channels[meter], BEGINNING, END))
    return standing


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch or overlap made one, so that no day counts twice."""
    result: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


def _rows(view: LakeView, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = view.arrow(name).to_pylist() if view.exists(name) else []
    return rows
