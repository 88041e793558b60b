"""Small trials with a known truth: a tariff with events on a few homes, and a campaign with a holdout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from gridloop.domain.tables import table
from gridloop.engine.lake import Lake
from gridloop.engine.schema import arrow_schema
from gridloop.engine.workspace import Workspace
from gridloop.evaluation.effects import campaign_effects
from gridloop.evaluation.money import Costs
from gridloop.evaluation.outcomes import Observation, campaign_windows
from gridloop.evaluation.panel import Panel
from gridloop.evaluation.result import CampaignResult, Funnel, results_of
from gridloop.strategy.playbook.model import Playbook
from gridloop.testing.homes import Street

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


@pytest.fixture(scope="session")
def play() -> Playbook:
    """The play for an evening tariff with short windows: 14 days before, none to settle, 7 days judged."""
    shipped = files("gridloop") / "library" / "playbooks" / "tou-shift.yaml"
    document = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    document["success"] |= {"baseline_days": 14, "settle_days": 0, "window_days": 7, "least_days": 5}
    return Playbook.model_validate(document)


@dataclass(frozen=True)
class Trial:
    """A campaign whose outcomes are drawn, and the effect that was put in.

    Attributes:
        observed, assignments: as `campaign_effects` takes them.
        effect: Wh a day on everyone assigned to the offer.
    """

    observed: Observation
    assignments: pa.Table
    effect: float


def draw_trial(play: Playbook, seed: int, units: int = 400, effect: float = 0.0, days_seen: int = 7) -> Trial:
    """Homes of very different size, a quarter more use in the window than before (season), 70 % offered."""
    rng = np.random.default_rng(seed)
    before = rng.gamma(4, 700, units)
    treated = np.isin(np.arange(units), rng.choice(units, int(0.7 * units), replace=False))
    thirds = np.searchsorted(np.quantile(before, [1 / 3, 2 / 3]), before) + 1
    windows = campaign_windows(play.success, date(2026, 1, 1))
    last = windows.first + timedelta(days=days_seen - 1) if days_seen else None
    rows = []
    for measure in (play.success.primary, *play.success.secondary):
        value = before * 1.25 * np.exp(rng.normal(0, 0.1, units)) + effect * treated
        for unit in range(units):
            rows.append(
                {
                    "campaign_id": "campaign-1",
                    "unit_id": f"a{unit}",
                    "arm": "offer" if treated[unit] else "holdout",
                    "measure": measure.name,
                    "window_start": windows.first,
                    "window_end": last or windows.last,
                    "value": float(value[unit]),
                    "before": float(before[unit]),
                    "unit": measure.unit,
                }
            )
    outcomes = pa.Table.from_pylist(rows, schema=arrow_schema(table("outcome")))
    assignments = pa.table(
        {
            "unit_id": [f"a{unit}" for unit in range(units)],
            "arm": ["offer" if one else "holdout" for one in treated],
            "stratum": [f"baseline={third}" for third in thirds],
            "contacted": treated.tolist(),
            "enrolled": (treated & (rng.random(units) < 0.3)).tolist(),
        }
    )
    daily = pa.table({"measure": [], "arm": [], "day": [], "value": [], "units": []})
    return Trial(Observation(outcomes, daily, windows, last), assignments, effect)


@pytest.fixture
def trial(play: Playbook) -> Callable[..., Trial]:
    """Draws a trial from a seed, its units, its true effect and the days seen."""
    return partial(draw_trial, play)


@pytest.fixture
def street(tmp_path: Path) -> Street:
    """An empty street in Shanghai."""
    workspace = Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=2)
    return Street(Lake(workspace), "Asia/Shanghai")


@pytest.fixture
def result(play: Playbook, trial: Callable[..., Trial]) -> Callable[..., CampaignResult]:
    """The result of a trial as it would be read from the table; arguments of `trial`, and `funnel`."""

    def made(seed: int = 7, funnel: Funnel | None = None, **changes: object) -> CampaignResult:
        drawn = trial(seed, **changes)
        effects = campaign_effects(drawn.observed, drawn.assignments, play, Costs(Decimal(10), 30, "CNY"))
        named = {"campaign_id": "campaign-1", "name": "tou-shift", "status": "finished"}
        return results_of(named, play, effects.rows, funnel or Funnel(selected=400), "CNY")[0]

    return made
