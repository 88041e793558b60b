"""Whose a meter's readings are on each day: meter → service point → contract → account → customer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import ibis.expr.types as ir

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


class Occupancies(Mapping[str, list[Occupancy]]):
    """Every meter's customers through time, by meter, in time order; kept as columns, about 60 bytes a stay.

    Args:
        rows: meter_id, start, end, customer_id, in that order.
    """

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows.combine_chunks()
        runs = pc.run_end_encode(pa.array(self._rows.column("meter_id").combine_chunks(), pa.string()))
        self._meters, self._ends = runs.values, runs.run_ends.to_numpy()

    def __len__(self) -> int:
        return len(self._meters)

    def __iter__(self) -> Iterator[str]:
        return (meter.as_py() for meter in self._meters)

    def __contains__(self, meter: object) -> bool:
        return isinstance(meter, str) and self._place(meter) is not None

    def __getitem__(self, meter: str) -> list[Occupancy]:
        place = self._place(meter)
        if place is None:
            raise KeyError(meter)
        start = int(self._ends[place - 1]) if place else 0
        rows = self._rows.slice(start, int(self._ends[place]) - start).to_pydict()
        return list(
            _joined(map(Occupancy, *(rows[name] for name in ("meter_id", "start", "end", "customer_id"))))
        )

    def of_customer(self, customer: str) -> list[Occupancy]:
        """Every stay of a customer, by meter and time; empty for one that is not known."""
        customers, rows = self._by_customer
        place = bisect_left(range(len(customers)), customer, key=lambda at: customers[at].as_py())
        meters = []
        while place < len(customers) and customers[place].as_py() == customer:
            meters.append(self._meters[rows[place].as_py()].as_py())
            place += 1
        return [stay for meter in sorted(meters) for stay in self[meter] if stay.customer_id == customer]

    @cached_property
    def _by_customer(self) -> tuple[pa.Array, pa.Array]:
        """Every pair of a customer and a meter that was once theirs, by customer: the customer, the meter's place."""
        places = np.repeat(np.arange(len(self._ends)), np.diff(self._ends, prepend=0))
        pairs = pa.table({"customer": self._rows.column("customer_id"), "place": places})
        pairs = pairs.group_by(["customer", "place"]).aggregate([]).sort_by("customer").combine_chunks()
        return pairs["customer"].combine_chunks(), pairs["place"].combine_chunks()

    def _place(self, meter: str) -> int | None:
        place = bisect_left(range(len(self)), meter, key=lambda at: self._meters[at].as_py())
        return place if place < len(self) and self._meters[place].as_py() == meter else None


def occupancies(view: LakeView) -> Occupancies:
    """Every meter's customers through time, by meter, in time order.

    A day belongs to a customer when the meter stood at a service point on that day (`meter_history`, or `meter` where
    there is none) and a contract of one of the customer's accounts was valid there. Adjacent windows of one customer
    are joined. Meters without any contract are absent.
    """
    import ibis

    stays, rights = _stays(view), _rights(view)
    windows = stays.join(rights, "service_point_id").select(
        "meter_id",
        start=ibis.greatest(stays.stands_from, rights.valid_from),
        end=ibis.least(stays.stands_until, rights.valid_until),
        customer_id=rights.customer_id,
    )
    columns = ["meter_id", "start", "end", "customer_id"]
    return Occupancies(windows.filter(windows.start < windows.end).order_by(columns).to_pyarrow())


def _stays(view: LakeView) -> ir.Table:
    """Where each meter stood: meter_id, service_point_id, stands_from, stands_until."""
    history = view.table("meter_history").select(
        "meter_id",
        "service_point_id",
        stands_from=lambda t: t.valid_from.fill_null(BEGINNING),
        stands_until=lambda t: t.valid_to.fill_null(END),
    )
    alone = view.table("meter").anti_join(history, "meter_id")
    return history.union(
        alone.select("meter_id", "service_point_id", stands_from=_day(BEGINNING), stands_until=_day(END))
    )


def _rights(view: LakeView) -> ir.Table:
    """Who had a contract where: service_point_id, customer_id, valid_from, valid_until."""
    owners = view.table("account").select("account_id", "customer_id")
    return (
        view.table("contract")
        .join(owners, "account_id")
        .select(
            "service_point_id",
            "customer_id",
            "valid_from",
            valid_until=lambda t: t.valid_to.fill_null(END),
        )
    )


def _day(day: date) -> ir.Value:
    import ibis

    return ibis.literal(day, type="date")


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
