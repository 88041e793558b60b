"""Day-vectors as one dense cube of meters × days × intervals: what every other kernel works on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import DTypeLike, NDArray

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.compiled import Bools, Float32s, Int32s

ALL_VALID = np.empty(0, dtype=np.bool_)
"""Stands for a validity mask without a gap; the copy then needs no test per value."""


@njit(nogil=True, cache=True)
def _scatter(
    values: Int32s, valid: Bools, offsets: Int32s, row_meter: Int32s, row_day: Int32s, cube: Float32s
) -> int:
    """Copy each row into its meter and day; return the first row that does not fit, or -1."""
    meters, days, width = cube.shape
    gaps = valid.size > 0
    missing = np.float32(np.nan)
    for row in range(row_meter.size):
        meter, day, start = int(row_meter[row]), int(row_day[row]), int(offsets[row])
        count = int(offsets[row + 1]) - start
        if meter < 0 or meter >= meters or day < 0 or day >= days or count < 0 or count > width:
            return row
        # Slices, because an index that is a sum might be negative, and the compiler then keeps the loop scalar.
        source, target = values[start : start + count], cube[meter, day]
        if gaps:
            present = valid[start : start + count]
            for i in range(count):
                target[i] = np.float32(source[i]) if present[i] else missing
        else:
            for i in range(count):
                target[i] = source[i]
        for i in range(count, width):
            target[i] = missing
    return -1


def scatter_day_vectors(
    values: NDArray[np.int32],
    valid: NDArray[np.bool_],
    offsets: NDArray[np.int32],
    row_meter: NDArray[np.int32],
    row_day: NDArray[np.int32],
    cube: NDArray[np.float32],
) -> None:
    """Fill `cube` from day-vectors; a later row of the same meter and day replaces the earlier one whole.

    Args:
        values: int32[n], Wh per interval, all rows one after the other.
        valid: bool[n], False where the value is missing; an empty array says that none is.
        offsets: int32[rows + 1], where each row starts in `values`, as in an Arrow list column.
        row_meter: int32[rows], index of the row's meter in the cube.
        row_day: int32[rows], index of the row's day in the cube.
        cube: float32[meters, days, width], Wh, NaN for missing; set to NaN by the caller (`empty_cube`),
            filled in place.

    Raises:
        SchemaMismatch: a row lies outside the cube, or the arrays do not belong together.
    """
    ends_inside = offsets.size == row_meter.size + 1 and (
        offsets.size == 0 or int(offsets[-1]) <= values.size
    )
    starts_inside = offsets.size == 0 or int(offsets[0]) >= 0
    same_rows = row_day.size == row_meter.size and valid.size in (0, values.size)
    if not (ends_inside and starts_inside and same_rows):
        sizes = {"values": values.size, "valid": valid.size, "offsets": offsets.size}
        raise SchemaMismatch(
            "The arrays of these day-vectors do not belong together.",
            evidence={**sizes, "row_meter": row_meter.size, "row_day": row_day.size},
            ways_out=("Pass one offset more than rows, and a validity per value or none at all.",),
        )
    require_cube(cube)
    bad = _scatter(
        read_only(values, np.int32),
        read_only(valid, np.bool_),
        read_only(offsets, np.int32),
        read_only(row_meter, np.int32),
        read_only(row_day, np.int32),
        cube,
    )
    if bad >= 0:
        raise SchemaMismatch(
            f"Day-vector {bad} does not fit the cube.",
            evidence={
                "meter_index": int(row_meter[bad]),
                "day_index": int(row_day[bad]),
                "values": int(offsets[bad + 1]) - int(offsets[bad]),
                "cube_shape": cube.shape,
            },
            ways_out=("Make the cube as wide as 25 hours of intervals and as long as the days of the rows.",),
        )


def require_cube(cube: NDArray[np.float32]) -> None:
    """Refuse anything but a contiguous float32[meters, days, width], for which alone the loops are compiled.

    Raises:
        SchemaMismatch: another type, layout or number of dimensions.
    """
    if cube.ndim == 3 and cube.dtype == np.float32 and cube.flags.c_contiguous:
        return
    raise SchemaMismatch(
        "A cube of readings is a contiguous float32 array of meters × days × intervals.",
        evidence={"type": cube.dtype, "shape": cube.shape, "contiguous": cube.flags.c_contiguous},
        ways_out=("Make it with empty_cube(meters, days, width).",),
    )


def read_only(array: NDArray[Any], kind: DTypeLike) -> NDArray[Any]:
    """A contiguous view that may not be written: Arrow's buffers are so, and one kind of array is compiled once."""
    view = np.ascontiguousarray(array, dtype=kind).view()
    view.flags.writeable = False
    return view


def empty_cube(meters: int, days: int, width: int) -> NDArray[np.float32]:
    """A cube float32[meters, days, width] in which everything is still missing (NaN)."""
    return np.full((meters, days, width), np.nan, dtype=np.float32)


def unpack_validity(bitmap: NDArray[np.uint8], offset: int, count: int) -> NDArray[np.bool_]:
    """bool[count] from a validity bitmap as Arrow keeps it: bit `offset` + i, lowest bit first, 1 for valid."""
    first = offset // 8
    bits = np.unpackbits(bitmap[first : (offset + count + 7) // 8], bitorder="little")
    return bits[offset - 8 * first :][:count].view(np.bool_)


def cube_values(wh: NDArray[np.int32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Whole Wh with a validity mask of the same shape (or empty: all valid) as float32 with NaN for missing."""
    values = wh.astype(np.float32)
    if valid.size:
        values[~valid] = np.nan
    return values
