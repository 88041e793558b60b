"""Energy of each day within some hours, and whether all of it was measured."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.compiled import Bools, Float32s, Float64s
from gridloop.kernels.cube import read_only, require_cube


def energy_of_days(
    cube: NDArray[np.float32], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Sum each day of each meter over the positions that lie within some hours; exact for whole Wh.

    Positions follow the day as it was: of the hour that the clocks repeat both passes count, of the hour they skip
    nothing is expected.

    Args:
        cube: float32[meters, days, width], Wh, NaN missing.
        inside: bool[spans, days, width], the positions that belong to each set of hours; False beyond a day's end.

    Returns:
        wh float64[meters, days, spans], the sum of what is there; complete bool[meters, days, spans], True where every
        position inside has a value and there is at least one.

    Raises:
        SchemaMismatch: shapes do not fit.
    """
    require_cube(cube)
    if inside.ndim != 3 or inside.shape[1:] != cube.shape[1:]:
        raise SchemaMismatch(
            "Hours are given for each day and position of the cube.",
            evidence={"cube": cube.shape, "inside": inside.shape},
        )
    shape = (cube.shape[0], cube.shape[1], inside.shape[0])
    wh, complete = np.zeros(shape), np.zeros(shape, np.bool_)
    _sum_days(cube, read_only(inside, np.bool_), wh, complete)
    return wh, complete


@njit(nogil=True, cache=True)
def _sum_days(cube: Float32s, inside: Bools, wh: Float64s, complete: Bools) -> None:
    for m in range(cube.shape[0]):
        for d in range(cube.shape[1]):
            row = cube[m, d]
            for s in range(inside.shape[0]):
                wanted = inside[s, d]
                total, expected, present = 0.0, 0, 0
                for i in range(row.size):
                    if wanted[i]:
                        expected += 1
                        x = np.float64(row[i])
                        if x == x:
                            total += x
                            present += 1
                wh[m, d, s] = total
                complete[m, d, s] = expected > 0 and present == expected
