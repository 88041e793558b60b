"""How much the measure of a play varies between accounts, and how well its value before tells its value after.

Both are taken from days that are over, two consecutive periods shaped like baseline and window of the campaign; the
outcome plays no part (docs/methods/playbooks.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from gridloop.domain.finding import NotComputable
from gridloop.domain.reading import Channel
from gridloop.engine.readings import reading_span, reading_units
from gridloop.strategy.measure import measure_accounts
from gridloop.strategy.playbook.model import Playbook

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

LEAST_ACCOUNTS = 3
"""Accounts below which no spread is told."""

HIGHEST_CORRELATION = 0.999


@dataclass(frozen=True, slots=True)
class Windows:
    """Spans of days, first and last within them.

    Attributes:
        baseline: the last days, as many as the estimate will be adjusted by.
        after: the last days, as many as will be judged: stands for the outcome.
        before: as many days as the baseline has, ending as long before `after` as the campaign settles.
    """

    baseline: tuple[date, date]
    after: tuple[date, date]
    before: tuple[date, date]


@dataclass(frozen=True, slots=True)
class Spread:
    """The measure between accounts.

    Attributes:
        units: accounts with a value in `after`.
        mean, deviation: over them, in the measure's unit.
        correlation: of `before` with `after` over accounts that have both; None when they are too few or do not vary.
        windows: see `Windows`.
    """

    units: int
    mean: float
    deviation: float
    correlation: float | None
    windows: Windows


def plan_windows(play: Playbook, last: date) -> Windows:
    """The spans of days that a plan looks at when the newest readings are of the day `last`."""
    success = play.success
    after = (last - timedelta(days=success.window_days - 1), last)
    ends = after[0] - timedelta(days=success.settle_days + 1)
    return Windows(
        baseline=(last - timedelta(days=success.baseline_days - 1), last),
        after=after,
        before=(ends - timedelta(days=success.baseline_days - 1), ends),
    )


def last_reading_day(view: LakeView, today: date) -> date | None:
    """The newest day with an import reading before today, which is not over yet; None when nothing was read."""
    units = {(unit.zone, unit.interval_minutes): unit for unit in reading_units(view, Channel.IMPORT_WH)}
    spans = [span for unit in units.values() if (span := reading_span(view, unit)) is not None]
    return min(max(span[1] for span in spans), today - timedelta(days=1)) if spans else None


def measure_spread(
    view: LakeView, play: Playbook, accounts: Collection[str], last: date, *, threads: int = 2
) -> Spread | NotComputable:
    """Spread and correlation of the primary measure over some accounts.

    Args:
        view: readings and contracts.
        play: its primary measure, windows and least number of days.
        accounts: those that would be drawn.
        last: newest day with readings.
        threads: buckets read at once.

    Returns:
        the spread; `too_few_units` or `no_variation` when it cannot be told.
    """
    windows = plan_windows(play, last)
    after, before = (
        measure_accounts(
            view,
            play.success.primary,
            *window,
            least_days=play.success.least_days,
            accounts=accounts,
            threads=threads,
        )
        for window in (windows.after, windows.before)
    )
    return spread_of(before, after, windows)


def spread_of(before: pa.Table, after: pa.Table, windows: Windows) -> Spread | NotComputable:
    """The spread of two measurements.

    Args:
        before, after: account_id and value (null where it is not known).
        windows: when they were taken.
    """
    values = {row["account_id"]: row["value"] for row in after.to_pylist() if row["value"] is not None}
    if len(values) < LEAST_ACCOUNTS:
        return NotComputable(
            "too_few_units", "Too few accounts have readings that tell a spread.", {"accounts": len(values)}
        )
    outcome = np.array(list(values.values()))
    deviation = float(outcome.std(ddof=1))
    if not deviation > 0:
        return NotComputable(
            "no_variation", "The measure does not vary between accounts.", {"accounts": len(values)}
        )
    pairs = [
        (row["value"], values[row["account_id"]])
        for row in before.to_pylist()
        if row["value"] is not None and row["account_id"] in values
    ]
    return Spread(len(values), float(outcome.mean()), deviation, _correlation(pairs), windows)


def _correlation(pairs: list[tuple[float, float]]) -> float | None:
    if len(pairs) < LEAST_ACCOUNTS:
        return None
    one, other = np.array(pairs).T
    if not (one.std() > 0 and other.std() > 0):
        return None
    found = float(np.corrcoef(one, other)[0, 1])
    return max(-HIGHEST_CORRELATION, min(HIGHEST_CORRELATION, found))
