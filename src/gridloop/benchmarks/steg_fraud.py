"""Meter fraud by billing, Tunisia 2005 to 2019 (docs/methods/theft_billing.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gridloop.benchmarks.learned import Customers, Task, tell
from gridloop.benchmarks.steg_features import (
    calendar_features,
    client_features,
    exchange_features,
    use_features,
    yearly_features,
)
from gridloop.benchmarks.steg_invoices import before_first_exchange, read_clients, read_invoices
from gridloop.insight.learning.booster import Booster, BoosterSettings
from gridloop.insight.learning.columns import Columns, Float64
from gridloop.insight.learning.metrics import ValueSettings

NAME = "steg-fraud"
BAND = 4
"""Invoices of a band of equal length of observation."""
PROTOCOL = (
    "Fit on train, judge once on test (or each client by models of the other folds). Five folds by hash of the client; "
    "calibration on out-of-fold predictions of train; 95 % intervals by bootstrap of clients. `all`: every feature. "
    "`before_inspection`: use from invoices before the first exchange of each meter, without number, index, status, "
    "remark and code, and without anything that tells when the history was cut; it alone may be promoted. "
    "`cut_history`: as before_inspection, with the length and the years of the cut history, which tell when the meter "
    "was exchanged: reported to show what that is worth, never promoted. `auc_within_length`: pairs of clients of the "
    "same band of four invoices in all."
)
REFERENCES = {
    "published": {"source": "LightGBM, 15 features, 5 folds", "auc": 0.831, "average_precision": 0.247}
}


def read(folder: Path) -> Customers:
    """Clients of a folder with the columns of all three models; prefixes say whose: `all.`, `before.`, `cut.`."""
    clients = read_clients(folder)
    invoices = read_invoices(folder, clients)
    tell(f"{len(clients.ids)} clients, {len(invoices)} invoices read")
    cut = invoices.rows(before_first_exchange(invoices))
    shared = {f"client.{k}": v for k, v in client_features(clients).items()}
    columns: dict[str, Float64] = {**shared, **_named("calendar", calendar_features(clients, invoices))}
    columns |= _named("all", use_features(clients, invoices) | yearly_features(clients, invoices))
    columns |= _named("exchange", exchange_features(clients, invoices))
    columns |= _named("before", use_features(clients, cut))
    columns |= _named("cut", yearly_features(clients, cut) | calendar_features(clients, cut))
    count = np.bincount(invoices.client, minlength=len(clients.ids))
    tell(f"{len(columns)} features made")
    return Customers(clients.ids, clients.label, Columns.of(columns), np.maximum(count - 1, 0) // BAND)


def _named(prefix: str, columns: dict[str, Float64]) -> dict[str, Float64]:
    return {f"{prefix}.{name}": values.astype(np.float32) for name, values in columns.items()}


SETTINGS = BoosterSettings(rounds=400, learning_rate=0.05)
TASK = Task(
    read,
    {
        "before_inspection": Booster(SETTINGS, groups=("client", "calendar", "before")),
        "cut_history": Booster(SETTINGS, groups=("client", "before", "cut")),
        "all": Booster(SETTINGS, groups=("client", "calendar", "all", "exchange")),
    },
    ("before_inspection",),
    ValueSettings(cost=1.0, gain=10.0),
)
"""An inspection costs 1, a theft that it finds is worth 10."""
