"""Placebo schedules: the same events on days when nothing happened, to see how often chance alone is called an effect.

A placebo keeps the mix of hours and months of the real schedule: each event moves to another day of the same month and
kind of day, starts at the same time and lasts as long, and lies in normal intervals away from all real events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.domain.share import wilson_interval
from gridloop.evaluation.panel import Bools, Panel, PanelSums
from gridloop.evaluation.randomisation import randomisation_p_value, relabellings


@dataclass(frozen=True)
class PlaceboSchedule:
    """One placebo of a schedule.

    Attributes:
        event: bool[t].
        placed_share: share of the real event intervals that found a place.
    """

    event: Bools
    placed_share: float


@dataclass(frozen=True)
class PlaceboCheck:
    """How the test behaves when there is no effect.

    Attributes:
        placebos: schedules tried; all of them were computable.
        rejections: how many the test called an effect.
        rejection_rate: `{value, ci_low, ci_high}`, Wilson interval at 95 % as if placebos were independent.
        effects: float64[placebos], estimates in the unit of the contrast.
        placed_share: mean share of event intervals that found a place.
    """

    placebos: int
    rejections: int
    rejection_rate: dict[str, float]
    effects: NDArray[np.float64]
    placed_share: float


def event_runs(event: Bools) -> list[tuple[int, int]]:
    """(first index, length) of each unbroken run of event intervals, in order."""
    change = np.diff(np.r_[0, event.astype(np.int8), 0])
    first, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    return [(int(a), int(b - a)) for a, b in zip(first, end, strict=True)]


def placebo_schedule(
    panel: Panel, event: Bools, free: Bools, generator: np.random.Generator
) -> PlaceboSchedule:
    """Move each event to a random other place where it fits; longest events first, none over another.

    Args:
        panel: gives month, kind of day and place on the clock.
        event: bool[t], the real schedule.
        free: bool[t], where placebo events may lie; no real event does.
        generator: source of chance.
    """
    room = free & ~event
    placed = np.zeros(len(event), np.bool_)
    for first, length in sorted(event_runs(event), key=lambda run: (-run[1], run[0])):
        taken = np.r_[0, np.cumsum(~room)]
        alike = (panel.stratum == panel.stratum[first]) & (panel.slot == panel.slot[first])
        places = np.flatnonzero(alike[: len(event) - length + 1])
        places = places[taken[places + length] == taken[places]]
        if len(places):
            start = int(generator.choice(places))
            placed[start : start + length] = True
            room[start : start + length] = False
    total = int(event.sum())
    return PlaceboSchedule(placed, float(placed.sum() / total) if total else 0.0)


def check_placebos(
    sums: PanelSums,
    event: Bools,
    *,
    placebos: int = 400,
    draws: int = 2000,
    level: float = 0.05,
    seed: int = 1,
) -> PlaceboCheck | NotComputable:
    """Test many placebo schedules, by the same contrast and the same randomisation test as the real one.

    Args:
        sums: the panel and its settings.
        event: bool[t], the real schedule.
        placebos: how many schedules.
        draws: labellings per test.
        level: p-value below which a test calls an effect.
        seed: of schedules and labellings.

    Returns:
        the check, or `no_placebo` when a schedule leaves too few homes to test.
    """
    generator = np.random.default_rng(seed)
    effects, rejections, placed = np.empty(placebos), 0, 0.0
    for number in range(placebos):
        schedule = placebo_schedule(sums.panel, event, sums.comparable, generator)
        contrasts = sums.contrasts(schedule.event)
        counted = np.isfinite(contrasts.value)
        value, treated = contrasts.value[counted], contrasts.treated[counted]
        n1 = int(treated.sum())
        if min(n1, len(treated) - n1) < 2:
            return NotComputable(
                "no_placebo",
                "A placebo of this schedule leaves too few homes to test.",
                {"homes_treated": n1, "homes_control": len(treated) - n1, "placed": schedule.placed_share},
            )
        p_value = randomisation_p_value(value, treated, relabellings(len(value), n1, draws, seed))
        rejections += p_value < level
        effects[number] = value[treated].mean() - value[~treated].mean()
        placed += schedule.placed_share
    return PlaceboCheck(
        placebos, rejections, rejection_rate(rejections, placebos), effects, placed / placebos
    )


def rejection_rate(rejections: int, placebos: int) -> dict[str, float]:
    """The share of placebos that a test rejects as `{value, ci_low, ci_high}`; `placebos` at least 1."""
    low, high = wilson_interval(rejections, placebos)
    return {"value": rejections / placebos, "ci_low": low, "ci_high": high}
