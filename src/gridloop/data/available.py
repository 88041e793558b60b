"""When rows became known, from a column or by the recipe's rule (docs/conventions.md §1)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.parse import carries_zone, parse_column, to_instants
from gridloop.data.recipe import Available, ColumnType, Recipe, SourceFile
from gridloop.kernels.civil_time import FoldRule, local_to_utc, zone_transitions

_DAY_US = 86_400_000_000


def day_starts_us(days: NDArray[np.int32], zone: str) -> NDArray[np.int64]:
    """int64[n], the instant at which each local civil day starts; days are counted from 1970-01-01."""
    if len(days) == 0:
        return np.zeros(0, np.int64)
    unique, inverse = np.unique(days, return_inverse=True)
    midnight = unique.astype(np.int64) * _DAY_US
    transitions, offsets = zone_transitions(zone, int(midnight.min()), int(midnight.max()))
    starts, _ = local_to_utc(midnight, transitions, offsets, FoldRule.FIRST)
    return starts[inverse]


def end_of_day_us(days: NDArray[np.int32], zone: str, available: Available) -> NDArray[np.int64]:
    """int64[n], end of each local civil day plus the rule's delay."""
    return day_starts_us(days + 1, zone) + _plus(available)


def known_from_table(
    available: Available, table: pa.Table, recipe: Recipe, file: SourceFile
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Knowledge time of each row by the rule `at` or `column`.

    Returns:
        int64[n] microseconds UTC and bool[n], False where the column has no readable value.
    """
    rows = table.num_rows
    if available.rule == "at":
        assert available.at is not None
        return np.full(rows, round(available.at.timestamp() * 1e6), np.int64), np.ones(rows, np.bool_)
    assert available.column is not None
    declared = file.columns[available.column]
    column = table.column(available.column)
    parsed = parse_column(column, declared)
    if declared.type is ColumnType.DATE:
        present = np.asarray(parsed.values.is_valid())
        days = np.asarray(parsed.values.cast(pa.int32()).fill_null(0))
        return day_starts_us(days, recipe.zone.name) + _plus(available), present
    stamps = declared.stamps or file.stamps or recipe.stamps
    instants = to_instants(
        parsed, zone=recipe.zone.name, stamps=stamps, has_zone=carries_zone(column, stamps)
    )
    return instants.us + _plus(available), instants.present & ~instants.nonexistent


def _plus(available: Available) -> int:
    return round(available.plus.total_seconds() * 1e6)
