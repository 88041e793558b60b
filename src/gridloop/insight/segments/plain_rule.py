"""A rule a person can read for members found by other means: a greedy tree of at most three questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.insight.tags.rule_tree import And, Comparison, Literal, Name, Operator, Or, Rule

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

DEPTH = 3


@dataclass(frozen=True, slots=True)
class _Split:
    column: str
    threshold: float
    impurity: float


_Path = tuple[tuple[str, Operator, float], ...]


def fit_rule(columns: Mapping[str, Float64], member: Bools, *, least: int = 5) -> Rule | None:
    """The members as a rule over columns: a tree of depth ≤ 3 by exact greedy splits, its member leaves joined by `or`.

    A split puts column ≤ threshold on one side and column > threshold on the other so that Σ n·p·(1 − p) (the Gini
    impurity; Breiman et al. 1984) is least over all columns and thresholds; of equal ones the first column, then the
    lowest threshold. Customers who lack the column are on neither side. A leaf is a member leaf when more than half of
    its customers are members. A threshold is the shortest number between its two neighbouring values.

    Args:
        columns: float64[n] by name, NaN for absent; tried in this order.
        member: bool[n].
        least: fewest customers on either side of a split.

    Returns:
        The rule; None where no leaf has more members than others.
    """
    paths = _grow(columns, member, np.arange(len(member)), (), least)
    if paths is None or () in paths:
        return None
    parts = tuple(_conjunction(path) for path in paths)
    return parts[0] if len(parts) == 1 else Or(parts)


def _grow(
    columns: Mapping[str, Float64], member: Bools, rows: NDArray[np.int64], path: _Path, least: int
) -> list[_Path] | None:
    """Paths to member leaves below here; None when nobody reaches one. A node all of whose leaves agree is one leaf."""
    inside = int(member[rows].sum())
    leaf = [path] if 2 * inside > len(rows) else None
    if len(path) == DEPTH or inside in (0, len(rows)):
        return leaf
    split = _best_split(columns, member, rows, least)
    if split is None:
        return leaf
    values = columns[split.column][rows]
    sides = ((Operator.AT_MOST, values <= split.threshold), (Operator.MORE, values > split.threshold))
    below = [
        _grow(columns, member, rows[side], (*path, (split.column, operator, split.threshold)), least)
        for operator, side in sides
    ]
    found = [p for paths in below if paths for p in paths]
    children = {(*path, (split.column, operator, split.threshold)) for operator, _ in sides}
    if leaf and children <= set(found):
        return leaf
    return found or None


def _best_split(
    columns: Mapping[str, Float64], member: Bools, rows: NDArray[np.int64], least: int
) -> _Split | None:
    best: _Split | None = None
    whole = _impurity(np.array([member[rows].sum()]), np.array([len(rows)]))[0]
    for name, column in columns.items():
        found = _split_of(name, column[rows], member[rows], least)
        if (
            found
            and found.impurity < whole - 1e-9
            and (best is None or found.impurity < best.impurity - 1e-9)
        ):
            best = found
    return best


def _split_of(name: str, values: Float64, member: Bools, least: int) -> _Split | None:
    """The best threshold of one column, over all of them."""
    known = ~np.isnan(values)
    order = np.argsort(values[known], kind="stable")
    ordered, inside = values[known][order], member[known][order].astype(np.int64)
    n = len(ordered)
    if n < 2 * least:
        return None
    left = np.arange(1, n)
    members = np.cumsum(inside)
    fits: Bools = (ordered[1:] > ordered[:-1]) & (left >= least) & (n - left >= least)
    if not fits.any():
        return None
    missing = _impurity(np.array([member[~known].sum()]), np.array([len(values) - n]))[0]
    total = _impurity(members[:-1], left) + _impurity(members[-1] - members[:-1], n - left) + missing
    place = int(np.argmin(np.where(fits, total, np.inf)))
    threshold = shortest_between(float(ordered[place]), float(ordered[place + 1]))
    return _Split(name, threshold, float(total[place]))


def _impurity(members: NDArray[np.int64], count: NDArray[np.int64]) -> Float64:
    """n·p·(1 − p) of groups with so many members of so many."""
    outside = count - members
    return np.asarray(members * outside / np.maximum(count, 1), np.float64)


def shortest_between(low: float, high: float) -> float:
    """The number of fewest digits t with low ≤ t < high, near the middle."""
    middle = low + (high - low) / 2
    for digits in range(1, 18):
        short = float(f"{middle:.{digits}g}")
        if low <= short < high:
            return short
    return low


def _conjunction(path: _Path) -> Rule:
    """One leaf as conditions; of two bounds of a column on one side the tighter."""
    bounds: dict[tuple[str, Operator], float] = {}
    for column, operator, threshold in path:
        tighter = min if operator is Operator.AT_MOST else max
        key = (column, operator)
        bounds[key] = tighter(bounds.get(key, threshold), threshold)
    parts = tuple(
        Comparison(Name(column), operator, Literal(threshold))
        for (column, operator), threshold in bounds.items()
    )
    return parts[0] if len(parts) == 1 else And(parts)
