"""Points that a clerk can add up: optimal monotone bins (OptBinning), weight of evidence, logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel

from gridloop.domain.errors import GridloopError, UsageError
from gridloop.domain.table import Label
from gridloop.insight.learning.calibration import logistic_fit, sigmoid
from gridloop.insight.learning.columns import Columns, Float64, Ints


class RiskDirectionContradicted(GridloopError):
    """A variable was declared to raise or lower risk, and the data say the opposite."""


class ScorecardSettings(BaseModel, frozen=True, extra="forbid"):
    """A scorecard.

    direction: of each variable: `up` where risk rises with it, `down` where it falls, `any` where monotone either
        way, `free` where no direction is claimed.
    bins: at most, of a variable.
    smallest_bin: share of the customers.
    least_iv: information value below which a variable is left out.
    ridge: of the regression, on weights of evidence.
    points, odds: so many points stand for odds of so many good to one bad.
    double: points that double the odds.
    sure: standard errors by which a correlation must contradict a direction before it is refused.
    """

    direction: Mapping[str, str]
    bins: int = 8
    smallest_bin: float = 0.02
    least_iv: float = 0.01
    ridge: float = 10.0
    points: float = 600.0
    odds: float = 50.0
    double: float = 20.0
    sure: float = 3.0


_TREND = {"up": "ascending", "down": "descending", "any": "auto_asc_desc", "free": "auto"}


@dataclass(frozen=True)
class Variable:
    """One line of the card.

    Attributes:
        name: of the column.
        edges: upper edges of the bins, lowest first; the last bin has none.
        woe: log(share of good / share of bad) by bin, and last for missing.
        iv: information value.
        points: by bin, and last for missing.
    """

    name: str
    edges: tuple[float, ...]
    woe: tuple[float, ...]
    iv: float
    points: tuple[float, ...] = ()

    def bin_of(self, values: Float64) -> Ints:
        """int64[n], bin of each value; the last is missing."""
        found = np.searchsorted(np.array(self.edges), values, side="right")
        return np.where(np.isnan(values), len(self.woe) - 1, found).astype(np.int64)


@dataclass(frozen=True)
class FittedScorecard:
    """A card. Score = Σ points; higher is better; odds double every `settings.double` points.

    Attributes:
        variables: those that carry information.
        intercept: of the regression, log odds of bad.
        coefficients: of the weights of evidence.
        settings: it was made by.
    """

    variables: tuple[Variable, ...]
    intercept: float
    coefficients: Float64
    settings: ScorecardSettings

    def probability(self, columns: Columns) -> Float64:
        """float64[n], probability of bad."""
        return sigmoid(self.intercept + self._woe(columns) @ self.coefficients)

    def points(self, columns: Columns) -> Float64:
        """float64[n], sum of points: offset + factor · log odds of good; factor = double / ln 2 (Siddiqi 2006)."""
        return np.asarray(self.points_by_variable(columns).sum(axis=1), np.float64)

    def points_by_variable(self, columns: Columns) -> Float64:
        """float64[n, variables]."""
        return np.column_stack([np.array(v.points)[v.bin_of(columns.column(v.name))] for v in self.variables])

    def reasons(self, columns: Columns, labels: Mapping[str, Label], most: int = 3) -> list[list[Label]]:
        """The variables that cost a customer most points against the best bin, worst first, in English and Chinese."""
        best = np.array([max(v.points) for v in self.variables])
        lost = best - self.points_by_variable(columns)
        order = np.argsort(-lost, axis=1, kind="stable")[:, :most]
        names = [v.name for v in self.variables]
        return [
            [_reason(labels.get(names[k], Label(names[k], names[k]))) for k in row if lost[i, k] > 0]
            for i, row in enumerate(order)
        ]

    def _woe(self, columns: Columns) -> Float64:
        parts = [np.array(v.woe)[v.bin_of(columns.column(v.name))] for v in self.variables]
        return np.column_stack(parts)


def _reason(label: Label) -> Label:
    return Label(f"{label.en} costs points", f"{label.zh}拉低了评分")


@dataclass(frozen=True)
class Scorecard:
    """Makes a scorecard of the variables whose direction is declared."""

    settings: ScorecardSettings

    def fit(self, columns: Columns, label: Float64) -> FittedScorecard:
        """See `Learner.fit`.

        Raises:
            RiskDirectionContradicted: data contradict a declared direction.
            UsageError: a direction is not a known word, or no variable carries information.
        """
        settings = self.settings
        if unknown := set(settings.direction.values()) - _TREND.keys():
            raise UsageError(
                "A direction of risk is not known.",
                evidence={"directions": sorted(unknown)},
                ways_out=(f"One of {', '.join(_TREND)}.",),
            )
        for name, direction in settings.direction.items():
            check_direction(name, columns.column(name), label, direction, settings.sure)
        found = [bin_variable(n, columns.column(n), label, settings) for n in settings.direction]
        kept = [one for one in found if one is not None and one.iv >= settings.least_iv]
        while kept:
            woe = np.column_stack([np.array(v.woe)[v.bin_of(columns.column(v.name))] for v in kept])
            design = np.column_stack([np.ones(len(woe)), woe])
            fitted = logistic_fit(design, label, np.ones(len(label)), ridge=settings.ridge)
            worst = int(np.argmax(fitted[1:]))
            if fitted[1 + worst] < 0:
                return _card(kept, fitted, settings)
            del kept[worst]  # its points would run against its own risk
        raise UsageError("No variable carries information about the label.", evidence={"tried": len(found)})


def _card(kept: list[Variable], fitted: Float64, settings: ScorecardSettings) -> FittedScorecard:
    factor = settings.double / np.log(2.0)
    offset = settings.points - factor * np.log(settings.odds)
    share = (offset - factor * float(fitted[0])) / len(kept)
    variables = tuple(
        Variable(v.name, v.edges, v.woe, v.iv, tuple(float(share - factor * b * w) for w in v.woe))
        for v, b in zip(kept, fitted[1:], strict=True)
    )
    return FittedScorecard(variables, float(fitted[0]), fitted[1:], settings)


def check_direction(name: str, values: Float64, label: Float64, direction: str, sure: float) -> None:
    """Refuse a declared direction whose rank correlation with the label is surely of the other sign.

    Raises:
        RiskDirectionContradicted: z = ρ √n beyond `sure` on the wrong side.
    """
    known = np.isfinite(values)
    if direction not in ("up", "down") or known.sum() < 3:
        return
    ranks = np.unique(values[known], return_inverse=True)
    mean_rank = (np.cumsum(np.bincount(ranks[1])) - (np.bincount(ranks[1]) - 1) / 2.0)[ranks[1]]
    if mean_rank.std() == 0 or label[known].std() == 0:
        return
    rho = float(np.corrcoef(mean_rank, label[known])[0, 1])
    z = rho * float(np.sqrt(known.sum()))
    if (z if direction == "up" else -z) < -sure:
        raise RiskDirectionContradicted(
            f"Risk was declared to go {direction} with {name!r}; the data say the opposite.",
            evidence={"rank_correlation": round(rho, 4), "customers": int(known.sum())},
            ways_out=(
                "Declare the other direction, or `free`.",
                "Check the sign and the coding of the column.",
            ),
        )


def bin_variable(name: str, values: Float64, label: Float64, settings: ScorecardSettings) -> Variable | None:
    """Bins of a variable that suit its direction; None where the column does not vary."""
    from optbinning import OptimalBinning

    known = np.isfinite(values)
    if len(np.unique(values[known])) < 2:
        return None
    binning = OptimalBinning(
        name=name,
        dtype="numerical",
        monotonic_trend=_TREND[settings.direction[name]],
        max_n_bins=settings.bins,
        min_bin_size=settings.smallest_bin,
        max_n_prebins=25,
        time_limit=10,
    )
    binning.fit(values[known], label[known].astype(np.int64))
    edges = tuple(float(edge) for edge in binning.splits)
    place = np.where(known, np.searchsorted(np.array(edges), values, side="right"), len(edges) + 1)
    bad = np.bincount(place, label, len(edges) + 2)
    good = np.bincount(place, 1.0 - label, len(edges) + 2)
    count = bad + good
    base = np.log(good.sum() / bad.sum())
    rate = bad.sum() / count.sum()
    smooth = np.log((good + 10.0 * (1 - rate)) / (bad + 10.0 * rate)) - base
    woe = np.where(count > 0, smooth, 0.0)
    iv = float(((good / good.sum() - bad / bad.sum()) * woe).sum())
    return Variable(name, edges, tuple(woe.tolist()), iv)


class LossSettings(BaseModel, frozen=True, extra="forbid"):
    """Classes and loss.

    classes: letter and highest probability of default of each class, best first; the last has probability 1.
    loss_given_default: share of the exposure that is lost.
    """

    classes: tuple[tuple[str, float], ...] = (
        ("A", 0.02), ("B", 0.05), ("C", 0.10), ("D", 0.20), ("E", 0.40), ("F", 1.0),
    )  # fmt: skip
    loss_given_default: float = 0.45


def rating_class(probability: Float64, settings: LossSettings) -> list[str]:
    """Class of each customer by calibrated probability."""
    edges = np.array([edge for _, edge in settings.classes[:-1]])
    return [settings.classes[int(k)][0] for k in np.searchsorted(edges, probability, side="left")]


def expected_loss(probability: Float64, exposure: Float64, settings: LossSettings) -> Float64:
    """PD × LGD × exposure, in the currency of the exposure; a credit balance is no exposure."""
    return np.asarray(probability * settings.loss_given_default * np.maximum(exposure, 0.0), np.float64)
