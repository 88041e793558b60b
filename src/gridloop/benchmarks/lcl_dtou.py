"""The dynamic tariff trial of Low Carbon London: what high and low prices did (docs/methods/panel-contrast.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.benchmarks.report import measured, rounded
from gridloop.benchmarks.source_files import (
    SourceTables,
    TimeAxis,
    home_series,
    read_sources,
    time_axis,
)
from gridloop.domain.errors import SourceMismatch
from gridloop.domain.finding import NotComputable
from gridloop.evaluation.panel import Panel, PanelSettings, PanelSums, panel_effect
from gridloop.evaluation.placebo import PlaceboCheck, check_placebos, rejection_rate

NAME = "lcl-dtou"
INTERVAL_MINUTES = 30
LEVELS = {"high": ("High", -1), "low": ("Low", 1)}
"""Label of each price level in the source, and the direction in which a price is expected to move use."""
PLACEBOS = 500
SETTINGS = PanelSettings()

PROTOCOL = (
    "Per home, log ratio of its use in event half-hours to its use in normal half-hours of the same month, kind of day "
    "and hour at least three hours away from any event; tariff homes minus the others, each home with the same weight; "
    "95 % interval by inverting a studentised randomisation test over the tariff label (10,000 labellings). Minimum "
    "detectable effect at 80 % power from the spread of the homes' own contrasts, in the direction expected of the "
    "price. Homes with zeros in more than half of their normal half-hours, or with values in fewer than half of the "
    "event half-hours, are left out. Placebos: 500 schedules per price level, each event moved to another normal day "
    "of the same month and kind of day at the same time, rejected at p < 0.05; the rate is over both levels. This was "
    "fixed before any effect was computed; `energy_weighted`, the same in Wh, was added afterwards and is secondary."
)
REFERENCES = {
    "naive_contrast": {
        "source": "naive contrast of group means on the full 91 homes of the selection",
        "high_pct": -6.6,
        "low_pct": 11.7,
    }
}


@dataclass(frozen=True)
class Trial:
    """The trial as arrays.

    Attributes:
        panel: homes with an arm.
        level: object[t], price level of each interval, "" where none is known.
        homes_without_arm: homes with readings that the household list does not have.
    """

    panel: Panel
    level: NDArray[np.object_]
    homes_without_arm: int

    @property
    def normal(self) -> NDArray[np.bool_]:
        """bool[t], intervals at the normal price."""
        return np.asarray(self.level == "Normal", np.bool_)

    def event(self, level: str) -> NDArray[np.bool_]:
        """bool[t], intervals at this price level."""
        return np.asarray(self.level == level, np.bool_)


def run(data: Path) -> dict[str, Any]:
    """Rerun the benchmark on the files in `data`.

    Returns:
        see `gridloop.benchmarks.report.measured`. `metrics.high` and `metrics.low` hold `effect_pct`, `mde_pct`,
        `homes_treated`, `homes_control` and more, or nulls with `reason` where there is no effect to compute.

    Raises:
        SourceUnreadable, SourceMismatch: the files are absent or not what the recipe `lcl` says.
    """
    return measured(NAME, PROTOCOL, REFERENCES, lambda: trial_metrics(read_trial(data)))


def read_trial(data: Path) -> Trial:
    """Read the published files through the recipe `lcl`; nothing is written anywhere."""
    source = read_sources("lcl", data, ("households", "readings", "prices", "bank_holidays"))
    recipe = source.recipe
    axis = time_axis(recipe.window.first_day, recipe.window.last_day, recipe.zone.name, INTERVAL_MINUTES)
    meters, wh = home_series(source, axis)
    arms = source.tables["tariff_assignment"]
    arm = dict(zip(arms["contract_id"].to_pylist(), arms["tariff_id"].to_pylist(), strict=True))
    order = sorted((home, row) for row, home in enumerate(meters) if home in arm)
    homes = tuple(home for home, _ in order)
    panel = Panel(
        homes,
        np.array([arm[home] == "lcl-dtou" for home in homes], np.bool_),
        wh[[row for _, row in order]],
        month_and_day_kind(axis, source.tables["calendar"]),
        axis.wall_slot,
        INTERVAL_MINUTES,
    )
    return Trial(panel, price_levels(axis, source), len(meters) - len(homes))


def month_and_day_kind(axis: TimeAxis, calendar: pa.Table) -> NDArray[np.int32]:
    """int32[t], twice the month since 1970, plus one on weekends and holidays.

    Raises:
        SourceMismatch: the calendar lacks a day.
    """
    kinds = zip(calendar["day"].cast(pa.int32()).to_pylist(), calendar["day_kind"].to_pylist(), strict=True)
    rest = {day: kind not in ("workday", "adjusted_workday") for day, kind in kinds}
    missing = sorted({int(day) for day in axis.day} - rest.keys())
    if missing:
        raise SourceMismatch("The calendar lacks days of the trial.", evidence={"days": len(missing)})
    month = axis.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)
    resting = np.array([rest[int(day)] for day in axis.day], np.int32)
    return np.asarray(month * 2 + resting, np.int32)


def price_levels(axis: TimeAxis, source: SourceTables) -> NDArray[np.object_]:
    """object[t], `Low`, `Normal` or `High`; "" where no price is known."""
    prices = source.tables["price_series"]
    start = prices["time"].cast(pa.int64()).to_numpy()
    place = np.searchsorted(axis.start_us, start)
    on_grid = (place < len(axis.start_us)) & (
        axis.start_us[np.minimum(place, len(axis.start_us) - 1)] == start
    )
    level = np.full(len(axis.start_us), "", dtype=object)
    level[place[on_grid]] = np.array(pc.fill_null(prices["label"], "").to_pylist(), dtype=object)[on_grid]
    return level


def trial_metrics(
    trial: Trial, *, settings: PanelSettings = SETTINGS, placebos: int = PLACEBOS
) -> dict[str, Any]:
    """The figures of the trial.

    Args:
        trial: from `read_trial`.
        settings: of the contrast; the protocol's by default.
        placebos: schedules per price level.
    """
    sums = PanelSums(trial.panel, trial.normal, settings)
    checks = {
        name: check_placebos(sums, trial.event(label), placebos=placebos, seed=settings.seed)
        for name, (label, _) in LEVELS.items()
    }
    energy = PanelSums(trial.panel, trial.normal, settings.model_copy(update={"contrast": "level"}))
    metrics: dict[str, Any] = {}
    for name, (label, direction) in LEVELS.items():
        event = trial.event(label)
        figures = _effect_metrics(sums, event, direction)
        figures["naive_pct"] = naive_percent(trial, label)
        figures["energy_weighted"] = _effect_metrics(energy, event, direction)
        metrics[name] = figures | _placebo_metrics(checks[name], settings)
    passed = [check for check in checks.values() if isinstance(check, PlaceboCheck)]
    tests = sum(check.placebos for check in passed)
    rate = rejection_rate(sum(check.rejections for check in passed), tests) if tests else None
    metrics["placebo_rejection_rate"] = None if rate is None else round(rate["value"], 4)
    metrics["placebo_rejection_rate_interval"] = None if rate is None else rounded(rate, 4)
    metrics["placebos"] = tests
    metrics["homes"] = len(trial.panel.homes)
    metrics["homes_without_arm"] = trial.homes_without_arm
    metrics["readings"] = int(np.isfinite(trial.panel.wh).sum())
    return metrics


def _effect_metrics(sums: PanelSums, event: NDArray[np.bool_], direction: int) -> dict[str, Any]:
    """The effect of one price level by the contrast of `sums`; nulls with `reason` where there is none."""
    contrasts = sums.contrasts(event)
    effect = panel_effect(contrasts, sums.settings)
    counted = np.isfinite(contrasts.value)
    figures: dict[str, Any] = {
        "effect_pct": None,
        "mde_pct": None,
        "homes_treated": int((counted & contrasts.treated).sum()),
        "homes_control": int((counted & ~contrasts.treated).sum()),
        "homes_left_out": contrasts.left_out,
        "event_half_hours": int(event.sum()),
        "matched_share": round(contrasts.matched_share, 4),
    }
    if isinstance(effect, NotComputable):
        return figures | {"reason": effect.code, "text": effect.reason}
    figures["effect_pct"] = rounded(effect.percent, 2)
    figures["mde_pct"] = round(effect.mde_percent(direction), 2)
    figures["p_value"] = round(effect.p_value, 4)
    return figures


def _placebo_metrics(check: PlaceboCheck | NotComputable, settings: PanelSettings) -> dict[str, Any]:
    """What the placebos of one price level showed; in log points times 100 where a spread is in percent."""
    if isinstance(check, NotComputable):
        return {"placebo_rejection_rate": None, "placebo_reason": check.code}
    normal = NormalDist()
    reach = normal.inv_cdf(0.5 + settings.confidence / 2) + normal.inv_cdf(settings.power)
    spread = float(check.effects.std(ddof=1))
    return {
        "placebo_rejection_rate": rounded(check.rejection_rate, 4),
        "placebo_sd_pct": round(100 * spread, 2),
        "placebo_placed_share": round(check.placed_share, 4),
        "mde_if_all_homes_answer_alike_pct": round(100 * math.expm1(reach * spread), 2),
    }


def naive_percent(trial: Trial, label: str) -> float | None:
    """What plain group means say, in percent: neither hour nor month matched, no interval; beside the references.

    Formula: 100 · ((T_event / C_event) / (T_normal / C_normal) − 1) with T, C the mean Wh of tariff and other homes;
    None where one of the four has no values or is 0.
    """
    means = []
    for intervals in (trial.event(label), trial.normal):
        for homes in (trial.panel.treated, ~trial.panel.treated):
            wh = trial.panel.wh[np.ix_(homes, intervals)]
            present = wh[np.isfinite(wh)]
            means.append(float(present.mean(dtype=np.float64)) if len(present) else 0.0)
    if min(means) <= 0:
        return None
    return round(100.0 * (means[0] / means[1] / (means[2] / means[3]) - 1.0), 2)
