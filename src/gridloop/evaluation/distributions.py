"""Student's t, Fisher's exact test and Holm's adjustment without a statistics library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

_SMALLEST = 1e-300
_EPSILON = 1e-15


def student_t_cdf(value: float, df: float) -> float:
    """P(T ≤ value) for Student's t with `df` > 0 degrees of freedom, to about 12 digits.

    Formula: 1 − I_x(df/2, 1/2) / 2 with x = df / (df + value²) for value ≥ 0 (Abramowitz and Stegun 26.5.27).
    """
    square = value * value
    if square < df:  # near the middle the tail is no small number, and 1 − x would lose its digits
        central = 0.5 * _incomplete_beta(square / (df + square), 0.5, df / 2.0)
        return 0.5 + math.copysign(central, value)
    tail = 0.5 * _incomplete_beta(df / (df + square), df / 2.0, 0.5)
    return 1.0 - tail if value >= 0 else tail


@lru_cache(maxsize=4096)
def student_t_quantile(probability: float, df: float) -> float:
    """The value that Student's t with `df` > 0 stays below with the given probability, 0 < probability < 1."""
    if probability < 0.5:
        return -student_t_quantile(1.0 - probability, df)
    low, high = 0.0, 2.0
    while student_t_cdf(high, df) < probability:
        low, high = high, high * 2.0
    value = min(max(NormalDist().inv_cdf(probability), low), high)
    for _ in range(200):
        excess = student_t_cdf(value, df) - probability
        if excess == 0:
            return value
        low, high = (low, value) if excess > 0 else (value, high)
        # Newton's step where it stays between the bounds, half-way otherwise.
        step = value - excess / _density(value, df)
        following = step if low < step < high else 0.5 * (low + high)
        if abs(following - value) <= 1e-13 * max(1.0, value):
            return following
        value = following
    return value


def _density(value: float, df: float) -> float:
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
    return math.exp(log_scale - (df + 1) / 2 * math.log1p(value * value / df))


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), 0 ≤ x ≤ 1."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _continued_fraction(x, a, b) / a
    return 1.0 - front * _continued_fraction(1.0 - x, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Continued fraction of the incomplete beta function by Lentz's method (Numerical Recipes 6.4)."""
    c, d = 1.0, _reciprocal(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for step in (even, odd):
            d = _reciprocal(1.0 + step * d)
            c = 1.0 + step / c
            c = c if abs(c) > _SMALLEST else _SMALLEST
            result *= c * d
        if abs(c * d - 1.0) < _EPSILON:
            break
    return result


def _reciprocal(value: float) -> float:
    return 1.0 / (value if abs(value) > _SMALLEST else _SMALLEST)


def fisher_exact(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Two-sided p of Fisher's exact test that two groups have one share.

    Formula: of all tables with the same margins, the hypergeometric probability of those no more likely than the one
    observed (Fisher 1935).

    Args:
        first, second: (with, without) of either group, counts.
    """
    size, other = sum(first), sum(second)
    hits = first[0] + second[0]

    def log_probability(count: int) -> float:
        return _log_choose(size, count) + _log_choose(other, hits - count) - _log_choose(size + other, hits)

    observed = log_probability(first[0])
    logs = (log_probability(count) for count in range(max(0, hits - other), min(size, hits) + 1))
    return min(1.0, math.fsum(math.exp(value) for value in logs if value <= observed + 1e-7))


def _log_choose(size: int, count: int) -> float:
    return math.lgamma(size + 1) - math.lgamma(count + 1) - math.lgamma(size - count + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number (Holm 1979), in the order given: the k-th smallest times n − k + 1, rising."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted
