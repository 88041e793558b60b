# mypy: disallow-untyped-decorators=False
# ruff: noqa: PLR0913
"""Compiled loop of what people change: energy leaves the dear hours of a day, part of it returns in the cheap ones."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gridloop.twin.loads import Floats, Ints32, Keys, draw

_SLOTS = 96
_DEAR, _CHEAP = 1, 2
_EVENNESS = 0.35
_DAY = np.uint64(0x94D049BB133111EB)


@njit(nogil=True, cache=True)
def zeal(key: np.uint64, today: int) -> float:
    """How much of their usual change people make on a day: mean 1, standard deviation 0.35, never below 0."""
    total = 0.0
    mixed = key ^ (np.uint64(today) * _DAY)
    for part in range(4):
        total += draw(mixed, part)
    return max(0.0, 1.0 + _EVENNESS * 1.7320508075688772 * (total - 2.0))


@njit(nogil=True, cache=True)
def _shift_day(net: Ints32, appeal: NDArray[np.int8], share: float, moved: float) -> None:
    """Take `share` of every dear quarter's import, and put `moved` of the sum evenly into the cheap quarters."""
    taken, cheap = 0, 0
    for slot in range(_SLOTS):
        if appeal[slot] == _DEAR and net[slot] > 0:
            less = min(int(np.floor(net[slot] * share + 0.5)), int(net[slot]))
            net[slot] -= less
            taken += less
        elif appeal[slot] == _CHEAP:
            cheap += 1
    if taken <= 0 or cheap == 0:
        return
    returned = int(np.floor(taken * moved + 0.5))
    each, rest = returned // cheap, returned % cheap
    for slot in range(_SLOTS):
        if appeal[slot] == _CHEAP:
            net[slot] += each
            if rest > 0:
                net[slot] += 1
                rest -= 1


@njit(nogil=True, cache=True)
def shift_loads(
    net: Ints32, row: NDArray[np.int64], span: NDArray[np.int64], shares: Floats, keys: Keys,
    offer: NDArray[np.int64], appeal: NDArray[np.int8], ordinals: Ints32,
) -> None:  # fmt: skip
    """Change net loads in place, whole Wh by whole Wh.

    Args:
        net: int32 [n, days, 96] Wh per quarter of an hour, import positive.
        row: int64 [spans] which of the n. span: int64 [spans, 2] ordinals [since, until).
        shares: float64 [spans, 2] share of the dear hours' import that is avoided (negative: added), and share of
            what is avoided that returns in the cheap hours of the same day.
        keys: uint64 [spans] random key of each premise's zeal. offer: int64 [spans] row of `appeal`.
        appeal: int8 [offers, days, 96], DEAR, CHEAP or other. ordinals: int32 [days].
    """
    for place in range(row.shape[0]):
        for day in range(net.shape[1]):
            today = ordinals[day]
            if span[place, 0] <= today < span[place, 1]:
                share = shares[place, 0] * zeal(keys[place], today)
                _shift_day(net[row[place], day], appeal[offer[place], day], share, shares[place, 1])
