"""Whose a meter's readings are on each day: meter → service point → contract → account → customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

BEGINNING = date.min
END = date.max


@dataclass(frozen=True, slots=True, order=True)
class Occupancy:
    """The days `start <= day < end` on which a meter's readings are one customer's."""

    meter_id: str
    start: date
    end: date
    customer_id: str


def occupancies(view: LakeView) -> dict[str, list[Occupancy]]:
    """Every meter's customers through time, by meter, in time order.

    A day belongs to a customer when the meter stood at a service point on that day (`meter_history`, or `meter` where
    there is none) and a contract of one of the customer's accounts was valid there. Adjacent windows of one customer
    are joined. Meters without any contract are absent.
    """
    owner = {r["account_id"]: r["customer_id"] for r in _rows(view, "account", "account_id", "customer_id")}
    contracts = defaultdict(list)
    for row in _rows(view, "contract", "service_point_id", "account_id", "valid_from", "valid_to"):
        if row["account_id"] in owner:
            window = (row["valid_from"], row["valid_to"] or END, owner[row["account_id"]])
            contracts[row["service_point_id"]].append(window)
    places = defaultdict(list)
    for row in _rows(view, "meter_history", "meter_id", "service_point_id", "valid_from", "valid_to"):
        window = (row["valid_from"] or BEGINNING, row["valid_to"] or END, row["service_point_id"])
        places[row["meter_id"]].append(window)
    for row in _rows(view, "meter", "meter_id", "service_point_id"):
        if row["meter_id"] not in places:
            places[row["meter_id"]] = [(BEGINNING, END, row["service_point_id"])]
    found = {}
    for meter, stays in places.items():
        windows = [
            Occupancy(meter, max(start, begin), min(end, until), customer)
            for start, end, point in stays
            for begin, until, customer in contracts.get(point, ())
            if max(start, begin) < min(end, until)
        ]
        if windows:
            found[meter] = list(_joined(sorted(windows)))
    return found


def _rows(view: LakeView, name: str, *columns: str) -> list[dict[str, Any]]:
    if not view.exists(name):
        return []
    rows: list[dict[str, Any]] = view.arrow(name, columns=columns).to_pylist()
    return rows


def _joined(windows: Iterable[Occupancy]) -> Iterator[Occupancy]:
    """Windows in time order with those of one customer that touch or overlap made one."""
    held: Occupancy | None = None
    for window in windows:
        if held is not None and held.customer_id == window.customer_id and window.start <= held.end:
            held = Occupancy(held.meter_id, held.start, max(held.end, window.end), held.customer_id)
            continue
        if held is not None:
            yield held
        held = window
    if held is not None:
        yield held
