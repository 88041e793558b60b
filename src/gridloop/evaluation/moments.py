"""Sufficient statistics that add: aggregates of parts, days or machines merge into the aggregate of the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Moments:
    """n, Σx, Σx², Σy, Σy², Σxy of pairs, kept as means and sums about them so that large levels lose no digits.

    `x` is the outcome; `y` is a covariate (the same measure before) or the denominator of a ratio, 0 without either.
    Merging is Chan, Golub and LeVeque (1983); it is associative up to rounding.

    Attributes:
        n: units.
        mean_x, mean_y: means.
        sxx, syy, sxy: Σ(x − mean_x)², Σ(y − mean_y)², Σ(x − mean_x)(y − mean_y).
    """

    n: int = 0
    mean_x: float = 0.0
    mean_y: float = 0.0
    sxx: float = 0.0
    syy: float = 0.0
    sxy: float = 0.0

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike | None = None) -> Moments:
        """Moments of arrays; a unit without x, or without y when y is given, is left out.

        Args:
            x: float[n], NaN where missing.
            y: float[n], the same units.
        """
        first = np.asarray(x, dtype=np.float64)
        second = np.zeros_like(first) if y is None else np.asarray(y, dtype=np.float64)
        present = np.isfinite(first) & np.isfinite(second)
        first, second = first[present], second[present]
        if len(first) == 0:
            return cls()
        mean_x, mean_y = float(first.mean()), float(second.mean())
        dx, dy = first - mean_x, second - mean_y
        return cls(len(first), mean_x, mean_y, float(dx @ dx), float(dy @ dy), float(dx @ dy))

    @classmethod
    def of_sums(
        cls, n: int, x: float, xx: float, y: float = 0.0, yy: float = 0.0, xy: float = 0.0
    ) -> Moments:
        """Moments from plain sums n, Σx, Σx², Σy, Σy², Σxy, such as a query gives."""
        if n == 0:
            return cls()
        sxx, syy = max(xx - x * x / n, 0.0), max(yy - y * y / n, 0.0)
        return cls(n, x / n, y / n, sxx, syy, xy - x * y / n)

    def __add__(self, other: Moments) -> Moments:
        if self.n == 0 or other.n == 0:
            return other if self.n == 0 else self
        n = self.n + other.n
        dx, dy = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        weight = self.n * other.n / n
        return Moments(
            n,
            self.mean_x + dx * other.n / n,
            self.mean_y + dy * other.n / n,
            self.sxx + other.sxx + dx * dx * weight,
            self.syy + other.syy + dy * dy * weight,
            self.sxy + other.sxy + dx * dy * weight,
        )

    @property
    def sum_x(self) -> float:
        """Σx."""
        return self.n * self.mean_x

    @property
    def sum_y(self) -> float:
        """Σy."""
        return self.n * self.mean_y

    @property
    def variance_x(self) -> float:
        """Sample variance of x, n − 1 in the denominator; NaN below two units."""
        return self.sxx / (self.n - 1) if self.n > 1 else float("nan")


def total(parts: Iterable[Moments]) -> Moments:
    """All parts together; no parts give the moments of nothing."""
    merged = Moments()
    for part in parts:
        merged = merged + part
    return merged
