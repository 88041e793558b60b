"""Messages of the outbox as values: planned, as recorded, and what became of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from gridloop.domain.ids import SendId


@dataclass(frozen=True, slots=True)
class PlannedSend:
    """A message to one customer, before anything is sent.

    Attributes:
        customer_id: to whom; address and consent are looked up at delivery.
        channel: how.
        idempotency_key: equal for the same message however often it is planned.
        template, language: content.
        not_before: earliest instant; at once when None.
        cost: expected cost in the workspace currency.
    """

    customer_id: str
    channel: str
    idempotency_key: str
    template: str | None = None
    language: str | None = None
    not_before: datetime | None = None
    cost: Decimal | None = None

    @property
    def message_id(self) -> str:
        """Stable over retries: the first 32 hexadecimal digits of SHA-256 of the idempotency key."""
        return sha256(self.idempotency_key.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Send:
    """One message, as the table `send` declares it."""

    send_id: SendId
    campaign_id: str
    customer_id: str
    channel: str
    message_id: str
    status: str
    attempts: int
    planned_at: datetime
    sending_at: datetime | None
    sent_at: datetime | None
    idempotency_key: str
    template: str | None
    language: str | None
    not_before: datetime | None
    last_error: str | None
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claimed message, as the process says that claimed it.

    Attributes:
        send_id: the message.
        status: sent, failed or unknown after it was handed over; planned (put back) or cancelled when it was not.
        error: why, unless it was sent; never personal data.
        cost: what the channel asked for it.
        not_before: of one that is put back: when it may be tried again.
        attempted: whether a channel was asked; one that was held back counts as no attempt.
    """

    send_id: str
    status: str
    error: str | None = None
    cost: Decimal | None = None
    not_before: datetime | None = None
    attempted: bool = True
