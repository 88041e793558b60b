"""How the loops are compiled, and short names of their arrays.

The compiler may reorder sums, fuse products and ignore the sign of zero; only in loops that never meet a NaN
(`nan_free`) may it assume that there is none. Compiled code freezes the module constants it uses when it is first
compiled, and its cache looks at its own file only: numbers that may change are passed as arguments.
"""

from __future__ import annotations

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

# Wrappers for Python are left out: they take longer to compile than the loops.
_CALLED_FROM_COMPILED_CODE: dict[str, Any] = {
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
inner = njit(**_CALLED_FROM_COMPILED_CODE)
"""For a function that only compiled code calls."""
nan_kept = njit(**_CALLED_FROM_COMPILED_CODE, fastmath={"reassoc", "contract", "nsz"})
"""The same, vectorised; NaN keeps its meaning."""
nan_free = njit(**_CALLED_FROM_COMPILED_CODE, fastmath={"reassoc", "contract", "nsz", "nnan"})
"""The same for values that are known to hold no NaN."""
