"""From the state of a window to its features: each with a value, or with the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.kernels.calendar import DayCalendar
from gridloop.kernels.features.catalogue import FEATURES, feature
from gridloop.kernels.features.daily import Daily, daily_statistics
from gridloop.kernels.features.formulas import Evidence, Formula, every_formula
from gridloop.kernels.features.layout import MonthState
from gridloop.kernels.features.reason import Reason
from gridloop.kernels.features.rules import NIGHT_HOURS
from gridloop.kernels.features.sketch import quantiles

ALWAYS_KNOWN = ("missing_share", "longest_missing")
"""What is known even of a meter without any value."""
_NEEDS_DATA = np.array([[spec.name not in ALWAYS_KNOWN] for spec in FEATURES])
_LEAST_DAYS = np.array([[spec.minimum_days] for spec in FEATURES])
_LEAST_COVERAGE = np.array([[spec.minimum_coverage] for spec in FEATURES])


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """What a utility may set.

    Attributes:
        night_quantile: share of the night values at or below the night base load.
        evening_start_hour, evening_end_hour: the evening of `evening_share`, whole hours on the wall clock.
    """

    night_quantile: float = 0.10
    evening_start_hour: int = 18
    evening_end_hour: int = 22


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """The features of each meter over one window.

    Invariant: a value is NaN exactly where its reason is not `Reason.COMPUTED`; vectors likewise, row by row.

    Attributes:
        values: float64[meters, len(FEATURES)], columns as in `FEATURES`; NaN in the columns of vectors.
        reason: int8[meters, len(FEATURES)], see `Reason`.
        profile: float64[meters, slots_per_day], mean power by wall-clock slot, kW.
        shape: float64[meters, slots_per_day], the profile's share of the day by slot, sum 1.
        days_used: int32[meters], usable days.
        coverage: float64[meters], present intervals / intervals of the window.
    """

    values: NDArray[np.float64]
    reason: NDArray[np.int8]
    profile: NDArray[np.float64]
    shape: NDArray[np.float64]
    days_used: NDArray[np.int32]
    coverage: NDArray[np.float64]

    def column(self, name: str) -> NDArray[np.float64]:
        """float64[meters] of a feature, float64[meters, slots_per_day] of a vector; UsageError for an unknown name."""
        spec = feature(name)
        if spec.vector:
            return self.profile if name == "mean_profile" else self.shape
        return self.values[:, FEATURES.index(spec)]

    def why(self, meter: int, name: str) -> Reason:
        """Why a feature of a meter has no value; COMPUTED where it has one."""
        return Reason(int(self.reason[meter, FEATURES.index(feature(name))]))


def features(state: MonthState, settings: FeatureSettings | None = None) -> FeatureTable:
    """All features of `FEATURES` over the days of a state.

    Args:
        state: one month, or several merged.
        settings: see `FeatureSettings`; None for its defaults.
    """
    settings = settings or FeatureSettings()
    evidence = _evidence(state, settings)
    formulas = every_formula(evidence)
    reason = _first_reasons([formulas[spec.name] for spec in FEATURES], evidence)
    absent = reason != Reason.COMPUTED
    values = np.full((len(FEATURES), state.meters), np.nan)
    vectors = {}
    for row, spec in enumerate(FEATURES):
        if spec.vector:
            vectors[spec.name] = formulas[spec.name].value
            vectors[spec.name][absent[row]] = np.nan
        else:
            values[row] = formulas[spec.name].value
    np.putmask(values, absent, np.nan)
    return FeatureTable(
        values=values.T,
        reason=reason.T,
        profile=vectors["mean_profile"],
        shape=vectors["shape"],
        days_used=evidence.days.astype(np.int32),
        coverage=evidence.coverage,
    )


def _first_reasons(formulas: Sequence[Formula], evidence: Evidence) -> NDArray[np.int8]:
    """int8[features, meters]: the first condition that fails: no data, days, coverage, then the feature's own."""
    reasons = np.zeros((len(formulas), evidence.days.size), dtype=np.int8)
    # Written from the last to the first, so that the first one stays.
    for reason, formula in zip(reasons, formulas, strict=True):
        for failed, code in reversed(formula.conditions):
            np.putmask(reason, failed, int(code))
    np.putmask(reasons, evidence.coverage < _LEAST_COVERAGE, int(Reason.LOW_COVERAGE))
    np.putmask(reasons, evidence.days < _LEAST_DAYS, int(Reason.TOO_FEW_DAYS))
    np.putmask(reasons, (evidence.present == 0) & _NEEDS_DATA, int(Reason.NO_DATA))
    return reasons


def _period_intervals(calendar: DayCalendar) -> NDArray[np.int64]:
    """int64[4]: intervals of each time-of-use period in the days of a calendar."""
    normal = calendar.period[calendar.normal]
    counts = np.array([np.count_nonzero(normal == period) for period in range(4)])
    for day in np.flatnonzero(~calendar.normal):
        walls = calendar.wall_slot[day, : calendar.slots[day]]
        counts += np.bincount(calendar.period[day, walls], minlength=4)
    return counts


def _evidence(state: MonthState, settings: FeatureSettings) -> Evidence:
    daily = daily_statistics(state)
    calendar = state.calendar
    expected = int(calendar.slots.sum())
    present = daily[:, Daily.PRESENT]
    slots = calendar.slots_per_day
    per_hour = slots // 24
    quantile, night_values = quantiles(
        state.night_bin, state.night_count, state.night_offset, settings.night_quantile
    )
    evening = slice(settings.evening_start_hour * per_hour, settings.evening_end_hour * per_hour)
    return Evidence(
        state=state,
        daily=daily,
        days=daily[:, Daily.DAYS],
        present=present,
        coverage=present / expected if expected else np.zeros(state.meters),
        expected=expected,
        total=state.profile_wh.sum(axis=1),
        kilowatt=60 / calendar.interval_minutes / 1000,
        period_intervals=_period_intervals(calendar),
        evening_wh=state.profile_wh[:, evening].sum(axis=1),
        night_quantile=quantile,
        night_values=night_values,
        night_slots=NIGHT_HOURS * per_hour,
    )
