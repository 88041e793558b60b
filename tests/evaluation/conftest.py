"""A small trial with a known truth: homes over eight weeks, evening events, one group on the tariff."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridloop.evaluation.panel import Panel

DAYS, SLOTS = 56, 48
MakeTrial = Callable[..., tuple[Panel, np.ndarray]]


def evening_events(generator: np.random.Generator) -> np.ndarray:
    """Ten events from 17:00 to 20:00 on workdays and four from 10:00 to 14:00 at weekends."""
    event = np.zeros((DAYS, SLOTS), bool)
    workdays = [day for day in range(DAYS) if day % 7 < 5]
    event[generator.choice(workdays, 10, replace=False), 34:40] = True
    weekend = [day for day in range(DAYS) if day % 7 >= 5]
    event[generator.choice(weekend, 4, replace=False), 20:28] = True
    return event.ravel()


def make(seed: int, homes: int = 40, treated: int = 10, effect: float = -0.2, spread: float = 0.0):
    """A panel and its events; treated homes use exp(effect + spread · normal) times as much in events."""
    generator = np.random.default_rng(seed)
    event = evening_events(generator)
    slot = np.tile(np.arange(SLOTS), DAYS)
    day = np.repeat(np.arange(DAYS), SLOTS)
    shape = 100 + 150 * np.exp(-0.5 * ((slot - 37) / 5) ** 2) + 60 * (day % 7 >= 5)
    level = np.exp(generator.normal(0, 0.5, homes))
    # A warm spell that all homes feel, so that events do not fall on days like the others.
    shock = np.exp(np.repeat(generator.normal(0, 0.15, DAYS), SLOTS))
    wh = level[:, None] * shape * shock * generator.gamma(1.5, 1 / 1.5, (homes, DAYS * SLOTS))
    on_tariff = np.arange(homes) < treated
    change = np.exp(effect + spread * generator.normal(0, 1, homes))
    wh = np.where(on_tariff[:, None] & event, wh * change[:, None], wh).astype(np.float32)
    stratum = ((day // 28) * 2 + (day % 7 >= 5)).astype(np.int32)
    names = tuple(f"H{number:03d}" for number in range(homes))
    return Panel(names, on_tariff, wh, stratum, slot.astype(np.int16), 30), event


@pytest.fixture
def make_trial() -> MakeTrial:
    """Makes a trial from a seed, its size and its true effect in log points."""
    return make
