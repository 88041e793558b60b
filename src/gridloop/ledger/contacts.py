"""What a customer has been sent and what came of it: all that the gate asks of the ledger, in one look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from gridloop.ledger.database import Database
from gridloop.ledger.schema import TABLES
from gridloop.ledger.unsubscribes import Unsubscribe

_SEND = TABLES["send"]
_RESPONSE = TABLES["response"]
_UNSUBSCRIBE = TABLES["unsubscribe"]
_AT_ONCE = 400

COUNTED = ("sending", "sent", "unknown")
"""Statuses of a message that count as a contact: it reached the customer, or may have."""


# Built once: the gate asks them for every message.
_CHOSEN: BindParameter[str] = bindparam("customers", expanding=True)
_MESSAGES = select(
    _SEND.c.send_id, _SEND.c.customer_id, _SEND.c.channel, _SEND.c.status, _SEND.c.sending_at
).where(_SEND.c.customer_id.in_(_CHOSEN), _SEND.c.status.in_((*COUNTED, "bounced")))
_COMPLAINTS = select(_RESPONSE.c.customer_id).where(
    _RESPONSE.c.customer_id.in_(_CHOSEN), _RESPONSE.c.kind == "complained"
)
_UNSUBSCRIBES = select(_UNSUBSCRIBE).where(_UNSUBSCRIBE.c.customer_id.in_(_CHOSEN))


@dataclass(frozen=True, slots=True)
class ContactHistory:
    """What is known of one customer.

    Attributes:
        contacted: when messages of any campaign and channel were handed over, oldest first.
        bounced: channels on which a message came back for good.
        complained: whether a message was reported as unwanted.
        unsubscribes: what the customer does not want.
    """

    contacted: tuple[datetime, ...] = ()
    bounced: frozenset[str] = frozenset()
    complained: bool = False
    unsubscribes: tuple[Unsubscribe, ...] = ()


NOTHING = ContactHistory()
"""Of a customer who was never contacted."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """How a campaign is taken.

    Attributes:
        accepted: messages that a channel accepted, bounced ones included.
        bounced: those that came back.
        unsubscribed: customers who unsubscribed in answer to one.
    """

    accepted: int
    bounced: int
    unsubscribed: int


class Contacts:
    """The history of contacts of a ledger; made by `Ledger`. It only reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(
        self, customer_ids: Iterable[str], since: datetime, besides: Collection[str] = ()
    ) -> dict[str, ContactHistory]:
        """The history of customers; one of whom nothing is known is not in it.

        Args:
            customer_ids: whose.
            since: contacts from this instant on; bounces, complaints and unsubscriptions count for ever.
            besides: sends that are not counted: the one that is about to go.
        """
        chosen = list(dict.fromkeys(customer_ids))
        found: dict[str, ContactHistory] = {}
        for first in range(0, len(chosen), _AT_ONCE):
            part = chosen[first : first + _AT_ONCE]
            with self._database.read() as connection:
                found |= self._histories(connection, part, since, besides)
        return found

    def _histories(
        self, connection: Connection, part: list[str], since: datetime, besides: Collection[str]
    ) -> dict[str, ContactHistory]:
        contacted: dict[str, list[datetime]] = defaultdict(list)
        bounced: dict[str, set[str]] = defaultdict(set)
        chosen = {"customers": part}
        for row in connection.execute(_MESSAGES, chosen):
            if row.status == "bounced":
                bounced[row.customer_id].add(row.channel)
            elif row.sending_at is not None and row.sending_at >= since and row.send_id not in besides:
                contacted[row.customer_id].append(row.sending_at)
        complained = set(connection.scalars(_COMPLAINTS, chosen))
        unsubscribes: dict[str, list[Unsubscribe]] = defaultdict(list)
        for one in connection.execute(_UNSUBSCRIBES, chosen):
            said = Unsubscribe(**{name: one._mapping[name] for name in Unsubscribe.__dataclass_fields__})
            unsubscribes[said.customer_id].append(said)
        return {
            customer: ContactHistory(
                tuple(sorted(contacted[customer])),
                frozenset(bounced[customer]),
                customer in complained,
                tuple(unsubscribes[customer]),
            )
            for customer in {*contacted, *bounced, *complained, *unsubscribes}
        }

    def contacted_since(self, instant: datetime) -> frozenset[str]:
        """Customers to whom a message of any campaign went, or may have gone, from an instant on."""
        query = select(_SEND.c.customer_id).where(_SEND.c.status.in_(COUNTED), _SEND.c.sending_at >= instant)
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def latest(self) -> dict[str, datetime]:
        """Customer → when a message of any campaign and channel last went out, or may have."""
        query = select(_SEND.c.customer_id, func.max(_SEND.c.sending_at)).where(_SEND.c.status.in_(COUNTED))
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(_SEND.c.customer_id))
            return {customer: at for customer, at in rows if at is not None}

    def bounced(self) -> frozenset[tuple[str, str]]:
        """(customer, channel) on which a message came back for good."""
        query = select(_SEND.c.customer_id, _SEND.c.channel).where(_SEND.c.status == "bounced")
        with self._database.read() as connection:
            return frozenset((customer, channel) for customer, channel in connection.execute(query))

    def complained(self) -> frozenset[str]:
        """Customers who reported a message as unwanted."""
        query = select(_RESPONSE.c.customer_id).where(_RESPONSE.c.kind == "complained")
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def reaction(self, campaign_id: str) -> Reaction:
        """How a campaign is taken so far."""
        counted = select(_SEND.c.status, func.count()).where(
            _SEND.c.campaign_id == campaign_id, _SEND.c.status.in_(("sent", "bounced"))
        )
        left = (
            select(func.count(func.distinct(_UNSUBSCRIBE.c.customer_id)))
            .join(_SEND, _SEND.c.send_id == _UNSUBSCRIBE.c.send_id)
            .where(_SEND.c.campaign_id == campaign_id)
        )
        with self._database.read() as connection:
            counts = {status: int(n) for status, n in connection.execute(counted.group_by(_SEND.c.status))}
            unsubscribed = int(connection.scalar(left) or 0)
        bounced = counts.get("bounced", 0)
        return Reaction(counts.get("sent", 0) + bounced, bounced, unsubscribed)
