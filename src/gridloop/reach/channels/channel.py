"""What a channel is: it takes one message at a time, says what became of it, and later tells what came back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Verdict(StrEnum):
    """What a channel says of a message that it was handed."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For certain: it has not gone out, and would not another time."""
    DEFERRED = "deferred"
    """For certain: it has not gone out, but may later."""
    UNKNOWN = "unknown"
    """It may have gone out; it is never sent again by itself (docs/conventions.md §12)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person, with the person's address: it exists in memory only, and its text is never logged.

    Attributes:
        message_id: the same over retries; a channel that honours it as an idempotency key sends once.
        channel: `app`, `email`, `sms` or `phone`.
        address: of that channel.
        language: of the text.
        subject, text, html: content; html is None for plain channels.
        at: the present instant, by the ledger's clock.
        unsubscribe_url, unsubscribe_mailto: where one click or one mail ends it; None where not configured.
        facts: the numbers of the offer for channels that render them (`tariff`, `saving` …).
    """

    message_id: str
    channel: str
    address: str = field(repr=False)
    language: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    at: datetime
    unsubscribe_url: str | None = field(default=None, repr=False)
    unsubscribe_mailto: str | None = field(default=None, repr=False)
    facts: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Handover:
    """What became of a message.

    Attributes:
        verdict: see `Verdict`.
        error: the channel's words without any personal data; None when accepted.
        cost: in the workspace's currency, if the channel tells.
    """

    verdict: Verdict
    error: str | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Something that came back.

    Attributes:
        receipt_id: the channel's own key of it, the same when it comes again.
        message_id: of the message it answers.
        kind: delivered, bounced, opened, clicked, accepted, declined, unsubscribed or complained.
        at: when, aware.
        details: more, without personal data.
    """

    receipt_id: str
    message_id: str
    kind: str
    at: datetime
    details: Mapping[str, object] = field(default_factory=dict)


class Channel(Protocol):
    """A way out of the house. `gridloop.testing.channel_kit` examines one.

    Attributes:
        name: `app`, `email`, `sms` or `phone`: what consents name.
        transport: how it goes out: `file`, `smtp`, `twin` …
        exactly_once: whether it honours `message_id`, so that handing over again after a crash cannot double.
    """

    name: str
    transport: str
    exactly_once: bool

    def open(self) -> AbstractContextManager[None]:
        """Be ready to take messages; raises ServiceMissing where the other side does not answer."""
        ...

    def hand_over(self, message: Message) -> Handover:
        """Take one message.

        It never raises for what one message causes: that is a REFUSED, DEFERRED or UNKNOWN.

        Raises:
            ServiceMissing: the other side has gone, and has taken nothing of this message.
        """
        ...

    def receipts(self, until: datetime) -> Iterable[Receipt]:
        """What came back up to an instant; may give again what it gave before."""
        ...
