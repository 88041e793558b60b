"""Who pays when: habits by the hidden propensity to arrears, hardship by season, and what the utility does about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.twin.archive import known_at
from gridloop.twin.billing import DAYS_TO_PAY, IssuedBill
from gridloop.twin.contracts import Contracts
from gridloop.twin.premises import Premises, opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, TruthKind, moment

PAYMENT = SourceKind("billing/payment", "PAYMENT_ID ACCT_ID BILL_ID PAY_DATE AMOUNT METHOD UPDATED_AT")
DUNNING = SourceKind(
    "billing/dunning_step", "STEP_ID ACCT_ID BILL_ID STEP STEP_TIME AMOUNT_DUE OUTCOME UPDATED_AT"
)
HARDSHIP = TruthKind(
    "hardship",
    pa.schema(
        [
            ("customer_id", pa.string()),
            ("account_id", pa.string()),
            ("month", pa.string()),
            ("hardship_severity", pa.float64()),
        ]
    ),
)
"""hardship.parquet: one row for each account and month in hardship, severity 0.3–1."""

LATEST_PAYMENT_DAYS = 90
"""Days after the due date by which whoever pays at all has paid."""

LONGEST_HARDSHIP = 6
"""Months."""

_METHODS = (("direct_debit", "app", "hall", "kiosk", "bank_transfer"), (0.30, 0.50, 0.08, 0.08, 0.04))
_BUSINESS_SHARES = (0.30, 0.10, 0.0, 0.0, 0.60)
_SEASON = (1.9, 1.7, 0.8, 0.6, 0.5, 0.6, 1.2, 1.3, 0.7, 0.5, 0.8, 1.4)
"""Chance that hardship begins in a month, relative to the mean month: after the winter's bills and the summer's."""

_STEPS = (
    (5, "reminder", ("delivered", "delivered", "not_delivered")),
    (15, "call", ("promised", "not_reached", "promised")),
    (30, "notice", ("delivered", "delivered", "returned")),
    (45, "disconnection_notice", ("delivered", "promised", "delivered")),
    (60, "visit", ("promised", "nobody_home", "nobody_home")),
)
_LEAST_DUNNED = Decimal(20)


@dataclass(frozen=True, slots=True)
class Paid:
    """One movement of money on a bill: the civil day as an ordinal, the amount (negative: taken back), and how."""

    day: int
    amount: Decimal
    method: str


@dataclass(frozen=True, slots=True)
class _Habit:
    """How one bill is met: uniform draws u, a normal draw z, propensity and severity."""

    u: list[float]
    z: float
    propensity: float
    severity: float
    method: str
    leaving: bool


@dataclass(frozen=True)
class Payments:
    """The county's payments."""

    seed: int
    premises: Premises
    contracts: Contracts

    def write(self, month: Month, issued: list[IssuedBill], files: SubjectFiles) -> None:
        """What comes of the bills of a block for a month, and who of them is in hardship."""
        if not issued:
            return
        first, contracts = month.first.toordinal(), self.contracts
        rows = np.array([each.contract for each in issued])
        stream, number = Stream(self.seed, "payment"), self._number[rows]
        parts = np.array([each.begins - first for each in issued])
        drawn = stream.uniform(number[:, None], first, parts[:, None], np.arange(8)).tolist()
        bells = stream.normal(number, first, parts + 100).tolist()
        severity = self.severity(rows, month.first).tolist()
        told: set[int] = set()
        for index, each in enumerate(issued):
            row = each.contract
            if severity[index] > 0.0 and row not in told:
                told.add(row)
                files.tell(
                    HARDSHIP,
                    (contracts.customer_id[row], contracts.account_id[row], month.name, severity[index]),
                )
            habit = _Habit(
                drawn[index],
                bells[index],
                float(self._propensity[row]),
                severity[index],
                self._method[row],
                int(contracts.ends[row]) <= each.ends,
            )
            paid = list(course(each, habit))
            name = f"{month.first:%y%m}{self._names[row]}{each.begins - first:02d}"
            self._put(each, paid, name, files)
            for step in _dunning(each, paid, habit, name, contracts.account_id[row]):
                files.put(DUNNING, step[0], step[1])

    def severity(self, rows: NDArray[np.int64], month: date) -> NDArray[np.float64]:
        """float64 [rows] how hard the month is for each contract: 0, or 0.3–1 in hardship."""
        stream, number = Stream(self.seed, "hardship"), self._number[rows]
        result = np.zeros(len(rows))
        chance = 0.010 * (0.2 + 2.8 * self._propensity[rows])
        for ago in range(LONGEST_HARDSHIP):
            index = month.year * 12 + month.month - 1 - ago
            begins = stream.uniform(number, index, 0) < chance * _SEASON[index % 12]
            lasts = 2 + (stream.uniform(number, index, 1) * (LONGEST_HARDSHIP - 1)).astype(int)
            grade = 0.3 + 0.7 * stream.uniform(number, index, 2)
            result = np.where(begins & (lasts > ago), np.maximum(result, grade), result)
        return result

    def _put(self, each: IssuedBill, paid: list[Paid], name: str, files: SubjectFiles) -> None:
        account = self.contracts.account_id[each.contract]
        for count, one in enumerate(paid, start=1):
            day = date.fromordinal(one.day)
            files.put(
                PAYMENT,
                one.day,
                (f"P{name}{count}", account, each.bill_id, day, one.amount, one.method, known_at(day)),
            )

    @cached_property
    def _number(self) -> NDArray[np.int64]:
        return 2 * self.contracts.premise + self.contracts.later

    @cached_property
    def _names(self) -> list[str]:
        return opaque_ids("", 9, self._number, self.seed)

    @cached_property
    def _propensity(self) -> NDArray[np.float64]:
        return self.premises.traits.column("arrears_propensity")[self.contracts.premise]

    @cached_property
    def _method(self) -> list[str]:
        names, shares = _METHODS
        stream = Stream(self.seed, "payment method")
        home = self.premises.traits.class_code[self.contracts.premise] == 0
        codes = np.where(
            home, stream.choice(shares, self._number), stream.choice(_BUSINESS_SHARES, self._number)
        )
        return [names[code] for code in codes.tolist()]


def course(each: IssuedBill, habit: _Habit) -> Iterator[Paid]:
    """The movements of money on one bill, in order; none where nothing is due or it is never paid."""
    amount, issued = each.bill.amount, each.issued.toordinal()
    due, u = issued + DAYS_TO_PAY, habit.u
    if amount <= 0:
        return
    method = habit.method
    if method == "direct_debit":
        yield Paid(due, amount, method)
        if u[0] >= 0.004 + 0.02 * habit.propensity + 0.25 * habit.severity:
            return
        yield Paid(due + 2 + int(3.0 * u[1]), -amount, method)
        method = "app"
    elif u[0] >= 0.03 + 0.27 * habit.propensity + 0.55 * habit.severity:
        yield Paid(issued + 1 + int((DAYS_TO_PAY - 1) * u[1] ** 0.7), amount, method)
        return
    if u[2] < (0.25 if habit.leaving else 0.01 + 0.06 * habit.severity):
        return
    hard = habit.severity > 0.0
    middle = 32.0 if hard else 4.0 + 6.0 * habit.propensity
    late = min(6 + int(middle * float(np.exp(0.8 * habit.z))), LATEST_PAYMENT_DAYS)
    if u[3] < (0.35 if hard else 0.04):
        share = Decimal(str(round(0.3 + 0.4 * u[4], 2)))
        part = (amount * share).quantize(Decimal("0.01"), ROUND_HALF_UP)
        yield Paid(due + late // 2, part, method)
        amount -= part
    yield Paid(due + late, amount, method)


def _dunning(
    each: IssuedBill, paid: list[Paid], habit: _Habit, name: str, account: str
) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Steps, each with the day on which it became known, as long as enough is owed."""
    due = each.issued.toordinal() + DAYS_TO_PAY
    for number, (wait, step, outcomes) in enumerate(_STEPS, start=1):
        day = due + wait
        owed = each.bill.amount - sum((one.amount for one in paid if one.day <= day), Decimal(0))
        if owed < _LEAST_DUNNED:
            return
        if step == "visit" and habit.severity > 0.0 and habit.u[5] < 0.5:
            step, outcomes = "instalment", ("agreed",) * 3
        outcome = outcomes[int(3.0 * ((habit.u[6] + 0.37 * number) % 1.0))]
        at = moment(day, 9 * 60 + 480 * ((habit.u[7] + 0.61 * number) % 1.0))
        known = known_at(date.fromordinal(day))
        yield day, (f"D{name}{number}", account, each.bill_id, step, at, owed, outcome, known)
