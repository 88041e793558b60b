"""The channel of a demo: the synthetic county's people take the messages and answer them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gridloop.reach.channels.channel import Handover, Message, Receipt, Verdict


class People(Protocol):
    """Whoever gets messages and answers them; `twin.answers.Answers` does."""

    def receive(
        self, message_id: str, channel: str, address: str, at: datetime, facts: Mapping[str, object]
    ) -> bool:
        """Take one message; False when nobody has that address."""
        ...

    def events(self, until: datetime) -> Iterable[Any]:
        """What was answered up to an instant: event_id, message_id, kind, at, details."""
        ...


@dataclass(frozen=True)
class TwinChannel:
    """A channel whose other end is the synthetic county. It knows a message again, so nothing is doubled.

    Attributes:
        name: see `reach.channels.channel.Channel`.
        people: who answers.
    """

    name: str
    people: People
    transport: str = "twin"
    exactly_once: bool = True

    @contextmanager
    def open(self) -> Iterator[None]:
        """The county is always there."""
        yield

    def hand_over(self, message: Message) -> Handover:
        """Give it to whoever has the address."""
        known = self.people.receive(
            message.message_id, message.channel, message.address, message.at, dict(message.facts)
        )
        return Handover(Verdict.ACCEPTED) if known else Handover(Verdict.REFUSED, "no such address")

    def receipts(self, until: datetime) -> Iterable[Receipt]:
        """What the people answered up to an instant."""
        for event in self.people.events(until):
            yield Receipt(event.event_id, event.message_id, event.kind, event.at, dict(event.details or {}))
