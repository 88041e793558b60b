"""The newest features of the meters that customers have now, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from gridloop.engine.view import LakeView

PROFILE = "mean_profile"
KEYS = ["customer_id", "meter_id", "channel", "window_end"]
EPOCH = 719_163
"""Proleptic ordinal of 1970-01-01."""

_BATCH = 500_000  # feature rows held at once


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

    Feature rows are read in batches, so that memory holds numbers by meter and never the rows themselves.

    Args:
        view: table `feature`; rows known after the view's point of knowledge are left out.
        channels: in order of preference.
        current_days: how many days a window may end before the customer's newest one.
    """
    import ibis

    rows = _feature_rows(view, channels)
    windows = rows.group_by(KEYS).aggregate(
        window_start=rows.window_start.min(),
        days_used=rows.days_used.max(),
        coverage=rows.coverage.max(),
        as_of=rows.as_of.max(),
    )
    kept = _current(windows.to_pyarrow(), channels, current_days)
    place = pa.array(np.arange(kept.num_rows, dtype=np.int32))
    placed = rows.inner_join(ibis.memtable(kept.select(KEYS).append_column("place", place)), KEYS)
    values, reasons = _numbers(placed, kept.num_rows)
    return MeterFeatures(
        customers=kept["customer_id"].to_pylist(),
        values=values,
        reasons=reasons,
        profiles=_profiles(placed, kept.num_rows),
        days_used=kept["days_used"].to_numpy().astype(np.int64),
        coverage=kept["coverage"].to_numpy(),
        start=kept["window_start"].cast(pa.int32()).to_numpy().astype(np.int64) + EPOCH,
        end=kept["window_end"].cast(pa.int32()).to_numpy().astype(np.int64) + EPOCH,
        as_of=pc.max(kept["as_of"]).as_py(),
    )


def _feature_rows(view: LakeView, channels: Sequence[str]) -> ir.Table:
    features = view.table("feature")
    features = features.filter(features.channel.isin([str(channel) for channel in channels]))
    if view.known_at is not None:
        import ibis

        limit = ibis.timestamp(view.known_at.isoformat(), timezone="UTC")
        features = features.filter(features.as_of <= limit)
    return features


def _current(meters: pa.Table, channels: Sequence[str], current_days: int) -> pa.Table:
    """One window a meter and one channel a customer, ordered by customer and meter."""
    columns = meters.column_names
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
    return meters.select(columns)


def _numbers(
    placed: ir.Table, count: int
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.object_]]]:
    """Values and reasons of every feature that is a number, by meter."""
    from gridloop.kernels.features.catalogue import FEATURES

    names = [spec.name for spec in FEATURES if not spec.vector]
    values = np.full((len(names), count), np.nan)
    codes = np.ones((len(names), count), np.int16)
    known: list[str | None] = [None, "not_extracted"]
    wanted = placed.filter(placed.feature.isin(names)).select("place", "feature", "value", "reason")
    for batch in wanted.to_pyarrow_batches(chunk_size=_BATCH):
        place = batch["place"].to_numpy()
        row, _ = _coded(batch["feature"], names)
        code, known = _coded(batch["reason"], known)
        values[row, place] = batch["value"].to_numpy(zero_copy_only=False)
        codes[row, place] = code
    texts = np.array(known, dtype=object)
    return (
        {name: values[row] for row, name in enumerate(names)},
        {name: texts[codes[row]] for row, name in enumerate(names)},
    )


def _coded(texts: pa.Array, known: Sequence[str | None]) -> tuple[NDArray[np.int64], list[str | None]]:
    """Each text as its place among the known ones, and these with the new ones added; null is one of them."""
    encoded = texts.dictionary_encode()
    found: list[str | None] = encoded.dictionary.to_pylist()
    longer = [*known, *(text for text in found if text not in known)]
    places = np.array([longer.index(text) for text in found], np.int64)
    absent = longer.index(None) if None in longer else -1
    chosen = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.where(chosen < 0, absent, places[chosen] if len(places) else absent), longer


def _profiles(placed: ir.Table, count: int) -> NDArray[np.float64]:
    """Mean power by hour: the mean of the slots of the hour, whatever the interval length."""
    profiles = np.full((count, 24), np.nan)
    for batch in _profile_batches(placed):
        length = pc.list_value_length(batch["vector"])
        for slots in pc.unique(length).to_pylist():
            if slots and slots % 24 == 0:
                same = batch.filter(pc.equal(length, slots))
                vectors = pc.list_flatten(same["vector"]).to_numpy(zero_copy_only=False)
                profiles[same["place"].to_numpy()] = vectors.reshape(-1, 24, slots // 24).mean(axis=2)
    return profiles


def _profile_batches(placed: ir.Table) -> Iterator[pa.RecordBatch]:
    described = placed.filter(placed.feature == PROFILE, placed.vector.notnull()).select("place", "vector")
    yield from described.to_pyarrow_batches(chunk_size=_BATCH // 10)
