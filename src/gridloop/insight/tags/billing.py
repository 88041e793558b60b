"""A customer's last year of bills as two numbers: energy billed and money charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

YEAR_DAYS = 365

BILLED = pa.schema(
    [
        ("customer_id", pa.string()),
        ("billed_energy_kwh", pa.float64()),
        ("annual_charge", pa.float64()),
        ("billed_days", pa.int64()),
        ("bill_start", pa.date32()),
        ("bill_end", pa.date32()),
    ]
)
"""One row a customer who has any bill. `bill_end` is exclusive, as `period_end` is."""


def billed_years(view: LakeView, least_days: int) -> pa.Table:
    """What each customer was billed in a year, by the bills of the 365 days before their newest period end.

        charge = Σ amount × 365 / days billed,   energy = Σ energy_wh / 1000 × 365 / days billed

    Every row counts: cancellations and credits are negative rows (docs/conventions.md §3). Days billed are the
    days of different periods of an account, averaged over the customer's accounts in the window, at most 365.

    Args:
        view: tables `bill` and `account`, as known at its point of knowledge.
        least_days: days billed below which the two numbers are null.

    Returns:
        Rows of `BILLED`; charge in the workspace's currency, tax as the workspace says.
    """
    bills = view.arrow(
        "bill", columns=("account_id", "period_start", "period_end", "energy_wh", "amount")
    ).join(view.arrow("account", columns=("account_id", "customer_id")), "account_id", join_type="inner")
    if bills.num_rows == 0:
        return BILLED.empty_table()
    newest = bills.group_by("customer_id").aggregate([("period_end", "max")])
    bills = bills.join(newest, "customer_id")
    since = pc.subtract(bills["period_end_max"].cast(pa.int32()), bills["period_end"].cast(pa.int32()))
    bills = bills.filter(pc.less(since, YEAR_DAYS))
    sums = bills.group_by("customer_id").aggregate(
        [("amount", "sum"), ("energy_wh", "sum"), ("period_start", "min"), ("period_end", "max")]
    )
    return _annual(sums.join(_days(bills), "customer_id"), least_days)


def _days(bills: pa.Table) -> pa.Table:
    """Days of different periods by customer, averaged over their accounts."""
    periods = bills.group_by(["customer_id", "account_id", "period_start", "period_end"]).aggregate([])
    length = pc.subtract(periods["period_end"].cast(pa.int32()), periods["period_start"].cast(pa.int32()))
    by_customer = periods.append_column("days", length.cast(pa.int64())).group_by("customer_id")
    counted = by_customer.aggregate([("days", "sum"), ("account_id", "count_distinct")])
    days = pc.divide(counted["days_sum"], counted["account_id_count_distinct"])
    return pa.table({"customer_id": counted["customer_id"], "days": pc.min_element_wise(days, YEAR_DAYS)})


def _annual(sums: pa.Table, least_days: int) -> pa.Table:
    days = sums["days"].to_numpy().astype(np.float64)
    enough = days >= max(1, least_days)
    scale = np.where(enough, YEAR_DAYS / np.maximum(days, 1.0), np.nan)

    def scaled(values: pa.ChunkedArray, unit: float) -> pa.Array:
        return pa.array(values.cast(pa.float64()).to_numpy() * scale / unit, from_pandas=True)

    return pa.table(
        [
            sums["customer_id"],
            scaled(sums["energy_wh_sum"], 1000.0),
            scaled(sums["amount_sum"], 1.0),
            sums["days"],
            sums["period_start_min"],
            sums["period_end_max"],
        ],
        schema=BILLED,
    ).sort_by("customer_id")
