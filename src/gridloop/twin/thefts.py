"""Who steals energy, since when, how much of it the meter misses, and when an inspection ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.premises import NEVER, Premises
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings
from gridloop.twin.traits import order_within_class

SHARES_OF_CLASS = (0.010, 0.025, 0.004, 0.020, 0.030, 0.0)
"""Share of premises of each class that steal at some time."""

_MONTHLY_ROUTINE, _MONTHLY_TIP = 0.004, 0.035

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Thefts:
    """The county's thefts, one entry each, in the order of premises; days are ordinals.

    Attributes:
        premise: int64.
        since, until: int64, stealing on days [since, until); NEVER while nobody has found it.
        share: float64 0–1, what the meter misses of every interval's import.
    """

    premise: Ints
    since: Ints
    until: Ints
    share: NDArray[np.float64]

    def hide(self, net: NDArray[np.int32], members: Ints, ordinals: NDArray[np.int32]) -> NDArray[np.int32]:
        """What the meters record of net energy int32 [members, days, slots] Wh: of an import v, ⌊v · (1 − share)⌋."""
        place = np.searchsorted(self.premise, members)
        here = np.flatnonzero(np.isin(members, self.premise))
        if not len(here):
            return net
        recorded = net.copy()
        for row in here.tolist():
            one = int(place[row])
            days = (ordinals >= self.since[one]) & (ordinals < self.until[one])
            values = recorded[row, days]
            less = np.floor(values * (1.0 - self.share[one])).astype(np.int32)
            recorded[row, days] = np.where(values > 0, less, values)
        return recorded


@dataclass(frozen=True, slots=True)
class Visits:
    """Inspections of premises, ordered by day: int64 day and premise, and why each was made."""

    day: Ints
    premise: Ints
    reason: list[str]


def draw_thefts(settings: TwinSettings, premises: Premises) -> Thefts:
    """The thefts of a county whose settings ask for them, else none.

    They begin on a day from 200 before the window to its end. Inspections find nine of ten, which ends them.
    """
    if "thefts" not in settings.subjects:
        nobody = np.zeros(0, np.int64)
        return Thefts(nobody, nobody, nobody, np.zeros(0))
    seed, who, code = settings.seed, np.arange(len(premises)), premises.traits.class_code
    stream = Stream(seed, "theft")
    steals = stream.uniform(who, 0) < np.array(SHARES_OF_CLASS)[code]
    first = settings.start.toordinal()
    since = first - 200 + (stream.uniform(who, 1) * (settings.days + 200)).astype(np.int64)
    share = np.round(0.3 + 0.6 * stream.uniform(who, 2), 3)
    if settings.permutation is not None:
        order = order_within_class(seed, settings.permutation, code)
        steals, since, share = steals[order], since[order], share[order]
    thieves = np.flatnonzero(steals)
    since = np.maximum(since[thieves], premises.connected[thieves] + 30)
    months = _months(settings)
    until = np.full(len(thieves), NEVER)
    for month in months:
        visits = inspections(settings, thieves, since, month)
        place = np.searchsorted(thieves, visits.premise)
        found = (visits.day > since[place]) & finds(seed, visits) & (until[place] == NEVER)
        until[place[found]] = visits.day[found]
    return Thefts(thieves, since, until, share[thieves])


def inspections(settings: TwinSettings, thieves: Ints, since: Ints, month: date) -> Visits:
    """The visits to some premises in a calendar month: routine ones, and tips about whoever steals by then.

    Args:
        thieves: the premises, ascending.
        since: int64, when each began to steal; NEVER for who does not.
    """
    first = month.toordinal()
    stream = Stream(settings.seed, "inspection")
    day = first + (stream.uniform(thieves, first, 1) * 28.0).astype(np.int64)
    drawn = stream.uniform(thieves, first, 0)
    routine = drawn < _MONTHLY_ROUTINE
    tipped = ~routine & (drawn < _MONTHLY_ROUTINE + _MONTHLY_TIP) & (since < day)
    chosen = np.flatnonzero(routine | tipped)
    order = chosen[np.argsort(day[chosen], kind="stable")]
    reasons = ["routine" if routine[row] else "tip_off" for row in order.tolist()]
    return Visits(day[order], thieves[order], reasons)


def finds(seed: int, visits: Visits) -> NDArray[np.bool_]:
    """Whether each visit would find a theft that is there."""
    found: NDArray[np.bool_] = Stream(seed, "inspection finds").uniform(visits.premise, visits.day) < 0.9
    return found


def _months(settings: TwinSettings) -> list[date]:
    """The first days of the calendar months of the county's days."""
    start, last = settings.start, settings.last_day
    count = (last.year - start.year) * 12 + last.month - start.month + 1
    return [
        date(start.year + (start.month - 1 + i) // 12, (start.month - 1 + i) % 12 + 1, 1)
        for i in range(count)
    ]
