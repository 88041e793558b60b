"""The effect of tariff events in a trial with few treated homes and no time before it (docs/methods/panel-contrast.md).

Each home is compared with itself: its use in event intervals with its use in normal intervals of the same month, kind
of day and hour. What treated homes do differently from the others is the effect. Chance is judged by exchanging the
treated label among homes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.distributions import student_t_quantile
from gridloop.evaluation.randomisation import randomisation_interval, randomisation_p_value, relabellings

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class PanelSettings(BaseModel):
    """What a panel contrast may be told; the defaults are the protocol of docs/methods/panel-contrast.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contrast: Literal["log", "level"] = Field(
        default="log", description="log: relative change of each home; level: change in Wh per interval."
    )
    guard_minutes: int = Field(
        default=180, ge=0, description="Normal intervals this close to an event are not compared with."
    )
    minimum_normal: int = Field(
        default=4, ge=1, description="Normal intervals a home needs in a cell for its events there to count."
    )
    minimum_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the event intervals that must count for a home to count.",
    )
    maximum_zero_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="A home with more zeros than this in normal intervals is not in use.",
    )
    draws: int = Field(default=10_000, ge=200, description="Labellings drawn, or all when there are no more.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="Confidence of the interval.")
    power: float = Field(default=0.8, gt=0.5, lt=1, description="Power of the minimum detectable effect.")
    seed: int = Field(default=1, description="Seed of the drawn labellings.")


@dataclass(frozen=True)
class Panel:
    """Homes over one even grid of time.

    Attributes:
        homes: ids, axis 0.
        treated: bool[homes], whether the tariff applied.
        wh: float32[homes, t], Wh per interval, NaN where missing.
        stratum: int32[t], number of the month and kind of day; events are compared and moved within it only.
        slot: int16[t], place on the clock, 0 at midnight.
        interval_minutes: length of an interval.
    """

    homes: tuple[str, ...]
    treated: Bools
    wh: NDArray[np.float32]
    stratum: NDArray[np.int32]
    slot: NDArray[np.int16]
    interval_minutes: int

    @property
    def cell(self) -> NDArray[np.int64]:
        """int64[t], stratum and hour of the day: intervals with equal number are compared."""
        hour: NDArray[np.int64] = self.slot.astype(np.int64) * self.interval_minutes // 60
        return self.stratum.astype(np.int64) * 24 + hour


@dataclass(frozen=True)
class HomeContrasts:
    """What each home used in event intervals beside what its normal intervals let expect.

    Attributes:
        treated: bool[homes].
        intervals: int64[homes], event intervals that count: a value is there, and enough normal ones in its cell.
        actual_wh, expected_wh: float64[homes], over these intervals.
        value: float64[homes], log(actual / expected), or (actual − expected) / intervals in Wh; NaN where left out.
        left_out: homes left out by reason: `unused`, `too_few_intervals`, `no_consumption`.
        matched_share: share of the present event values that count, over all homes not left out.
    """

    treated: Bools
    intervals: NDArray[np.int64]
    actual_wh: Floats
    expected_wh: Floats
    value: Floats
    left_out: dict[str, int]
    matched_share: float


@dataclass(frozen=True)
class PanelEffect:
    """An effect with interval; in log points for the contrast `log`, in Wh per interval for `level`.

    Attributes:
        value, ci_low, ci_high: treated minus control, interval by inverting the randomisation test.
        p_value: randomisation test of no effect, two-sided.
        standard_error: Welch.
        mde: smallest effect found with the stated power at 1 − confidence.
        homes_treated, homes_control: homes that count.
        event_intervals: mean number of event intervals per home that counts.
        actual_wh: mean Wh per event interval of treated homes.
        contrasts: what it rests on.
    """

    contrast: Literal["log", "level"]
    value: float
    ci_low: float
    ci_high: float
    p_value: float
    standard_error: float
    mde: float
    homes_treated: int
    homes_control: int
    event_intervals: float
    actual_wh: float
    contrasts: HomeContrasts

    def percent_of(self, effect: float) -> float:
        """An effect in the unit of `value` as percent of what treated homes would have used.

        Formula: 100 · (exp(effect) − 1) for `log`; 100 · effect / (actual_wh − value) for `level`.
        """
        if self.contrast == "log":
            return 100.0 * math.expm1(effect)
        return 100.0 * effect / (self.actual_wh - self.value)

    @property
    def percent(self) -> dict[str, float]:
        """`{value, ci_low, ci_high}` in percent."""
        return {name: self.percent_of(getattr(self, name)) for name in ("value", "ci_low", "ci_high")}

    def mde_percent(self, direction: int) -> float:
        """Size of the minimum detectable effect in percent, of an increase (`direction` 1) or a decrease (-1).

        They differ for the contrast `log`: a fall of 0.4 log points is 33 %, a rise of as much 49 %.
        """
        return abs(self.percent_of(direction * self.mde))


class PanelSums:
    """A panel added up once, so that many schedules of events can be contrasted quickly.

    Args:
        panel: the homes.
        normal: bool[t], intervals at the normal price; all others are events or unknown.
        settings: see `PanelSettings`.
    """

    def __init__(self, panel: Panel, normal: Bools, settings: PanelSettings) -> None:
        self.panel = panel
        self.settings = settings
        self._guard = settings.guard_minutes // panel.interval_minutes
        self.comparable: Bools = normal & ~near(~normal, self._guard)
        present = np.isfinite(panel.wh)
        self._both = np.hstack([np.where(present, panel.wh, 0).T, present.T]).astype(np.float64)
        cells, self._cell = np.unique(panel.cell, return_inverse=True)
        self._cells = len(cells)
        self._normal = self._sums(np.flatnonzero(self.comparable))
        free = present[:, self.comparable]
        zeros = (panel.wh[:, self.comparable] == 0).sum(axis=1)
        self.unused: Bools = zeros > settings.maximum_zero_share * free.sum(axis=1)

    def _sums(self, index: NDArray[np.int64]) -> Floats:
        """float64[cells, 2 · homes]: Wh, then values present, over these intervals."""
        total = np.zeros((self._cells, self._both.shape[1]))
        if len(index):
            ordered = index[np.argsort(self._cell[index], kind="stable")]
            cell = self._cell[ordered]
            first = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
            total[cell[first]] = np.add.reduceat(self._both[ordered], first, axis=0)
        return total

    def contrasts(self, event: Bools) -> HomeContrasts:
        """Contrast the event intervals with comparable ones that are neither events nor near them.

        Args:
            event: bool[t], real events or a placebo of them.
        """
        homes, settings = len(self.panel.homes), self.settings
        normal = self._normal - self._sums(np.flatnonzero(self.comparable & near(event, self._guard)))
        events = self._sums(np.flatnonzero(event))
        count = normal[:, homes:]
        matched = count >= settings.minimum_normal
        mean = np.where(matched, normal[:, :homes] / np.maximum(count, 1), 0.0)
        used = np.where(matched, events[:, homes:], 0.0)
        intervals = used.sum(axis=0)
        actual = np.where(matched, events[:, :homes], 0.0).sum(axis=0)
        expected = (used * mean).sum(axis=0)
        few = (intervals < settings.minimum_share * event.sum()) | (intervals == 0)
        none = (actual <= 0) | (expected <= 0) if settings.contrast == "log" else np.zeros(homes, np.bool_)
        reasons = {
            "unused": self.unused,
            "too_few_intervals": few & ~self.unused,
            "no_consumption": none & ~few & ~self.unused,
        }
        out = self.unused | few | none
        value = np.full(homes, np.nan)
        if settings.contrast == "log":
            value[~out] = np.log(actual[~out] / expected[~out])
        else:
            value[~out] = (actual - expected)[~out] / intervals[~out]
        present = events[:, homes:].sum(axis=0)[~out].sum()
        share = float(intervals[~out].sum() / present) if present else 0.0
        left = {name: int(mask.sum()) for name, mask in reasons.items() if mask.any()}
        return HomeContrasts(
            self.panel.treated, intervals.astype(np.int64), actual, expected, value, left, share
        )


def near(event: Bools, intervals: int) -> Bools:
    """bool[t], whether an event lies at most so many intervals away; events themselves included."""
    reach = np.r_[np.zeros(intervals, np.int64), event.astype(np.int64), np.zeros(intervals, np.int64)]
    total = np.r_[0, np.cumsum(reach)]
    result: Bools = total[2 * intervals + 1 :] > total[: len(event)]
    return result


def panel_effect(contrasts: HomeContrasts, settings: PanelSettings) -> PanelEffect | NotComputable:
    """Treated minus control over the homes that count, each with the same weight.

    Returns:
        the effect, or why there is none: `too_few_homes` (fewer than two on a side), `no_variation` (all contrasts of a
        side equal, so that chance cannot be judged), `too_few_labellings`, or `no_baseline` (nothing to be a share of).
    """
    counted = np.isfinite(contrasts.value)
    value, treated = contrasts.value[counted], contrasts.treated[counted]
    n1, n0 = int(treated.sum()), int((~treated).sum())
    if min(n1, n0) < 2:
        return NotComputable(
            "too_few_homes",
            "An effect needs two homes or more on either side.",
            {"homes_treated": n1, "homes_control": n0, **contrasts.left_out},
        )
    parts = (value[treated].var(ddof=1) / n1, value[~treated].var(ddof=1) / n0)
    error = math.sqrt(sum(parts))
    if min(parts) <= 0:
        return NotComputable("no_variation", "All homes of a side answer alike; chance cannot be judged.")
    drawn = relabellings(n1 + n0, n1, settings.draws, settings.seed)
    interval = randomisation_interval(value, treated, drawn, settings.confidence)
    if isinstance(interval, NotComputable):
        return interval
    df = sum(parts) ** 2 / (parts[0] ** 2 / (n1 - 1) + parts[1] ** 2 / (n0 - 1))
    reach = student_t_quantile(0.5 + settings.confidence / 2, df) + student_t_quantile(settings.power, df)
    intervals = contrasts.intervals[counted]
    level = float((contrasts.actual_wh[counted] / intervals)[treated].mean())
    value_found = float(value[treated].mean() - value[~treated].mean())
    if settings.contrast == "level" and level - value_found <= 0:
        return NotComputable("no_baseline", "Treated homes would have used nothing without the events.")
    return PanelEffect(
        settings.contrast,
        value_found,
        *interval,
        randomisation_p_value(value, treated, drawn),
        error,
        reach * error,
        n1,
        n0,
        float(intervals.mean()),
        level,
        contrasts,
    )
