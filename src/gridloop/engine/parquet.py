"""How rows become Parquet files: partitions, order, row groups and encodings, one place for all tables."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gridloop.domain.table import TableSpec
from gridloop.engine.durable import disk_full_is_told, sync_file, sync_folder
from gridloop.engine.schema import partition_columns

ROW_GROUP_ROWS = 131_072
CLUSTERED_ROWS = 16_384
"""Rows of a row group where rows of one thing are looked up: the least that is read."""
DELTA = "DELTA_BINARY_PACKED"


@lru_cache(maxsize=1 << 20)
def meter_order(meter_id: str) -> int:
    """The fixed 16-bit position of a meter on the hash ring; row groups are cut along it."""
    return int.from_bytes(hashlib.sha256(meter_id.encode()).digest()[4:6], "big")


def split_by_partition(spec: TableSpec, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Split rows into one table per partition of `spec`, rows kept in their order.

    Yields:
        (folder below the table's data folder such as `bucket=3/day_month=2025-01`, rows).
    """
    parts = partition_columns(spec)
    if not parts or rows.num_rows == 0:
        if rows.num_rows:
            yield "", rows
        return
    codes = np.zeros(rows.num_rows, dtype=np.int64)
    names: list[tuple[str, list[str]]] = []
    for column, transform in parts:
        values = rows.column(column)
        keys = _month_text(values) if transform == "month" else values.cast(pa.string())
        encoded = pc.dictionary_encode(keys.combine_chunks() if isinstance(keys, pa.ChunkedArray) else keys)
        texts = encoded.dictionary.to_pylist()
        codes = codes * len(texts) + encoded.indices.to_numpy(zero_copy_only=False)
        names.append((f"{column}_month" if transform == "month" else column, texts))
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    in_order = bool((order == np.arange(len(order))).all())
    sorted_rows = rows if in_order else rows.take(pa.array(order))
    for start, stop in zip(starts, np.r_[starts[1:], len(order)], strict=True):
        yield _folder(int(ordered[start]), names), sorted_rows.slice(start, stop - start)


def _month_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    months = (
        values.cast(pa.date32()).cast(pa.int32()).to_numpy().astype("datetime64[D]").astype("datetime64[M]")
    )
    unique, inverse = np.unique(months, return_inverse=True)
    texts = pa.array([str(month) for month in unique])
    return pa.DictionaryArray.from_arrays(pa.array(inverse.astype(np.int32)), texts).cast(pa.string())


def _folder(code: int, names: list[tuple[str, list[str]]]) -> str:
    parts = []
    for name, texts in reversed(names):
        code, position = divmod(code, len(texts))
        parts.append(f"{name}={texts[position]}")
    return "/".join(reversed(parts))


def write_file(folder: Path, rows: pa.Table, *, meter_ranges: int = 1, clustered: Sequence[str] = ()) -> Path:
    """Write rows as one new Parquet file in `folder`, synced to disk.

    Args:
        folder: made when missing.
        rows: conforming rows of one partition; day-vectors are put in meter order first.
        meter_ranges: row groups that a file of day-vectors is cut into.
        clustered: columns to sort other rows by; rows that are equal in them keep their order.

    Raises:
        StorageFull: no room; no file is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.parquet"
    with disk_full_is_told(folder):
        try:
            if "wh" in rows.column_names:
                _write_day_vectors(path, rows, meter_ranges)
            else:
                size = CLUSTERED_ROWS if clustered else ROW_GROUP_ROWS
                if clustered:
                    rows = rows.take(pc.sort_indices(rows, [(name, "ascending") for name in clustered]))
                pq.write_table(rows, path, compression="zstd", compression_level=1, row_group_size=size)
            sync_file(path)
            sync_folder(folder)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return path


def _write_day_vectors(path: Path, rows: pa.Table, meter_ranges: int) -> None:
    encodings = {"wh.list.element": DELTA, "day": DELTA, "available_at": DELTA}
    words = ["meter_id", "channel", "zone", "bucket", "interval_minutes", "revision", "quality.list.element"]
    sorted_rows, ranges = in_meter_order(rows, meter_ranges)
    starts = np.flatnonzero(np.r_[True, ranges[1:] != ranges[:-1]]) if len(ranges) else np.array([0])
    with pq.ParquetWriter(
        path,
        rows.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=words,
        column_encoding=encodings,
    ) as writer:
        for start, stop in zip(starts, np.r_[starts[1:], len(ranges)], strict=True):
            writer.write_table(sorted_rows.slice(start, stop - start), row_group_size=ROW_GROUP_ROWS)


def in_meter_order(rows: pa.Table, meter_ranges: int) -> tuple[pa.Table, np.ndarray]:
    """Day-vectors sorted by (channel, meter range, meter, day, available_at, revision).

    Returns:
        The rows and the meter range of each (int64).
    """
    meters = rows.column("meter_id").combine_chunks().dictionary_encode()
    if isinstance(meters, pa.ChunkedArray):
        meters = meters.combine_chunks()
    texts = meters.dictionary.to_pylist()
    rank = np.empty(len(texts), dtype=np.int64)
    ring = np.array([meter_order(text) * meter_ranges >> 16 for text in texts], dtype=np.int64)
    rank[np.array(sorted(range(len(texts)), key=lambda i: (ring[i], texts[i])), dtype=np.int64)] = np.arange(
        len(texts)
    )
    indices = meters.indices.to_numpy(zero_copy_only=False)
    channels = rows.column("channel").combine_chunks().dictionary_encode()
    channel_rank = np.argsort(np.argsort(np.array(channels.dictionary.to_pylist())))
    keys = (
        rows.column("revision").to_numpy(),
        rows.column("available_at").cast(pa.int64()).to_numpy(),
        rows.column("day").cast(pa.int32()).to_numpy(),
        rank[indices],
        channel_rank[channels.indices.to_numpy(zero_copy_only=False)],
    )
    order = np.lexsort(keys)
    ranges = ring[indices]
    if (order == np.arange(len(order))).all():
        return rows, ranges
    return rows.take(pa.array(order)), ranges[order]
