"""Rows of a table meet what the lake already holds: equal rows are superseded, changed ones appended as revisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.parse import plain
from gridloop.domain.table import TableSpec

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be appended.

    Attributes:
        rows: news and revisions, with their knowledge time.
        appended: bool[n], which of the new rows they are.
        conflicting: bool[n], new rows replaced by a later row of the same key and knowledge time.
    """

    rows: pa.Table
    appended: NDArray[np.bool_]
    conflicting: NDArray[np.bool_]


def merge(spec: TableSpec, rows: pa.Table, view: LakeView, received_us: int, *, ordered: bool) -> Merged:
    """Compare new rows, in the order they were delivered, with every version the lake holds.

    Rules: a row equal to the version known at its time is superseded. Of new rows with one key and knowledge time the
    last delivered one stays. One that contradicts a version already in the lake is known from `received_us` on.

    Args:
        spec: a table whose key ends in `available_at`.
        rows: with its columns.
        view: the lake before these rows.
        received_us: when the import received them.
        ordered: whether the rows' knowledge times come from the source and order versions by themselves; if not, a
            row is compared with the latest version.
    """
    stored = view.arrow(spec.name, history=True) if view.exists(spec.name) else rows.slice(0, 0)
    both = pa.concat_tables([stored.select(rows.column_names), rows], promote_options="permissive")
    old = stored.num_rows
    key = _codes(both, [name for name in spec.key if name != "available_at"])
    content = _codes(both, [c.name for c in spec.columns if c.name != "available_at" and not c.volatile])
    known = np.asarray(plain(both.column("available_at")).cast(pa.int64())).copy()
    if not ordered:
        _as_late_as_stored(key, known, old)
    alive, conflicting = _settle_ties(key, content, known, old, received_us)
    _drop_repeats(key, content, known, alive, old)
    appended = alive[old:]
    fresh = rows.filter(pa.array(appended))
    times = pa.array(known[old:][appended], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    fresh = fresh.set_column(fresh.column_names.index("available_at"), "available_at", times)
    return Merged(fresh, appended, conflicting[old:])


def _codes(table: pa.Table, names: list[str]) -> NDArray[np.int64]:
    """int64[n], equal exactly where the named columns are equal."""
    codes = np.zeros(table.num_rows, np.int64)
    for name in names:
        encoded = plain(table.column(name)).dictionary_encode(null_encoding="encode")
        codes = codes * (len(encoded.dictionary) + 1) + np.asarray(encoded.indices)
        _, codes = np.unique(codes, return_inverse=True)
    return codes.astype(np.int64)


def _as_late_as_stored(key: NDArray[np.int64], known: NDArray[np.int64], old: int) -> None:
    """Move new rows to the knowledge time of the latest stored version of their key."""
    latest = np.full(int(key.max(initial=-1)) + 1, np.iinfo(np.int64).min, np.int64)
    np.maximum.at(latest, key[:old], known[:old])
    known[old:] = np.maximum(known[old:], latest[key[old:]])


def _settle_ties(
    key: NDArray[np.int64], content: NDArray[np.int64], known: NDArray[np.int64], old: int, received_us: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of new rows with one key and knowledge time keep the last; move it past a stored one that differs.

    Returns:
        bool[n] rows that stay, and bool[n] new rows that a later one contradicted.
    """
    alive, conflicting = np.ones(len(key), np.bool_), np.zeros(len(key), np.bool_)
    order = np.lexsort((np.arange(len(key)), known, key))
    before, after = order[:-1], order[1:]
    tied = (key[before] == key[after]) & (known[before] == known[after])
    replaced = tied & (before >= old)
    alive[before[replaced]] = False
    conflicting[before[replaced]] = content[before[replaced]] != content[after[replaced]]
    starts = np.flatnonzero(np.r_[True, ~tied]) if len(order) else np.zeros(0, np.int64)
    ends = np.r_[starts[1:], len(order)] - 1
    stored, last = order[starts], order[ends]
    moved = last[(stored < old) & (last >= old) & (content[stored] != content[last])]
    known[moved] = np.maximum(received_us, known[moved] + 1)
    return alive, conflicting


def _drop_repeats(
    key: NDArray[np.int64],
    content: NDArray[np.int64],
    known: NDArray[np.int64],
    alive: NDArray[np.bool_],
    old: int,
) -> None:
    """Supersede new rows that say what the version before them says."""
    living = np.flatnonzero(alive)
    order = living[np.lexsort((living, known[living], key[living]))]
    before, after = order[:-1], order[1:]
    repeats = (key[before] == key[after]) & (content[before] == content[after]) & (after >= old)
    alive[after[repeats]] = False
