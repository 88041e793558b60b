"""The channel of a demo: the synthetic county's people take the messages and answer them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from gridloop.domain.errors import UsageError
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


class TwinChannel:
    """A channel whose other end is the synthetic county. It knows a message again, so nothing is doubled.

    Args:
        name: see `reach.channels.channel.Channel`.
        people: who answers.
    """

    def __init__(self, name: str, people: People) -> None:
        self.name = name
        self.transport = "twin"
        self.exactly_once = True
        self._people = people

    @contextmanager
    def open(self) -> Iterator[None]:
        """The county is always there."""
        yield

    def hand_over(self, message: Message) -> Handover:
        """Give it to whoever has the address."""
        try:
            known = self._people.receive(
                message.message_id, message.channel, message.address, message.at, dict(message.facts)
            )
        except UsageError as error:
            return Handover(Verdict.REFUSED, error.what)
        return Handover(Verdict.ACCEPTED) if known else Handover(Verdict.REFUSED, "no such address")

    def receipts(self, until: datetime) -> Iterable[Receipt]:
        """What the people answered up to an instant."""
        for event in self._people.events(until):
            yield Receipt(event.event_id, event.message_id, event.kind, event.at, dict(event.details or {}))
