"""Which status may follow which; a refused step names both states and the way there."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from gridloop.domain.errors import LedgerConflict


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The statuses of one kind of record and the allowed steps between them.

    Attributes:
        noun: what the record is, `plan`.
        steps: status → statuses that may follow it; every status is a key.
    """

    noun: str
    steps: Mapping[str, tuple[str, ...]]

    def require(self, identity: str, current: str, wanted: str) -> None:
        """Return when `wanted` may follow `current`.

        Raises:
            LedgerConflict: it may not; names both, what may follow and the shortest way to `wanted`.
        """
        if wanted in self.steps[current]:
            return
        following = self.steps[current]
        way = self._way(current, wanted)
        raise LedgerConflict(
            f"The {self.noun} {identity} is {current} and cannot become {wanted}.",
            evidence={"status": current, "wanted": wanted},
            ways_out=(
                f"From {current} it may become: {', '.join(following)}."
                if following
                else f"A {self.noun} that is {current} stays so; make a new one.",
                *([f"The way there: {' → '.join(way)}."] if len(way) > 2 else []),
            ),
        )

    def _way(self, current: str, wanted: str) -> list[str]:
        ways = deque([[current]])
        seen = {current}
        while ways:
            way = ways.popleft()
            if way[-1] == wanted:
                return way
            fresh = [status for status in self.steps[way[-1]] if status not in seen]
            seen.update(fresh)
            ways.extend([*way, status] for status in fresh)
        return []


PLAN = Lifecycle(
    "plan",
    {
        "draft": ("submitted", "cancelled"),
        "submitted": ("approved", "rejected", "draft", "cancelled"),
        "rejected": ("draft", "cancelled"),
        "approved": ("launched", "draft", "cancelled"),
        "launched": ("finished",),
        "cancelled": (),
        "finished": (),
    },
)
"""A plan that is changed, recalled or whose approval is withdrawn is a draft again and has to be approved anew."""

CAMPAIGN = Lifecycle(
    "campaign",
    {
        "scheduled": ("running", "stopped"),
        "running": ("paused", "stopped", "finished"),
        "paused": ("running", "stopped"),
        "stopped": (),
        "finished": (),
    },
)
"""A stopped campaign stays stopped: starting again is a new plan."""

SEND = Lifecycle(
    "send",
    {
        "planned": ("sending", "cancelled"),
        "sending": ("sent", "failed", "unknown", "planned", "cancelled"),
        "unknown": ("sent", "failed", "planned"),
        "failed": ("planned", "cancelled"),
        "sent": ("bounced",),
        "bounced": (),
        "cancelled": (),
    },
)
"""From `sending` only the process that claimed a message and has not handed it over puts it back or gives it up; from
`unknown` it is planned again only where the channel honours the message id, so that nothing can double."""

RUN = Lifecycle(
    "run",
    {
        "running": ("succeeded", "failed", "killed", "skipped"),
        "succeeded": (),
        "failed": (),
        "killed": (),
        "skipped": (),
    },
)
"""A run ends once."""
