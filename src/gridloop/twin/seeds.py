"""Random numbers by counter: every draw is a function of (seed, purpose, indices) and of nothing else.

SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators") serves as the
hash. No generator state is
carried along, so a value does not depend on chunking, on order, or on how many other customers there are.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser, elementwise; a bijection of 64-bit integers."""
    z = np.atleast_1d(values) + _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _M1
    z = (z ^ (z >> np.uint64(27))) * _M2
    result: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return result


class Stream:
    """The draws of one purpose.

    Args:
        seed: the county's seed.
        purpose: what is drawn; two purposes never share draws.
    """

    __slots__ = ("_root",)

    def __init__(self, seed: int, purpose: str) -> None:
        digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
        self._root = np.frombuffer(digest[:8], dtype="<u8").astype(np.uint64)

    def bits(self, *indices: ArrayLike) -> NDArray[np.uint64]:
        """64 random bits for every combination of broadcast integer `indices`."""
        state = self._root
        for index in indices:
            state = mixed(state ^ mixed(np.atleast_1d(np.asarray(index)).astype(np.int64).view(np.uint64)))
        return state

    def uniform(self, *indices: ArrayLike) -> NDArray[np.float64]:
        """Uniform in [0, 1), 53 bits."""
        return (self.bits(*indices) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, *indices: ArrayLike) -> NDArray[np.float64]:
        """Standard normal by Box and Muller (1958)."""
        bits = self.bits(*indices)
        radius = ((bits >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53
        angle = (mixed(bits) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        result: NDArray[np.float64] = np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * angle)
        return result

    def lognormal(self, median: ArrayLike, sigma: float, *indices: ArrayLike) -> NDArray[np.float64]:
        """Lognormal with that median and log standard deviation."""
        result: NDArray[np.float64] = np.asarray(median) * np.exp(sigma * self.normal(*indices))
        return result

    def choice(self, shares: ArrayLike, *indices: ArrayLike) -> NDArray[np.int64]:
        """An index into `shares` (any positive weights), drawn in proportion."""
        edges = np.cumsum(np.asarray(shares, dtype=np.float64))
        drawn = np.searchsorted(edges / edges[-1], self.uniform(*indices), side="right")
        return np.minimum(drawn, len(edges) - 1).astype(np.int64)
