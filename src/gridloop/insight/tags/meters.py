"""The newest features of the meters that customers have now, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

PROFILE = "mean_profile"
KEYS = ["customer_id", "meter_id", "channel", "window_end"]
_EPOCH = 719_163  # ordinal of 1970-01-01


@dataclass(frozen=True)
class MeterFeatures:
    """Features by meter; rows ordered by customer and meter.

    Attributes:
        customers: customer of each row.
        values: float64[meters] by feature; NaN where not computable.
        reasons: object[meters] by feature; code of why it is not, None where it is.
        profiles: float64[meters, 24], mean power by hour in kW; NaN where not computable.
        days_used, coverage: usable days and share of intervals of each meter's window.
        start, end: proleptic ordinals of the first and last day of each window.
        as_of: newest knowledge of any row used; None without rows.
    """

    customers: list[str]
    values: Mapping[str, NDArray[np.float64]]
    reasons: Mapping[str, NDArray[np.object_]]
    profiles: NDArray[np.float64]
    days_used: NDArray[np.int64]
    coverage: NDArray[np.float64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    as_of: datetime | None


def current_meters(view: LakeView, channels: Sequence[str], current_days: int) -> MeterFeatures:
    """The newest window of every meter that is still its customer's, of one channel per customer.

    Args:
        view: table `feature`; rows known after the view's point of knowledge are left out.
        channels: in order of preference.
        current_days: how many days a window may end before the customer's newest one.
    """
    rows = _feature_rows(view, channels)
    kept = _current(rows.group_by(KEYS).aggregate([]), channels, current_days)
    kept = kept.append_column("place", pa.array(np.arange(kept.num_rows)))
    keys = rows.select(KEYS).append_column("row", pa.array(np.arange(rows.num_rows)))
    found = keys.join(kept, KEYS, join_type="inner")  # rows themselves hold lists, which Arrow cannot join
    return _arrays(rows.take(found["row"]).append_column("place", found["place"]), kept)


def _feature_rows(view: LakeView, channels: Sequence[str]) -> pa.Table:
    features = view.table("feature")
    features = features.filter(features.channel.isin([str(channel) for channel in channels]))
    features = features.filter(features.feature != "shape")  # the same as the profile, divided by its sum
    if view.known_at is not None:
        import ibis

        limit = ibis.timestamp(view.known_at.isoformat(), timezone="UTC")
        features = features.filter(features.as_of <= limit)
    return features.to_pyarrow()


def _current(meters: pa.Table, channels: Sequence[str], current_days: int) -> pa.Table:
    """One window a meter and one channel a customer, ordered by customer and meter."""
    rank = pc.index_in(meters["channel"], pa.array([str(channel) for channel in channels]))
    meters = meters.append_column("rank", rank)
    best = meters.group_by("customer_id").aggregate([("rank", "min")])
    meters = meters.join(best, "customer_id")
    meters = meters.filter(pc.equal(meters["rank"], meters["rank_min"]))
    newest = meters.group_by(["customer_id", "meter_id"]).aggregate([("window_end", "max")])
    meters = meters.join(newest, ["customer_id", "meter_id"])
    meters = meters.filter(pc.equal(meters["window_end"], meters["window_end_max"]))
    latest = meters.group_by("customer_id").aggregate([("window_end", "max")])
    latest = latest.rename_columns(["customer_id", "latest"])
    meters = meters.join(latest, "customer_id")
    behind = pc.subtract(meters["latest"].cast(pa.int32()), meters["window_end"].cast(pa.int32()))
    meters = meters.filter(pc.less_equal(behind, current_days))
    meters = meters.sort_by([("customer_id", "ascending"), ("meter_id", "ascending")])
    return meters.select(KEYS)


def _arrays(rows: pa.Table, kept: pa.Table) -> MeterFeatures:
    from gridloop.kernels.features.catalogue import FEATURES

    count = kept.num_rows
    place = rows["place"].to_numpy()
    values, reasons = {}, {}
    feature = rows["feature"].combine_chunks().dictionary_encode()
    codes = feature.indices.to_numpy(zero_copy_only=False)
    number = rows["value"].to_numpy()
    reason = np.array(rows["reason"].to_pylist(), dtype=object)
    code_of = {name: code for code, name in enumerate(feature.dictionary.to_pylist())}
    for spec in FEATURES:
        if spec.vector:
            continue
        here = codes == code_of.get(spec.name, -1)
        values[spec.name] = np.full(count, np.nan)
        values[spec.name][place[here]] = number[here]
        reasons[spec.name] = np.full(count, "not_extracted", object)
        reasons[spec.name][place[here]] = reason[here]
    span = np.zeros((4, count))
    span[0, place] = rows["days_used"].to_numpy()
    span[1, place] = rows["coverage"].to_numpy()
    span[2, place] = rows["window_start"].cast(pa.int32()).to_numpy() + _EPOCH
    span[3, place] = rows["window_end"].cast(pa.int32()).to_numpy() + _EPOCH
    days, start, end = (span[row].astype(np.int64) for row in (0, 2, 3))
    profiles = _profiles(rows.filter(pc.equal(rows["feature"], PROFILE)), count)
    as_of = pc.max(rows["as_of"]).as_py() if count else None
    customers = kept["customer_id"].to_pylist()
    return MeterFeatures(customers, values, reasons, profiles, days, span[1], start, end, as_of)


def _profiles(rows: pa.Table, count: int) -> NDArray[np.float64]:
    """Mean power by hour: the mean of the slots of the hour, whatever the interval length."""
    profiles = np.full((count, 24), np.nan)
    for place, vector in zip(rows["place"].to_pylist(), rows["vector"].to_pylist(), strict=True):
        if vector is not None and len(vector) % 24 == 0:
            profiles[place] = np.asarray(vector).reshape(24, -1).mean(axis=1)
    return profiles
