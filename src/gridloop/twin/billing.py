"""Monthly bills from the registers of the meters, which count on when a modem falls silent."""

from __future__ import annotations

import calendar
import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.contracts import Contracts
from gridloop.twin.loads import sum_by_period
from gridloop.twin.offers import PricedOffer
from gridloop.twin.responses import Enrolment
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.tariffs import TARIFFS, Bill, Usage, bill, slot_periods

BILL_COLUMNS = (
    "BILL_ID ACCT_ID CONTRACT_ID PERIOD_BEGIN PERIOD_END ENERGY_KWH AMOUNT TAX "
    "ISSUE_DATE DUE_DATE STATUS UPDATED_AT"
)
LINE_COLUMNS = "BILL_ID LINE_NO ITEM QUANTITY UNIT RATE AMOUNT UPDATED_AT"

DAYS_TO_PAY = 15


@dataclass(frozen=True, slots=True)
class Registers:
    """What the registers of a block of premises counted in a month, by day.

    Attributes:
        imported: int64 [premises, days, 4] Wh by time-of-use period.
        exported: int64 [premises, days] Wh.
        top: int32 [premises, days] largest import of an interval, Wh.
    """

    imported: NDArray[np.int64]
    exported: NDArray[np.int64]
    top: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class IssuedBill:
    """A bill as it left the house. `begins` and `ends` are civil-day ordinals, [begins, ends)."""

    bill_id: str
    contract: int
    begins: int
    ends: int
    issued: date
    bill: Bill


def read_registers(net: NDArray[np.int32], period: NDArray[np.int8]) -> Registers:
    """Count clean net energy int32 [premises, days, slots] by the period int8 [premises, slots] of each
    premise's tariff.
    """
    shape = net.shape[:2]
    registers = Registers(
        np.empty((*shape, 4), np.int64), np.empty(shape, np.int64), np.empty(shape, np.int32)
    )
    sum_by_period(net, period, registers.imported, registers.exported, registers.top)
    return registers


def periods_of_block(
    simulation: Simulation, contracts: Contracts, block: slice, month: Month
) -> NDArray[np.int8]:
    """int8 [premises of the block, slots]: the period of every interval by the tariff of each premise."""
    slots = simulation.settings.slots
    by_tariff = {name: slot_periods(name, month.first.month, slots) for name in TARIFFS}
    result = np.empty((block.stop - block.start, slots), dtype=np.int8)
    for row in contracts.rows_of(block):
        result[int(contracts.premise[row]) - block.start] = by_tariff[contracts.tariff_id[row]]
    return result


def bills_of_block(
    simulation: Simulation,
    contracts: Contracts,
    block: slice,
    month: Month,
    net: NDArray[np.int32],
    registers: Registers,
    enrolments: Mapping[int, Enrolment],
) -> Iterator[IssuedBill]:
    """The bills of a block's contracts for a month; none for a month that lies partly outside the county's days.

    A contract that changes its tariff within the month gets a bill for each part.

    Args:
        net: int32 [premises of the block, days, slots] Wh, import positive.
        registers: what they counted.
        enrolments: by contract row.
    """
    days_in_month = calendar.monthrange(month.first.year, month.first.month)[1]
    if month.end - month.begin != days_in_month:
        return
    first = month.first.toordinal()
    rows = contracts.rows_of(block)
    wait = 2 + (
        Stream(simulation.settings.seed, "bill run").uniform(np.arange(rows.start, rows.stop), first) * 4
    ).astype(int)
    for row, delay in zip(rows, wait.tolist(), strict=True):
        begins = max(int(contracts.begins[row]), first)
        ends = min(int(contracts.ends[row]), first + days_in_month)
        if begins >= ends:
            continue
        who = int(contracts.premise[row]) - block.start
        for number, part in enumerate(_parts(begins, ends, enrolments.get(row)), start=1):
            days = slice(part.begins - first, part.ends - first)
            if part.offer is None:
                usage = _usage(simulation, registers, block.start + who, who, days, days_in_month)
                priced = bill(TARIFFS[contracts.tariff_id[row]], usage)
            else:
                day = date.fromordinal(part.begins)
                priced = part.offer.bill(net[who, days], day, month.begin + days.start)
            yield IssuedBill(
                bill_id=f"B{month.first:%Y%m}{contracts.contract_id[row][1:]}{_ending(number)}",
                contract=row,
                begins=part.begins,
                ends=part.ends,
                issued=date.fromordinal(first + days_in_month) + timedelta(days=delay - 1),
                bill=priced,
            )


@dataclass(frozen=True, slots=True)
class _Part:
    """Days [begins, ends) of a month on one tariff; no offer stands for the contract's own."""

    begins: int
    ends: int
    offer: PricedOffer | None


def _parts(begins: int, ends: int, enrolment: Enrolment | None) -> list[_Part]:
    """The days of a bill, cut where the tariff changed."""
    if enrolment is None:
        return [_Part(begins, ends, None)]
    since, until = (min(max(day, begins), ends) for day in (enrolment.since, enrolment.until))
    parts = (
        _Part(begins, since, None),
        _Part(since, until, enrolment.offer),
        _Part(until, ends, None),
    )
    return [part for part in parts if part.begins < part.ends]


def _ending(number: int) -> str:
    return "" if number == 1 else f"-{number}"


def _usage(
    simulation: Simulation, registers: Registers, premise: int, who: int, days: slice, days_in_month: int
) -> Usage:
    return Usage(
        imported_wh=registers.imported[who, days].sum(axis=0).tolist(),
        exported_wh=int(registers.exported[who, days].sum()),
        top_wh=int(registers.top[who, days].max()),
        interval_minutes=simulation.settings.interval_minutes,
        capacity_kva=Decimal(str(simulation.premises.capacity_kva[premise])),
        days=days.stop - days.start,
        days_in_month=days_in_month,
    )


class _Writer(Protocol):
    def writerow(self, row: Any, /) -> Any:
        """Write one row of values."""


class BillFiles:
    """Writes one file of bills and one of bill lines per billed month; use as a context per month."""

    def __init__(self, folder: Path, contracts: Contracts) -> None:
        self._folder = folder
        self._contracts = contracts
        self._stack = ExitStack()
        self._writers: dict[str, _Writer] = {}

    def __enter__(self) -> BillFiles:
        return self

    def __exit__(self, *reason: object) -> None:
        self._stack.close()
        self._writers.clear()

    def add(self, month: Month, issued: IssuedBill) -> None:
        """Write one bill and its lines."""
        contracts, updated = self._contracts, f"{issued.issued}T09:00:00+08:00"
        self._writer("bill", month, BILL_COLUMNS).writerow(
            (
                issued.bill_id,
                contracts.account_id[issued.contract],
                contracts.contract_id[issued.contract],
                date.fromordinal(issued.begins),
                date.fromordinal(issued.ends),
                f"{issued.bill.energy_wh / 1000:.3f}",
                issued.bill.amount,
                issued.bill.tax,
                issued.issued,
                issued.issued + timedelta(days=DAYS_TO_PAY),
                "issued",
                updated,
            )
        )
        lines = self._writer("bill_line", month, LINE_COLUMNS)
        for number, line in enumerate(issued.bill.lines, start=1):
            lines.writerow(
                (issued.bill_id, number, line.item, line.quantity, line.unit, line.rate, line.amount, updated)
            )

    def _writer(self, kind: str, month: Month, columns: str) -> _Writer:
        if kind not in self._writers:
            path = self._folder / f"{kind}_{month.name}.csv"
            stream = self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            self._writers[kind] = csv.writer(stream, lineterminator="\n")
            self._writers[kind].writerow(columns.split())
        return self._writers[kind]
