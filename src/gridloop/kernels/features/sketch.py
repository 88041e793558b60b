"""A histogram that merges by adding and answers any quantile within 0.8 %.

Bins are log-linear: 64 of equal width between two powers of two, read straight from the bits of a float32, so that
finding the bin of a value costs no logarithm. Whole Wh below 128 have a bin of their own and come back exactly. Values
between −1 and 1 Wh share the bin of zero; negative values mirror the positive ones. After Masson, Rim and Lee 2019
(DDSketch).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.kernels.compiled import Float64s, Int16s, Int32s, Int64s, UInt16s, inlined, inner

MANTISSA_SHIFT = 17
"""Bits of a float32 mantissa that a bin ignores: 23 − 6."""
FIRST_CODE = (127 << 6) - 1
"""Code of the last bin below 1 Wh, so that 1 Wh has magnitude 1."""
ZERO = 2048
"""Index of the bin of zero."""
BINS = 2 * ZERO + 1
"""Bins of the dense histogram, from −2³² to 2³² Wh."""
BLOCK_SHIFT = 6
BLOCK = 1 << BLOCK_SHIFT
"""Bins looked at together, because most are empty."""
DENSE = BINS + (BINS + BLOCK - 1) // BLOCK
"""Length of a dense histogram: its bins, then one mark for each block that holds any."""
LARGEST_COUNT = 65535
"""Most that one entry of a stored histogram holds."""


@inlined
def bin_of(bits: int) -> int:
    """Bin of a value from the bits of its float32."""
    magnitude = max(((bits & 0x7FFFFFFF) >> MANTISSA_SHIFT) - FIRST_CODE, 0)
    magnitude = min(magnitude, ZERO)
    return ZERO + (magnitude if bits >= 0 else -magnitude)


@inner
def value_of(index: int) -> float:
    """Value that stands for a bin, Wh: the middle of the whole numbers in it."""
    magnitude = abs(index - ZERO)
    if magnitude == 0:
        return 0.0
    octave, step = divmod(magnitude - 1, 64)
    width = 2.0 ** (octave - 6)
    value = 2.0**octave + step * width + max(width - 1.0, 0.0) / 2.0
    return value if index > ZERO else -value


@inlined
def count_value(dense: Int32s, bits: int) -> None:
    """Count a value, given by the bits of its float32, in a dense histogram."""
    index = bin_of(bits)
    dense[index] += 1
    dense[BINS + (index >> BLOCK_SHIFT)] = 1


@inner
def write_bins(dense: Int32s, bins: Int16s, counts: UInt16s, at: int) -> int:
    """Move a dense histogram to the end of a stored one; return its new end.

    The dense histogram is zero afterwards, ready for the next meter. The stored one has room for one entry more.
    """
    for number in range(DENSE - BINS):
        if dense[BINS + number] == 0:
            continue
        dense[BINS + number] = 0
        first = number << BLOCK_SHIFT
        # A slice, because the compiler keeps a loop scalar whose index might be negative.
        block = dense[first : min(first + BLOCK, BINS)]
        for i in range(block.size):
            left = block[i]
            while left > LARGEST_COUNT:
                bins[at], counts[at] = first + i, LARGEST_COUNT
                left -= LARGEST_COUNT
                at += 1
            # Write every bin and step on only past filled ones: no branch that could be guessed wrong.
            bins[at], counts[at] = first + i, left
            at += left > 0
            block[i] = 0
    return at


@inner
def quantile(bins: Int16s, counts: UInt16s, start: int, stop: int, share: float) -> tuple[float, int]:
    """Nearest-rank quantile of one meter's stored histogram (value, number of values); NaN and 0 when it is empty."""
    total = 0
    for at in range(start, stop):
        total += counts[at]
    if total == 0:
        return np.nan, 0
    rank = max(1, int(np.ceil(share * total - 1e-9)))
    below = 0
    for at in range(start, stop):
        below += counts[at]
        if below >= rank:
            return value_of(bins[at]), total
    return np.nan, total


@njit(nogil=True, cache=True)
def _quantiles(
    bins: Int16s, counts: UInt16s, offsets: Int64s, share: float, values: Float64s, sizes: Int64s
) -> None:
    for meter in range(values.size):
        values[meter], sizes[meter] = quantile(bins, counts, offsets[meter], offsets[meter + 1], share)


def quantiles(
    bins: NDArray[np.int16], counts: NDArray[np.uint16], offsets: NDArray[np.int64], share: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Nearest-rank quantile (Wh, NaN without a value) and number of values of each meter's stored histogram."""
    values, sizes = np.empty(offsets.size - 1), np.empty(offsets.size - 1, dtype=np.int64)
    _quantiles(bins, counts, offsets, float(share), values, sizes)
    return values, sizes
