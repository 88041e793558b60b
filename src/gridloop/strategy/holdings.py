"""Whose use is billed together: a customer at a service point, over all meters that stood there in a window of days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from gridloop.insight.features.occupancy import END, Occupancy, occupancies

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


@dataclass(frozen=True, slots=True)
class Stay:
    """Days `begin <= d < end` of the window on which a meter counted for a holding.

    Attributes:
        holding: position in the list of holdings.
        meter_id, interval_minutes, channels: the meter.
        begin, end: positions of days in the window.
    """

    holding: int
    meter_id: str
    interval_minutes: int
    channels: frozenset[str]
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer at a service point.

    Attributes:
        contract_id, tariff_id, capacity_kva: of the latest contract there that began before the window's end.
        customer_id, service_point_id: who and where.
        days: days of the window on which a meter counted for them.
    """

    contract_id: str
    tariff_id: str | None
    capacity_kva: float | None
    customer_id: str
    service_point_id: str
    days: int


def holdings(view: LakeView, start: date, days: int) -> tuple[list[Holding], list[Stay]]:
    """Every customer who was somewhere within the window, in the order of contract ids, and the stays of their meters.

    Days come from the chain of docs/methods/customer-windows.md. A meter exchange within the window joins both meters'
    days; a renewed contract goes on.

    Args:
        view: where to read.
        start: first day of the window.
        days: its length.
    """
    end = start + timedelta(days=days)
    described = ("meter_id", "service_point_id", "interval_minutes", "channel_set")
    meters = {r["meter_id"]: r for r in _rows(view, "meter", *described)}
    places, contracts = _places(view, meters), _contracts(view, end)
    found: dict[tuple[str, str], list[Occupancy]] = defaultdict(list)
    for stays in occupancies(view).values():
        for stay in stays:
            if stay.start < end and stay.end > start:
                last = min(stay.end, end) - timedelta(days=1)
                point = _point_on(places[stay.meter_id], last)
                if (stay.customer_id, point) in contracts and stay.meter_id in meters:
                    found[stay.customer_id, point].append(stay)
    order = sorted(found, key=lambda key: contracts[key]["contract_id"])
    result: list[Holding] = []
    parts: list[Stay] = []
    for place, key in enumerate(order):
        covered = [False] * days
        for stay in sorted(found[key]):
            meter = meters[stay.meter_id]
            begin, until = max(0, (stay.start - start).days), min(days, (stay.end - start).days)
            channels = frozenset(part.strip() for part in meter["channel_set"].split(","))
            parts.append(Stay(place, stay.meter_id, meter["interval_minutes"], channels, begin, until))
            covered[begin:until] = [True] * (until - begin)
        contract = contracts[key]
        result.append(
            Holding(
                contract["contract_id"], contract["tariff_id"], contract["capacity_kva"], *key, sum(covered)
            )
        )
    return result, parts


def _contracts(view: LakeView, end: date) -> dict[tuple[str, str], dict[str, Any]]:
    """The latest contract of each customer at each service point that began before `end`."""
    owner = {r["account_id"]: r["customer_id"] for r in _rows(view, "account", "account_id", "customer_id")}
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    place = ("contract_id", "account_id", "service_point_id", "tariff_id", "capacity_kva", "valid_from")
    for row in sorted(_rows(view, "contract", *place), key=lambda r: (r["valid_from"], r["contract_id"])):
        if row["account_id"] in owner and row["valid_from"] < end:
            latest[owner[row["account_id"]], row["service_point_id"]] = row
    return latest


def _places(view: LakeView, meters: dict[str, dict[str, Any]]) -> dict[str, list[tuple[date, date, str]]]:
    """Where each meter stood and when."""
    places: dict[str, list[tuple[date, date, str]]] = defaultdict(list)
    for row in _rows(view, "meter_history", "meter_id", "service_point_id", "valid_from", "valid_to"):
        places[row["meter_id"]].append(
            (row["valid_from"] or date.min, row["valid_to"] or END, row["service_point_id"])
        )
    for meter, row in meters.items():
        if meter not in places:
            places[meter] = [(date.min, END, row["service_point_id"])]
    return places


def _point_on(places: Sequence[tuple[date, date, str]], day: date) -> str:
    """The service point of a day; the last known one where none holds."""
    inside = [point for start, end, point in places if start <= day < end]
    return inside[-1] if inside else places[-1][2]


def _rows(view: LakeView, name: str, *columns: str) -> list[dict[str, Any]]:
    if not view.exists(name):
        return []
    rows: list[dict[str, Any]] = view.arrow(name, columns=columns).to_pylist()
    return rows
