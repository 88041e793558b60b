"""Shares of a count, and how sure they are."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson_interval(part: int, whole: int, confidence: float = 0.95) -> tuple[float, float]:
    """Ends of the score interval of the share `part / whole`, within [0, 1]; all of it where `whole` is none.

        (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    if whole == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, scale = part / whole, 1 + z * z / whole
    centre = (share + z * z / (2 * whole)) / scale
    half = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole)) / scale
    low = max(0.0, centre - half) if part else 0.0
    return low, min(1.0, centre + half) if part < whole else 1.0
