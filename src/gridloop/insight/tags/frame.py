"""One row a customer: features rolled up, bills, attributes, and why a number is absent (docs/methods/tags.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.domain.reading import Channel
from gridloop.domain.tables import table
from gridloop.insight.tags.billing import billed_years
from gridloop.insight.tags.meters import EPOCH, MeterFeatures, current_meters
from gridloop.insight.tags.rule_check import Source, Term, TermType, Vocabulary

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

Float64 = NDArray[np.float64]
Texts = NDArray[np.object_]

CHANNELS = (Channel.IMPORT_WH, Channel.NET_WH)
"""Channels that describe use; the first that a customer has counts."""

LEAST_YEAR_DAYS = 328
"""Days of a year that must be known: 365 less the 37 that CalTRACK 2.0 lets a baseline miss."""

NO_METER = "no_meter_features"
NO_BILLS = "no_bills"
TOO_FEW_DAYS = "too_few_days"

_SUMMED = frozenset({"total_energy", "daily_mean", "heating_slope", "cooling_slope"})
_WEIGHTED = frozenset({"valley_share", "flat_share", "peak_share", "critical_share", "evening_share"})
_NEVER_RULES = frozenset({"peak_day", "peak_minute"})
_REGISTER = ("customer_class", "industry_code", "region_id", "vulnerable", "segment_source")


@dataclass(frozen=True)
class CustomerFrame:
    """Every customer at one point of knowledge.

    Attributes:
        rows: one row a customer, ordered by id: attributes, features, derived numbers, days and windows.
        reasons: for each number, the code of why it is absent by customer; None where it is present.
        profiles: float64[customers, 24], mean power by hour of the day in kW; NaN where not computable.
        as_of: the newest knowledge that anything in it rests on.
    """

    rows: pa.Table
    reasons: Mapping[str, Texts]
    profiles: Float64
    as_of: datetime

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def number(self, name: str) -> Float64:
        """A numeric column as float64[customers], NaN for absent."""
        column = self.rows[name].cast(pa.float64()).combine_chunks()
        return np.array(pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False), np.float64)


def customer_vocabulary() -> Vocabulary:
    """The columns of a frame's rows that rules may name; tags are added by who has them."""
    from gridloop.kernels.features.catalogue import FEATURES

    terms = {}
    for name in _REGISTER:
        column = table("customer").column(name)
        kind = TermType.TRUTH if column.kind.value == "bool" else TermType.TEXT
        terms[name] = Term(name, kind, values=column.values, source=Source.REGISTER)
    for spec in FEATURES:
        if not spec.vector and spec.name not in _NEVER_RULES:
            terms[spec.name] = Term(spec.name, TermType.NUMBER, spec.unit)
    terms["annual_energy_kwh"] = Term("annual_energy_kwh", TermType.NUMBER, "kWh")
    terms["relative_ramp"] = Term("relative_ramp", TermType.NUMBER, "1")
    terms["billed_energy_kwh"] = Term("billed_energy_kwh", TermType.NUMBER, "kWh", source=Source.BILLS)
    terms["annual_charge"] = Term("annual_charge", TermType.NUMBER, "currency", source=Source.BILLS)
    return Vocabulary(terms, synonyms={"class": "customer_class"})


def customer_frame(view: LakeView, *, current_days: int = 31) -> CustomerFrame:
    """Roll features of meters up to their customers and put bills and attributes beside them.

    Args:
        view: tables `feature`, `customer`, `account`, `bill`; those that are not there are empty.
        current_days: a meter whose window ended more days before the customer's newest one is no longer theirs.
    """
    meters = current_meters(view, CHANNELS, current_days)
    register = view.arrow("customer", columns=("customer_id", *_REGISTER, "available_at"))
    bills = billed_years(view, LEAST_YEAR_DAYS)
    ids = np.unique(np.array([*register["customer_id"].to_pylist(), *meters.customers], dtype=object))
    ids = ids.astype(object)
    values, reasons, profiles, spans = _rolled_up(meters, ids)
    _derive(values, reasons, spans)
    columns: dict[str, Any] = {"customer_id": pa.array(ids, pa.string())}
    columns |= _aligned(register.select(["customer_id", *_REGISTER]), ids)
    columns |= {name: pa.array(column, from_pandas=True) for name, column in values.items()}
    columns |= {
        "days_used": pa.array(spans["days_used"], from_pandas=True).cast(pa.int32()),
        "coverage": pa.array(spans["coverage"], from_pandas=True),
        "window_start": _days(spans["start"]),
        "window_end": _days(spans["end"]),
    }
    columns |= _aligned(bills, ids)
    why = np.where(columns["billed_days"].is_null().to_numpy(zero_copy_only=False), NO_BILLS, TOO_FEW_DAYS)
    for name in ("billed_energy_kwh", "annual_charge"):
        reasons[name] = _absent(columns[name].is_null().to_numpy(zero_copy_only=False), why)
    return CustomerFrame(pa.table(columns), reasons, profiles, _known_at(view, meters, register))


def _aligned(rows: pa.Table, ids: Texts) -> dict[str, pa.Array]:
    """Columns of rows with one `customer_id` each, in the order of `ids`, null where there is none."""
    place = pc.index_in(pa.array(ids, pa.string()), rows["customer_id"].combine_chunks())
    return {
        name: rows[name].combine_chunks().take(place) for name in rows.column_names if name != "customer_id"
    }


def _days(ordinals: Float64) -> pa.Array:
    """Proleptic ordinals as days; NaN is null."""
    since_1970 = pa.array(ordinals - EPOCH, pa.float64(), from_pandas=True)
    return since_1970.cast(pa.int32()).cast(pa.date32())


def _known_at(view: LakeView, meters: MeterFeatures, register: pa.Table) -> datetime:
    """The view's point of knowledge, or the newest row that was used where it has none."""
    if view.known_at is not None:
        return view.known_at
    newest = (
        pc.max(view.arrow(name, columns=("available_at",))["available_at"]) for name in ("account", "bill")
    )
    stamps = [pc.max(register["available_at"]).as_py(), meters.as_of, *(stamp.as_py() for stamp in newest)]
    known = [stamp for stamp in stamps if stamp is not None]
    return max(known) if known else datetime(1970, 1, 1, tzinfo=UTC)


def _rolled_up(
    meters: MeterFeatures, ids: Texts
) -> tuple[dict[str, Float64], dict[str, Texts], Float64, dict[str, Float64]]:
    """Features by customer (docs/methods/tags.md, one customer with several meters)."""
    owner = np.searchsorted(ids, np.array(meters.customers, dtype=object)).astype(np.int64)
    count = len(ids)
    energy = np.nan_to_num(meters.values["total_energy"]).clip(min=0)
    main = _main_meter(owner, energy, count)
    values: dict[str, Float64] = {}
    reasons: dict[str, Texts] = {}
    for name, column in meters.values.items():
        if name in _SUMMED:
            rolled = _sums(column, owner, count)
        else:
            rolled = np.full(count, np.nan)
            rolled[main >= 0] = column[main[main >= 0]]
            if name in _WEIGHTED:
                weights = np.bincount(owner, energy, count)
                sums = np.bincount(owner, np.where(energy > 0, column * energy, 0.0), count)
                np.divide(sums, weights, out=rolled, where=weights > 0)
        values[name] = rolled
        reasons[name] = _reasons(rolled, meters.reasons[name], owner, main)
    profiles = np.stack([_sums(meters.profiles[:, hour], owner, count) for hour in range(24)], axis=1)
    spans = {
        "days_used": _lowest(meters.days_used.astype(np.float64), owner, count),
        "coverage": _lowest(meters.coverage, owner, count),
        "start": _lowest(meters.start.astype(np.float64), owner, count),
        "end": -_lowest(-meters.end.astype(np.float64), owner, count),
    }
    return values, reasons, profiles, spans


def _sums(column: Float64, owner: NDArray[np.int64], count: int) -> Float64:
    """Sum by customer; NaN without a meter, or where any of their meters lacks the value."""
    sums = np.bincount(owner, column, count).astype(np.float64)
    sums[np.bincount(owner, minlength=count) == 0] = np.nan
    return sums


def _lowest(column: Float64, owner: NDArray[np.int64], count: int) -> Float64:
    lowest = np.full(count, np.inf)
    np.minimum.at(lowest, owner, column)
    lowest[np.isinf(lowest)] = np.nan
    return lowest


def _main_meter(owner: NDArray[np.int64], energy: Float64, count: int) -> NDArray[np.int64]:
    """Row of each customer's meter of greatest energy, the first by id where equal; -1 without a meter."""
    main = np.full(count, -1, np.int64)
    order = np.lexsort((-np.arange(len(owner)), energy))
    main[owner[order]] = order
    return main


def _reasons(rolled: Float64, reasons: Texts, owner: NDArray[np.int64], main: NDArray[np.int64]) -> Texts:
    """Why a rolled-up value is absent: the main meter's reason, or that of a meter that lacks it."""
    found = np.full(len(rolled), None, object)
    lacking = ~is_given(reasons)
    found[owner[lacking]] = reasons[lacking]
    own = np.full(len(rolled), None, object)
    own[main >= 0] = reasons[main[main >= 0]]
    found = np.where(is_given(own), found, own)
    found[main < 0] = NO_METER
    found[is_given(found)] = "no_data"
    found[~np.isnan(rolled)] = None
    return found


def _derive(values: dict[str, Float64], reasons: dict[str, Texts], spans: dict[str, Float64]) -> None:
    """Numbers that follow from features: kWh a year, and steps of power relative to the mean power."""
    daily = values["daily_mean"]
    enough = spans["days_used"] >= LEAST_YEAR_DAYS
    values["annual_energy_kwh"] = np.where(enough, daily * 365 / 1000, np.nan)
    short = np.where(np.isnan(daily), reasons["daily_mean"], TOO_FEW_DAYS)
    reasons["annual_energy_kwh"] = _absent(np.isnan(values["annual_energy_kwh"]), short)
    mean_kw = daily / 24 / 1000
    ramp = np.divide(values["mean_ramp"], mean_kw, out=np.full(len(daily), np.nan), where=mean_kw > 0)
    values["relative_ramp"] = ramp
    why = np.where(np.isnan(values["mean_ramp"]), reasons["mean_ramp"], "zero_energy")
    why = np.where(np.isnan(daily), reasons["daily_mean"], why)
    reasons["relative_ramp"] = _absent(np.isnan(ramp), why)


def _absent(where: NDArray[np.bool_], why: NDArray[np.object_]) -> Texts:
    """The reasons there, None elsewhere."""
    found = np.full(len(where), None, object)
    found[where] = why[where]
    return found


def is_given(reasons: Texts) -> NDArray[np.bool_]:
    """Where there is no reason of absence."""
    return np.asarray(reasons == None, bool)  # noqa: E711 - element-wise
