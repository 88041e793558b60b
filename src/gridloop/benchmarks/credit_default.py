"""Default of card payments next month, Taiwan 2005 (docs/methods/credit_scorecard.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gridloop.benchmarks.learned import Customers, Task, labels, numbers, read_table
from gridloop.insight.learning.booster import Booster, BoosterSettings
from gridloop.insight.learning.columns import Columns, Float64
from gridloop.insight.learning.metrics import ValueSettings
from gridloop.insight.learning.scorecard import Scorecard, ScorecardSettings

NAME = "credit-default"
FILE = "credit_default.parquet"
LABEL = "default.payment.next.month"
PROTOCOL = (
    "Fit on train, judge once on test (or each customer by models of the other folds). Five folds by hash of the "
    "customer; calibration and the choice between models on out-of-fold predictions of train; 95 % intervals by "
    "bootstrap of customers. Sex, marriage and education are left out of both models."
)
REFERENCES = {"typical": {"source": "published models of this data set", "auc_low": 0.77, "auc_high": 0.78}}
DELAYS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
BILLS = tuple(f"BILL_AMT{k}" for k in range(1, 7))
PAID = tuple(f"PAY_AMT{k}" for k in range(1, 7))


def read(folder: Path) -> Customers:
    """Customers of a folder."""
    table = read_table(folder, FILE, ("ID", "LIMIT_BAL", "AGE", *DELAYS, *BILLS, *PAID, LABEL))
    raw = {name: numbers(table, name) for name in ("LIMIT_BAL", "AGE", *DELAYS, *BILLS, *PAID)}
    return Customers(
        tuple(table["ID"].to_pylist()), labels(table, LABEL, FILE), Columns.of({**raw, **derived(raw)})
    )


def derived(raw: dict[str, Float64]) -> dict[str, Float64]:
    """Use of the limit, payments against bills, and the course of delays over six months."""
    limit = np.maximum(raw["LIMIT_BAL"], 1.0)
    delay = np.column_stack([raw[name] for name in DELAYS])
    bill = np.column_stack([raw[name] for name in BILLS])
    paid = np.column_stack([raw[name] for name in PAID])
    late = np.maximum(delay, 0.0)
    months = np.arange(6.0)
    ratio = paid[:, :5] / np.maximum(bill[:, 1:], 1.0)
    found = {
        "late_max": late.max(axis=1),
        "late_months": (delay >= 1).sum(axis=1).astype(np.float64),
        "late2_months": (delay >= 2).sum(axis=1).astype(np.float64),
        "late_sum": late.sum(axis=1),
        "late_recent": late @ np.exp(-months / 2.0),
        "delay_mean": delay.mean(axis=1),
        "delay_trend": delay[:, :3].mean(axis=1) - delay[:, 3:].mean(axis=1),
        "idle_months": (delay == -2).sum(axis=1).astype(np.float64),
        "full_months": (delay == -1).sum(axis=1).astype(np.float64),
        "use_now": bill[:, 0] / limit,
        "use_mean": bill.mean(axis=1) / limit,
        "use_max": bill.max(axis=1) / limit,
        "use_trend": (bill[:, 0] - bill[:, 5]) / limit,
        "paid_mean": np.log1p(paid.mean(axis=1)),
        "paid_min": np.log1p(paid.min(axis=1)),
        "paid_max": np.log1p(paid.max(axis=1)),
        "paid_none": (paid <= 0).sum(axis=1).astype(np.float64),
        "paid_of_limit": paid.sum(axis=1) / limit,
        "paid_of_bill": np.clip(paid.sum(axis=1) / np.maximum(bill.sum(axis=1), 1.0), 0.0, 3.0),
        "paid_ratio_last": np.clip(ratio[:, 0], 0.0, 3.0),
        "paid_ratio_min": np.clip(ratio.min(axis=1), 0.0, 3.0),
        "bill_spread": np.log1p(bill.std(axis=1)),
        "bill_change": (bill[:, 0] - bill[:, 1]) / limit,
        "left": np.log1p(np.maximum(limit - bill[:, 0], 0.0)),
    }
    return {name: np.asarray(values, np.float64) for name, values in found.items()}


DIRECTIONS = {
    "PAY_0": "free", "PAY_2": "free", "PAY_3": "free",
    "late_max": "up", "late_months": "up", "late2_months": "up", "late_recent": "up",
    "LIMIT_BAL": "down", "paid_mean": "down", "paid_min": "down", "paid_max": "down", "paid_none": "up",
    "paid_of_limit": "down", "paid_of_bill": "any", "paid_ratio_last": "any",
    "use_now": "free", "use_mean": "free", "use_max": "free", "use_trend": "free", "left": "down",
    "idle_months": "free", "full_months": "free",
    "BILL_AMT1": "free", "bill_spread": "free", "bill_change": "free", "AGE": "free",
}  # fmt: skip
"""Declared direction of risk of each variable of the card."""

TASK = Task(
    read,
    {
        "scorecard": Scorecard(ScorecardSettings(direction=DIRECTIONS)),
        "lightgbm": Booster(
            BoosterSettings(rounds=420, learning_rate=0.02, leaves=12, smallest_leaf=80, column_share=0.3,
                            row_share=0.7, l2=20.0, seeds=4)
        ),
    },
    ("scorecard", "lightgbm"),
    ValueSettings(cost=1.0, gain=4.0),
)  # fmt: skip
"""A collector's call costs 1, a default that it averts is worth 4."""
