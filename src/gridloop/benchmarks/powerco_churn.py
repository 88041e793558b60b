"""Churn of small business customers of an energy supplier (docs/methods/churn.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.benchmarks.learned import Customers, Task, labels, numbers, read_table
from gridloop.insight.learning.booster import Booster, BoosterSettings
from gridloop.insight.learning.columns import Columns, Float64
from gridloop.insight.learning.linear import Linear, LinearSettings
from gridloop.insight.learning.metrics import ValueSettings

NAME = "powerco-churn"
FILE, PRICES = "client_clean.parquet", "price_means_2015.parquet"
PROTOCOL = (
    "Fit on train, judge once on test (or each customer by models of the other folds). Five folds by hash of the "
    "customer; calibration and the choice between models on out-of-fold predictions of train; 95 % intervals by "
    "bootstrap of customers. Only the cleaned client list and the mean prices of 2015 are read."
)
REFERENCES = {"quick_run": {"source": "untuned LightGBM", "auc": 0.711, "average_precision": 0.335}}
DATES = ("date_activ", "date_end", "date_modif_prod", "date_renewal")
NUMBERS = (
    "cons_12m", "cons_gas_12m", "cons_last_month", "forecast_cons_12m", "forecast_cons_year",
    "forecast_discount_energy", "forecast_meter_rent_12m", "forecast_price_energy_off_peak",
    "forecast_price_energy_peak", "forecast_price_pow_off_peak", "imp_cons", "margin_gross_pow_ele",
    "margin_net_pow_ele", "nb_prod_act", "net_margin", "num_years_antig", "pow_max",
)  # fmt: skip
TEXTS = ("channel_sales", "origin_up", "has_gas")
PRICE_NAMES = tuple(f"price_p{k}_{kind}" for kind in ("var", "fix") for k in (1, 2, 3))
REFERENCE_DAY = np.datetime64("2016-01-01", "D")


def read(folder: Path) -> Customers:
    """Customers of a folder; one without prices has NaN."""
    table = read_table(folder, FILE, ("id", "churn", *DATES, *NUMBERS, *TEXTS))
    prices = read_table(folder, PRICES, ("id", *PRICE_NAMES))
    raw = {name: numbers(table, name) for name in NUMBERS}
    place = {one: row for row, one in enumerate(prices["id"].to_pylist())}
    ids = table["id"].to_pylist()
    row = np.array([place.get(one, -1) for one in ids], np.int64)
    for name in PRICE_NAMES:
        known = np.append(numbers(prices, name), np.nan)
        raw[name] = known[row]
    for name in DATES:
        raw[name] = days(table, name)
    for name in TEXTS:
        raw |= one_hot(table, name)
    return Customers(tuple(ids), labels(table, "churn", FILE), Columns.of({**raw, **derived(raw)}))


def days(table: pa.Table, name: str) -> Float64:
    """float64[n], days from the date to 1 January 2016; NaN for null."""
    stamps: NDArray[np.datetime64] = table[name].cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]")
    gap = (REFERENCE_DAY - stamps).astype("timedelta64[D]")
    return np.where(np.isnat(stamps), np.nan, gap.astype(np.float64))


KNOWN = {
    "channel_sales": ("foosdfpfkusacimwkcsosbicdxkicaua", "lmkebamcaaclubfxadlmueccxoimlema",
                      "usilxuppasemubllopkaafesmlibmsdf", "ewpakwlliwisiwduibdlfmalxowmwpci", "MISSING"),
    "origin_up": ("lxidpiddsbxsbosboudacockeimpuepw", "kamkkxfxxuwbdslkwifmmcsiusiuosws",
                  "ldkssxwpmemidmecebumciepifcamkci"),
    "has_gas": ("t",),
}  # fmt: skip
"""Values that have a column of their own; the source replaced their names by codes."""


def one_hot(table: pa.Table, name: str) -> dict[str, Float64]:
    """A column of 0 and 1 for each known value."""
    texts = np.array([str(value) for value in table[name].to_pylist()], dtype=object)
    return {f"{name}_{k}": (texts == known).astype(np.float64) for k, known in enumerate(KNOWN[name])}


def derived(raw: dict[str, Float64]) -> dict[str, Float64]:
    """Ratios: how use moves, what a unit earns, how far the contract is from its end."""
    use = np.maximum(raw["cons_12m"], 1.0)
    found = {
        "last_month_of_year": 12.0 * raw["cons_last_month"] / use,
        "forecast_of_use": raw["forecast_cons_12m"] / use,
        "forecast_year_of_use": raw["forecast_cons_year"] / use,
        "margin_per_use": raw["net_margin"] / use,
        "margin_per_forecast": raw["net_margin"] / np.maximum(raw["forecast_cons_12m"], 1.0),
        "use_per_power": use / np.maximum(raw["pow_max"], 0.1),
        "forecast_per_power": raw["forecast_cons_12m"] / np.maximum(raw["pow_max"], 0.1),
        "margin_gap": raw["margin_gross_pow_ele"] - raw["margin_net_pow_ele"],
        "price_gap_var": raw["price_p1_var"] - raw["price_p2_var"],
        "price_off_forecast": raw["forecast_price_energy_off_peak"] - raw["price_p1_var"],
        "price_peak_forecast": raw["forecast_price_energy_peak"] - raw["price_p2_var"],
        "price_power_forecast": raw["forecast_price_pow_off_peak"] - raw["price_p1_fix"],
        "rent_per_power": raw["forecast_meter_rent_12m"] / np.maximum(raw["pow_max"], 0.1),
        "contract_days": raw["date_activ"] - raw["date_end"],
        "since_change_of_age": raw["date_modif_prod"] / np.maximum(raw["date_activ"], 1.0),
        "changed": (raw["date_modif_prod"] < raw["date_activ"]).astype(np.float64),
        "end_since_renewal": raw["date_renewal"] - raw["date_end"],
        "activation_day_of_year": np.mod(-raw["date_activ"], 365.25),
        "use_log": np.log1p(np.maximum(raw["cons_12m"], 0)),
    }
    return {name: np.asarray(values, np.float64) for name, values in found.items()}


TASK = Task(
    read,
    {
        "linear": Linear(LinearSettings()),
        "lightgbm": Booster(
            BoosterSettings(rounds=500, learning_rate=0.03, leaves=24, smallest_leaf=15, column_share=0.3,
                            row_share=0.8, l2=5.0, seeds=4)
        ),
    },
    ("linear", "lightgbm"),
    ValueSettings(cost=1.0, gain=8.0),
)  # fmt: skip
"""A retention offer costs 1; keeping a customer who would have left is worth 8."""
