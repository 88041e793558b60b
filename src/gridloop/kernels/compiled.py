"""How the loops are compiled, and short names of their arrays.

The compiler may reorder sums, fuse products and ignore the sign of zero; only in loops that never meet a NaN
(`nan_free`) may it assume that there is none. Compiled code freezes the module constants it uses.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]
Int16s = NDArray[np.int16]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
UInt16s = NDArray[np.uint16]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]


def forget_stale_code(folder: Path = Path(__file__).parent) -> int:
    """Delete the indices of compiled code older than the newest source below `folder`; how many there were.

    Numba compares compiled code with the file of its outermost function only; a change in a function that it calls
    from another file would go unseen.
    """
    forgotten = 0
    with suppress(OSError):
        newest = max((path.stat().st_mtime for path in folder.rglob("*.py")), default=0.0)
        for index in folder.rglob("__pycache__/*.nbi"):
            if index.stat().st_mtime < newest:
                index.unlink(missing_ok=True)
                forgotten += 1
    return forgotten


forget_stale_code()

# Wrappers for Python are left out: they take longer to compile than the loops.
_CALLED_FROM_COMPILED_CODE: dict[str, Any] = {
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
inner = njit(**_CALLED_FROM_COMPILED_CODE)
"""For a function that only compiled code calls."""
inlined = njit(**_CALLED_FROM_COMPILED_CODE, forceinline=True)
"""The same, for what happens every day: a call that passes a dozen arrays costs as much as half a day of readings."""
nan_kept = njit(**_CALLED_FROM_COMPILED_CODE, forceinline=True, fastmath={"reassoc", "contract", "nsz"})
"""The same, vectorised; NaN keeps its meaning."""
nan_free = njit(
    **_CALLED_FROM_COMPILED_CODE, forceinline=True, fastmath={"reassoc", "contract", "nsz", "nnan"}
)
"""The same for values that are known to hold no NaN."""
