"""From the detectors' events to findings a person can act on: one per meter and kind, with its worst case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gridloop.domain.finding import Finding, Severity
from gridloop.kernels.validation import EventKind

if TYPE_CHECKING:
    from gridloop.data.quality.history import MeterBlock


@dataclass(frozen=True)
class Saying:
    """How a kind of event is told.

    Attributes:
        code: rule of the finding.
        text: sentence with the fields times, hours, longest, first, last, worst, share.
        severity: how grave it is.
        dimension: of quality.
    """

    code: str
    text: str
    severity: Severity
    dimension: str


SAYINGS: dict[EventKind, Saying] = {
    EventKind.SPIKE: Saying(
        "reading.spike",
        "spikes far above what the meter repeats: {times}, the greatest {worst:,.0f} Wh on {first}; kept, flagged.",
        Severity.WARNING,
        "accuracy",
    ),
    EventKind.ZERO_RUN: Saying(
        "reading.zero_run",
        "zero runs beyond its habit: {times}, {hours:,.1f} h in all, the longest {longest:,.1f} h from {first}.",
        Severity.WARNING,
        "accuracy",
    ),
    EventKind.STUCK: Saying(
        "reading.stuck",
        "runs of one repeated value: {times}, {hours:,.1f} h in all, the longest {longest:,.1f} h from {first}.",
        Severity.WARNING,
        "accuracy",
    ),
    EventKind.NEGATIVE: Saying(
        "reading.negative",
        "negative values on an import channel: {times} runs, the least {worst:,.0f} Wh on {first}.",
        Severity.ERROR,
        "accuracy",
    ),
    EventKind.OVER_CAPACITY: Saying(
        "reading.over_capacity",
        "values above what the connection can carry; the capacity on file or the unit is wrong.",
        Severity.ERROR,
        "consistency",
    ),
    EventKind.GAP_SHORT: Saying(
        "reading.gap_short",
        "short gaps: {times}, {hours:,.1f} h in all; filled by a straight line, flagged as estimated.",
        Severity.INFO,
        "completeness",
    ),
    EventKind.GAP_LONG: Saying(
        "reading.gap_long",
        "gaps over two hours: {times}, {hours:,.1f} h in all, the longest {longest:,.1f} h from {first}; left missing.",
        Severity.WARNING,
        "completeness",
    ),
    EventKind.GAP_DAYS: Saying(
        "reading.gap_days",
        "gaps of whole days: {times}, {hours:,.0f} h in all, the longest {longest:,.0f} h from {first}; left missing.",
        Severity.WARNING,
        "completeness",
    ),
    EventKind.LATE_START: Saying(
        "reading.late_start",
        "the first reading came {hours:,.0f} h after the data set begins.",
        Severity.INFO,
        "completeness",
    ),
    EventKind.EARLY_END: Saying(
        "reading.early_end",
        "no reading after {first}: silent for the last {hours:,.0f} h of the data set.",
        Severity.WARNING,
        "completeness",
    ),
    EventKind.NO_DATA: Saying("reading.no_data", "no reading at all.", Severity.ERROR, "completeness"),
    EventKind.VACANT: Saying(
        "reading.vacant",
        "unbroken zeros for weeks: {times} times, {hours:,.0f} h, the longest {first} to {last}: empty, not faulty.",
        Severity.INFO,
        "accuracy",
    ),
    EventKind.HABITUAL_ZERO: Saying(
        "reading.habitual_zero",
        "{worst:.0%} of the values are zero: the meter is hardly used, its profile says little.",
        Severity.INFO,
        "accuracy",
    ),
}
"""How every kind of event is told."""


@dataclass(frozen=True)
class MeterFinding:
    """A finding with the days it concerns, as table `quality_finding` keeps it."""

    finding: Finding
    dimension: str
    day_from: date | None
    day_to: date | None
    count: int


def meter_findings(block: MeterBlock, events: npt.NDArray[np.void]) -> Iterator[MeterFinding]:
    """One finding per meter and kind of event of a block.

    Args:
        block: the meters; their order is that of the events' indices.
        events: structured array of `kernels.validation.EVENT_DTYPE`.
    """
    if len(events) == 0:
        return
    order = np.lexsort((events["first_day"], events["kind"], events["meter"]))
    ordered = events[order]
    new = (ordered["meter"][1:] != ordered["meter"][:-1]) | (ordered["kind"][1:] != ordered["kind"][:-1])
    for group in np.split(ordered, np.flatnonzero(new) + 1):
        yield _told(block, group)


def _told(block: MeterBlock, group: npt.NDArray[np.void]) -> MeterFinding:
    kind = EventKind(int(group["kind"][0]))
    saying = SAYINGS[kind]
    worst = group[int(np.argmax(group["intervals"]))]
    if kind in (EventKind.SPIKE, EventKind.HABITUAL_ZERO, EventKind.OVER_CAPACITY):
        worst = group[int(np.argmax(group["value"]))]
    if kind is EventKind.NEGATIVE:
        worst = group[int(np.argmin(group["value"]))]
    minutes = block.units[0].interval_minutes
    first = block.first_day + timedelta(days=int(worst["first_day"]))
    last = block.first_day + timedelta(days=int(worst["last_day"]))
    if kind is EventKind.EARLY_END:
        first -= timedelta(days=1 if int(worst["first_position"]) == 0 else 0)
    evidence: dict[str, object] = {
        "times": len(group),
        "hours": round(float(group["intervals"].sum()) * minutes / 60, 2),
        "longest_hours": round(float(group["intervals"].max()) * minutes / 60, 2),
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "channel": block.units[0].channel.value,
    }
    value, reference = float(worst["value"]), float(worst["reference"])
    if np.isfinite(value):
        evidence["worst_value"] = round(value, 3)
    if np.isfinite(reference):
        evidence["threshold"] = round(reference, 3)
    meter = block.meters[int(group["meter"][0])]
    text = saying.text.format(
        times=len(group),
        hours=evidence["hours"],
        longest=evidence["longest_hours"],
        first=first,
        last=last,
        worst=value,
    )
    finding = Finding(saying.code, f"{meter}: {text}", evidence, saying.severity, "reading", meter)
    day_from = block.first_day + timedelta(days=int(group["first_day"].min()))
    day_to = block.first_day + timedelta(days=int(group["last_day"].max()))
    return MeterFinding(finding, saying.dimension, day_from, day_to, len(group))
