"""How one person reacts to one message: what comes back and when, by hidden attributes (docs/methods/twin.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np

from gridloop.twin.seeds import Stream

SHIFT_PER_ELASTICITY = 0.54
"""Dear hours keep ratio^(this · elasticity) of their use."""

LARGEST_SHARE = 0.6
"""Nobody avoids more of the dear hours than this."""

LEAVING_AFTER_DAYS = 14
"""Nobody leaves a tariff earlier."""

_PERSUASION = 0.125
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Manner:
    """How people use a channel.

    Attributes:
        dead: share of addresses that bounce whatever comes.
        lost: share of messages that bounce at the others.
        read: share of delivered messages that somebody of mean receptiveness reads.
        reports_reading: whether the channel can tell.
        hours: median hours until a message is read.
        persuasion: acceptances relative to the mean channel.
    """

    dead: float
    lost: float
    read: float
    reports_reading: bool
    hours: float
    persuasion: float


CHANNELS: Mapping[str, Manner] = {
    "app": Manner(0.010, 0.005, 0.55, True, 3.0, 1.1),
    "email": Manner(0.030, 0.010, 0.40, True, 8.0, 1.1),
    "sms": Manner(0.020, 0.010, 0.75, False, 0.4, 0.8),
    "phone": Manner(0.030, 0.070, 0.50, True, 0.02, 1.5),
}
"""Channels by name."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who holds an address, with the hidden attributes of the place where they live."""

    contract: int
    premise: int
    receptiveness: float
    elasticity: float
    leaving_per_day: float


@dataclass(frozen=True, slots=True)
class Received:
    """One message that reached an address.

    Attributes:
        message_id, channel, address: of the message.
        at: when it was handed over.
        tariff: what it offers; None for nothing.
        saving: what it promises, currency a year; None where it promises nothing.
    """

    message_id: str
    channel: str
    address: str = field(repr=False)
    at: datetime
    tariff: str | None
    saving: float | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that came of a message."""

    kind: str
    at: datetime
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reaction:
    """All that came of a message, in order of time."""

    happenings: tuple[Happening, ...]

    def when(self, kind: str) -> datetime | None:
        """When something of that kind happened, if it did."""
        return next((each.at for each in self.happenings if each.kind == kind), None)


def react(seed: int, person: Person, message: Received) -> Reaction:
    """What a person does about a message; a function of the county's seed, the address and the message's id.

    bounce: a dead address, or a lost message. read: read · (½ + 1.35 · receptiveness). accept, of those who read:
    0.125 · persuasion · (½ + 1.35 · receptiveness) · appeal(saving) · √(|elasticity| / 0.26).
    """
    manner = CHANNELS[message.channel]
    dead = float(Stream(seed, f"address/{message.address}").uniform(0)[0]) < manner.dead
    drawn = Stream(seed, f"answer/{message.address}/{message.message_id}").uniform(np.arange(12)).tolist()
    if dead or drawn[0] < manner.lost:
        details = {"permanent": dead}
        return Reaction((Happening("bounced", _after(message.at, drawn[1], 0.05, 1.0), details),))
    delivered = _after(message.at, drawn[1], 0.01, 1.0)
    found = [Happening("delivered", delivered)]
    openness = 0.5 + 1.35 * person.receptiveness
    if drawn[2] < min(0.98, manner.read * openness):
        read = _after(delivered, drawn[3], manner.hours, 1.2)
        if manner.reports_reading:
            found.append(Happening("opened", read))
        found += _decision(person, message, read, openness * manner.persuasion, drawn)
        found += _displeasure(read, openness, drawn)
    return Reaction(tuple(sorted(found, key=lambda each: each.at)))


def _decision(
    person: Person, message: Received, read: datetime, inclination: float, drawn: list[float]
) -> list[Happening]:
    """Clicking, and accepting or declining some time later; nothing can be accepted where nothing is offered."""
    zest = math.sqrt(min(max(abs(person.elasticity) / 0.26, 0.2), 3.0))
    accepts = 0.0
    if message.tariff is not None:
        accepts = min(0.9, _PERSUASION * inclination * appeal(message.saving) * zest)
    clicked = Happening("clicked", _after(read, drawn[5], 0.05, 1.0))
    decided = _after(clicked.at, drawn[6], 18.0, 1.1)
    if drawn[4] < accepts:
        return [clicked, Happening("accepted", decided, {"tariff": message.tariff})]
    if drawn[4] < accepts + 0.03 and message.tariff is not None:
        return [clicked, Happening("declined", decided)]
    return [clicked] if drawn[4] < accepts + 0.10 else []


def _displeasure(read: datetime, openness: float, drawn: list[float]) -> list[Happening]:
    """Those who do not like to be contacted leave the list more often; few complain."""
    found = []
    if drawn[7] < 0.008 / openness:
        found.append(Happening("unsubscribed", _after(read, drawn[8], 0.05, 1.0)))
    if drawn[9] < 0.0006 / openness:
        found.append(Happening("complained", _after(read, drawn[10], 24.0, 1.0)))
    return found


def appeal(saving: float | None) -> float:
    """How much likelier people accept for what they are told to save a year: 0.4 for a loss, 1 for 25, 2 for 200."""
    told = 0.0 if saving is None else saving
    return 0.4 + 1.7 / (1.0 + math.exp(min(max(-(told - 60.0) / 55.0, -50.0), 50.0)))


def avoided_share(elasticity: float, ratio: float, *, raises: bool) -> float:
    """Share of the dear hours' use that somebody enrolled avoids: 1 − ratio^(0.54 · elasticity); those whom the offer
    sets against it use half as much more.
    """
    share = min(LARGEST_SHARE, 1.0 - math.pow(ratio, SHIFT_PER_ELASTICITY * elasticity))
    return -0.5 * share if raises else share


def days_on_tariff(seed: int, person: Person, message: Received) -> int:
    """Days until somebody leaves the tariff again: at least 14, then by a constant hazard a day."""
    drawn = float(Stream(seed, f"leave/{message.address}/{message.message_id}").uniform(0)[0])
    rate = min(max(person.leaving_per_day, 1e-9), 0.5)
    return LEAVING_AFTER_DAYS + int(min(math.log1p(-drawn) / math.log1p(-rate), 1e6))


def _after(start: datetime, drawn: float, median_hours: float, spread: float) -> datetime:
    """A lognormal delay, whole seconds, at most a fortnight."""
    deviate = _NORMAL.inv_cdf(min(max(drawn, 1e-6), 1.0 - 1e-6))
    hours = min(median_hours * math.exp(spread * deviate), 336.0)
    return start + timedelta(seconds=max(1, round(3600.0 * hours)))
