"""What every unit of a campaign did in its window and before it (docs/methods/campaign-effect.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.strategy.account_meters import AccountMeters, account_meters
from gridloop.strategy.measure import AccountDays, MeasureTotals, account_days
from gridloop.strategy.playbook.model import Measure, Playbook, Success

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

NO_CONTRACT = "no_contract"
"""Reason of a unit that had no contract on any day looked at."""

ARRIVED_SHARE = 0.5
"""A day has arrived when at least this share of the units that a usual day has is complete on it."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The days that a campaign is judged by, fixed before it starts; all bounds lie within.

    Attributes:
        baseline_first, baseline_last: before the start.
        first, last: after the start and the days of settling.
    """

    baseline_first: date
    baseline_last: date
    first: date
    last: date

    @property
    def days(self) -> int:
        """Days from the first of the baseline to the last of the window."""
        return (self.last - self.baseline_first).days + 1

    @property
    def judged_days(self) -> int:
        """Days of the window."""
        return (self.last - self.first).days + 1


def campaign_windows(success: Success, starts: date) -> Windows:
    """The windows of a campaign that starts on a local day: the baseline ends the day before."""
    first = starts + timedelta(days=success.settle_days)
    return Windows(
        starts - timedelta(days=success.baseline_days),
        starts - timedelta(days=1),
        first,
        first + timedelta(days=success.window_days - 1),
    )


@dataclass(frozen=True)
class Observation:
    """A campaign's units as far as they have been observed.

    Attributes:
        outcomes: rows of table `outcome`, one a unit and measure.
        daily: measure, arm, day, value (mean over the units complete on the day, in the measure's unit; null for a
            share), units.
        windows: the days looked at.
        last_day: the last day of the window that has arrived; None before the first.
    """

    outcomes: pa.Table
    daily: pa.Table
    windows: Windows
    last_day: date | None

    @property
    def complete(self) -> bool:
        """Whether the whole window has arrived."""
        return self.last_day == self.windows.last

    @property
    def days_seen(self) -> int:
        """Days of the window that have arrived."""
        return 0 if self.last_day is None else (self.last_day - self.windows.first).days + 1


def measure_outcomes(
    view: LakeView,
    assignments: pa.Table,
    campaign_id: str,
    play: Playbook,
    starts: date,
    as_of: datetime | None = None,
) -> pa.Table:
    """Rows of table `outcome`; arguments as for `observe`."""
    return observe(view if as_of is None else view.at(as_of), assignments, campaign_id, play, starts).outcomes


def observe(
    view: LakeView,
    assignments: pa.Table,
    campaign_id: str,
    play: Playbook,
    starts: date,
    *,
    threads: int = 2,
) -> Observation:
    """Measure every assigned unit over the window and over the baseline, in one pass over the readings.

    Whoever was assigned has a row, reached or not: `value` is the mean over the complete days of the window, `before`
    the same over the baseline, each null below `least_days` complete days.

    Args:
        view: readings and contracts as known at its point of knowledge.
        assignments: unit_id (an account), arm.
        campaign_id: goes into the rows.
        play: what is measured, and the lengths of the windows.
        starts: local day on which the campaign started.
        threads: buckets read at once.
    """
    windows = campaign_windows(play.success, starts)
    measures = (play.success.primary, *play.success.secondary)
    units: list[str] = assignments.column("unit_id").to_pylist()
    arms: list[str] = assignments.column("arm").to_pylist()
    held = account_meters(view, windows.baseline_first, windows.last, units)
    arm_of = dict(zip(units, arms, strict=True))
    names = sorted(set(arms))
    of_place = np.array([names.index(arm_of[account]) for account in held.accounts], np.int64)
    seen = _Seen(measures, windows, names, len(held.accounts))
    for part in account_days(view, measures, held, threads=threads):
        seen.add(part, of_place[part.place])
    last_day = seen.last_day()
    rows = [
        _outcome_rows(seen, position, held, units, arms, play.success.least_days)
        for position in range(len(measures))
    ]
    end = windows.last if last_day is None else last_day
    common = {"campaign_id": campaign_id, "window_start": windows.first, "window_end": end}
    outcomes = pa.Table.from_pylist(
        [common | row for part in rows for row in part], schema=arrow_schema(table("outcome"))
    )
    return Observation(outcomes, seen.daily(), windows, last_day)


class _Seen:
    """What has been added up so far."""

    def __init__(
        self, measures: Sequence[Measure], windows: Windows, arms: Sequence[str], accounts: int
    ) -> None:
        self.measures, self.windows, self.arms = measures, windows, arms
        self.value = [MeasureTotals.empty(measure, accounts) for measure in measures]
        self.before = [MeasureTotals.empty(measure, accounts) for measure in measures]
        self.sums = np.zeros((len(arms), windows.days, len(measures)))
        self.counts = np.zeros(self.sums.shape, np.int64)

    def add(self, part: AccountDays, arm: NDArray[np.int64]) -> None:
        start = (self.windows.first - self.windows.baseline_first).days
        before = (self.windows.baseline_last - self.windows.baseline_first).days + 1
        for position in range(len(self.measures)):
            self.value[position].add(part, position, start)
            self.before[position].add(part, position, 0, before)
        np.add.at(self.sums, arm, np.where(part.complete, part.wh, 0.0))
        np.add.at(self.counts, arm, part.complete)

    def last_day(self) -> date | None:
        """The last day of the window on which at least half as many units are complete as on the best day."""
        complete = self.counts[:, :, 0].sum(axis=0)
        arrived = complete >= max(1.0, ARRIVED_SHARE * complete.max(initial=0))
        start = (self.windows.first - self.windows.baseline_first).days
        places = np.flatnonzero(arrived[start:])
        return self.windows.first + timedelta(days=int(places[-1])) if places.size else None

    def daily(self) -> pa.Table:
        """The mean curve of each arm and measure of energy."""
        rows = []
        for position, measure in enumerate(self.measures):
            for arm, name in enumerate(self.arms):
                for day in range(self.windows.days):
                    units = int(self.counts[arm, day, position])
                    mean = (
                        self.sums[arm, day, position] / units if units and measure.kind == "energy" else None
                    )
                    when = self.windows.baseline_first + timedelta(days=day)
                    rows.append(
                        {"measure": measure.name, "arm": name, "day": when, "value": mean, "units": units}
                    )
        schema = [("measure", pa.string()), ("arm", pa.string()), ("day", pa.date32())]
        return pa.Table.from_pylist(
            rows, schema=pa.schema([*schema, ("value", pa.float64()), ("units", pa.int64())])
        )


def _outcome_rows(
    seen: _Seen,
    position: int,
    held: AccountMeters,
    units: Sequence[str],
    arms: Sequence[str],
    least_days: int,
) -> list[dict[str, object]]:
    value, reasons = seen.value[position].values(held, least_days)
    before, _ = seen.before[position].values(held, least_days)
    place_of = {account: place for place, account in enumerate(held.accounts)}
    measure = seen.measures[position]
    rows: list[dict[str, object]] = []
    for unit, arm in zip(units, arms, strict=True):
        row: dict[str, object] = {"unit_id": unit, "arm": arm, "measure": measure.name, "unit": measure.unit}
        place = place_of.get(unit)
        if place is None:
            rows.append(row | {"reason": NO_CONTRACT})
        else:
            rows.append(
                row
                | {
                    "value": None if np.isnan(value[place]) else float(value[place]),
                    "before": None if np.isnan(before[place]) else float(before[place]),
                    "reason": reasons[place],
                }
            )
    return rows
