"""The truth about a campaign: the import of some hours with and without the messages, from the clean loads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.domain.errors import UsageError
from gridloop.twin.contracts import Contracts
from gridloop.twin.responses import Responses
from gridloop.twin.simulation import BLOCK, Month, Simulation

Floats = NDArray[np.float64]


def effect_table(
    simulation: Simulation,
    contracts: Contracts,
    responses: Responses,
    received: Sequence[int],
    hours: Sequence[tuple[int, int]],
    days: tuple[date, date],
) -> pa.Table:
    """Mean import of a day, Wh, with and without the responses, for contracts in force on the first day.

    Args:
        received: rows of the contracts, ascending.
        hours: spans [start, end) in minutes after midnight; none for the whole day.
        days: first and last.
    """
    first, last = (day.toordinal() for day in days)
    settings = simulation.settings
    start = settings.start.toordinal()
    if not start <= first <= last <= settings.last_day.toordinal():
        raise UsageError(
            "The county was not asked for these days.",
            evidence={
                "first": days[0],
                "last": days[1],
                "county": f"{settings.start} to {settings.last_day}",
            },
            ways_out=("Ask for a county that goes on longer (continued_days).",),
        )
    rows = np.array(received, np.int64)
    rows = rows[(contracts.begins[rows] <= first) & (contracts.ends[rows] > first)]
    inside = hour_slots(hours, simulation.settings.slots)
    without, with_offer = _means(
        simulation, contracts.premise[rows], responses, inside, (first - start, last - start + 1)
    )
    enrolled = [
        (kept := responses.enrolments.get(row)) is not None and kept.since <= last and kept.until > first
        for row in rows.tolist()
    ]
    chosen = rows.tolist()
    points = simulation.premises.service_point_id
    return pa.table(
        {
            "customer_id": pa.array([contracts.customer_id[row] for row in chosen], pa.string()),
            "account_id": pa.array([contracts.account_id[row] for row in chosen], pa.string()),
            "contract_id": pa.array([contracts.contract_id[row] for row in chosen], pa.string()),
            "service_point_id": pa.array(
                [points[premise] for premise in contracts.premise[rows].tolist()], pa.string()
            ),
            "enrolled": pa.array(enrolled, pa.bool_()),
            "without_offer": pa.array(without),
            "with_offer": pa.array(with_offer),
        }
    )


def hour_slots(hours: Sequence[tuple[int, int]], slots: int) -> NDArray[np.bool_]:
    """bool [slots]: which intervals of a day lie in the hours.

    Raises:
        UsageError: a span cuts an interval or is none.
    """
    minutes = 1440 // slots
    inside = np.full(slots, not hours)
    for start, end in hours:
        if start % minutes or end % minutes or not 0 <= start < end <= 1440:
            raise UsageError(
                "Hours must be spans of one day on the meters' intervals.",
                evidence={"start": start, "end": end, "interval_minutes": minutes},
            )
        inside[start // minutes : end // minutes] = True
    return inside


def _means(
    simulation: Simulation,
    premises: NDArray[np.int64],
    responses: Responses,
    inside: NDArray[np.bool_],
    days: tuple[int, int],
) -> tuple[Floats, Floats]:
    """Mean import of a day without and with the responses, by premise; `days` are positions [begin, end)."""
    sums = np.zeros((2, len(premises)))
    for place in range(0, len(premises), BLOCK):
        part = premises[place : place + BLOCK]
        for month in _months(simulation, *days):
            for which, change in enumerate((None, responses)):
                net = simulation.net_wh(part, month, change)[:, :, inside]
                sums[which, place : place + BLOCK] += np.maximum(net, 0).sum(axis=(1, 2), dtype=np.int64)
    return sums[0] / (days[1] - days[0]), sums[1] / (days[1] - days[0])


def _months(simulation: Simulation, begin: int, end: int) -> list[Month]:
    """Runs of at most 31 days."""
    days = simulation.calendar.days
    return [Month(days[first].replace(day=1), first, min(first + 31, end)) for first in range(begin, end, 31)]
