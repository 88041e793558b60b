"""Money comes in as the documentation says, bill by bill, and the utility asks for what is missing."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gridloop.twin.billing import IssuedBill
from gridloop.twin.subjects.payments import _Habit, course
from gridloop.twin.tariffs import Bill


@pytest.fixture(scope="module")
def bills(told: Any) -> dict[str, dict[str, str]]:
    return {row["BILL_ID"]: row for row in told.rows("billing/bill_2*.csv")}


@pytest.fixture(scope="module")
def paid(told: Any) -> dict[str, list[tuple[str, Decimal]]]:
    found: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for row in told.rows("billing/payment_*.csv"):
        found[row["BILL_ID"]].append((row["PAY_DATE"], Decimal(row["AMOUNT"])))
    return found


def _bill(amount: str) -> IssuedBill:
    priced = Bill(lines=(), energy_wh=0, amount=Decimal(amount), tax=Decimal(0))
    return IssuedBill("B1", 0, 1, 32, date(2025, 2, 3), priced)


def test_nobody_pays_more_than_the_bill_or_before_it(bills: Any, paid: Any) -> None:
    assert len(paid) > 4000
    for bill, movements in paid.items():
        assert sum(amount for _, amount in movements) <= Decimal(bills[bill]["AMOUNT"])
        assert min(day for day, _ in movements) >= bills[bill]["ISSUE_DATE"]


def test_one_bill_in_twelve_is_paid_late(bills: Any, paid: Any) -> None:
    judged = [b for b in bills.values() if Decimal(b["AMOUNT"]) > 0 and b["DUE_DATE"] < "2025-12-01"]
    late = sum(_owed(bill, paid, bill["DUE_DATE"]) > 0 for bill in judged)
    assert 0.06 < late / len(judged) < 0.11


def test_two_accounts_in_a_hundred_are_more_than_thirty_days_in_arrears(bills: Any, paid: Any) -> None:
    day = date(2025, 10, 31)
    old = [b for b in bills.values() if date.fromisoformat(b["DUE_DATE"]) + timedelta(days=30) <= day]
    owing = {bill["ACCT_ID"] for bill in old if _owed(bill, paid, f"{day}") > 0}
    assert 0.008 < len(owing) / 500 < 0.04


def test_those_in_hardship_pay_late_more_often(told: Any, bills: Any, paid: Any) -> None:
    hard = {(row["account_id"], row["month"]) for row in told.known("hardship")}
    late: dict[bool, list[bool]] = defaultdict(list)
    for bill in bills.values():
        if Decimal(bill["AMOUNT"]) > 0 and bill["DUE_DATE"] < "2025-12-01":
            inside = (bill["ACCT_ID"], bill["PERIOD_BEGIN"][:7]) in hard
            late[inside].append(_owed(bill, paid, bill["DUE_DATE"]) > 0)
    share = {inside: sum(found) / len(found) for inside, found in late.items()}
    assert 0.01 < len(late[True]) / len(late[False]) < 0.07
    assert share[True] > 0.3 and share[False] < 0.1


def test_a_returned_debit_comes_back_with_the_same_amount_within_five_days(told: Any) -> None:
    rows = [row for row in told.rows("billing/payment_*.csv") if row["METHOD"] == "direct_debit"]
    taken = {row["BILL_ID"]: row for row in rows if Decimal(row["AMOUNT"]) > 0}
    returned = [row for row in rows if Decimal(row["AMOUNT"]) < 0]
    assert returned
    for row in returned:
        debit = taken[row["BILL_ID"]]
        assert Decimal(row["AMOUNT"]) == -Decimal(debit["AMOUNT"])
        gap = date.fromisoformat(row["PAY_DATE"]) - date.fromisoformat(debit["PAY_DATE"])
        assert timedelta(days=2) <= gap <= timedelta(days=5)


def test_steps_follow_one_another_while_the_amount_is_owed(told: Any, bills: Any, paid: Any) -> None:
    steps = defaultdict(list)
    for row in told.rows("billing/dunning_step_*.csv"):
        steps[row["BILL_ID"]].append(row)
        assert Decimal(row["AMOUNT_DUE"]) == _owed(bills[row["BILL_ID"]], paid, row["STEP_TIME"][:10])
    order = ["reminder", "call", "notice", "disconnection_notice"]
    assert steps
    for rows in steps.values():
        names = [row["STEP"] for row in sorted(rows, key=lambda row: row["STEP_TIME"])]
        assert names[:4] == order[: len(names[:4])]


@pytest.mark.parametrize(("amount", "count"), [("0.00", 0), ("-12.30", 0), ("100.00", 1)])
def test_a_credit_asks_for_no_money(amount: str, count: int) -> None:
    habit = _Habit([0.99] * 8, 0.0, 0.0, 0.0, "app", leaving=False)
    assert len(list(course(_bill(amount), habit))) == count


def test_a_part_and_the_rest_make_up_the_bill() -> None:
    habit = _Habit([0.0, 0.0, 0.9, 0.0, 0.5, 0.0, 0.0, 0.0], 0.0, 0.0, 1.0, "app", leaving=False)
    part, rest = course(_bill("100.00"), habit)
    # due 18 February; 38 days late in hardship, the half of the way with 50 %
    assert (part.amount, rest.amount) == (Decimal("50.00"), Decimal("50.00"))
    assert date.fromordinal(part.day) == date(2025, 3, 9)
    assert date.fromordinal(rest.day) == date(2025, 3, 28)


def _owed(bill: dict[str, str], paid: dict[str, list[tuple[str, Decimal]]], day: str) -> Decimal:
    settled = sum((amount for when, amount in paid.get(bill["BILL_ID"], []) if when <= day), Decimal(0))
    return Decimal(bill["AMOUNT"]) - settled
