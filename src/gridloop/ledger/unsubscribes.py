"""Unsubscriptions: written once, never taken back; every gate asks here before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select

from gridloop.domain.clock import Clock
from gridloop.ledger.database import Database
from gridloop.ledger.schema import TABLES

_UNSUBSCRIBE = TABLES["unsubscribe"]
_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """One unsubscription, as the table `unsubscribe` declares it.

    Attributes:
        unsubscribe_id: its key, the same when it comes again.
        customer_id: whose.
        at: when, aware.
        source: how it came: `link`, `mail`, `receipt`, `call` …
        channel: of which channel; None for all.
        purpose: of which purpose; None for all.
        send_id: the message it answers, if known.
    """

    unsubscribe_id: str
    customer_id: str
    at: datetime
    source: str
    channel: str | None = None
    purpose: str | None = None
    send_id: str | None = None

    def covers(self, channel: str, purpose: str) -> bool:
        """Whether a message of that channel and purpose is what this person does not want."""
        return self.channel in (None, channel) and self.purpose in (None, purpose)


class Unsubscribes:
    """The unsubscriptions of a ledger; made by `Ledger`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(self, unsubscribes: Iterable[Unsubscribe]) -> int:
        """Write unsubscriptions, all or none; one whose key is there already is left as it is.

        Returns:
            How many are new.

        Raises:
            LedgerConflict: one names a send that there is not.
        """
        wanted = {one.unsubscribe_id: one for one in reversed(list(unsubscribes))}
        with self._database.write("unsubscribes") as connection:
            keys = list(wanted)
            for first in range(0, len(keys), _AT_ONCE):
                chosen = _UNSUBSCRIBE.c.unsubscribe_id.in_(keys[first : first + _AT_ONCE])
                for known in connection.scalars(select(_UNSUBSCRIBE.c.unsubscribe_id).where(chosen)):
                    wanted.pop(known, None)
            if wanted:
                connection.execute(insert(_UNSUBSCRIBE), [asdict(one) for one in wanted.values()])
        return len(wanted)

    def of(self, customer_ids: Iterable[str]) -> list[Unsubscribe]:
        """The unsubscriptions of some customers, oldest first."""
        chosen = list(customer_ids)
        found: list[Unsubscribe] = []
        for first in range(0, len(chosen), _AT_ONCE):
            found += self._read(_UNSUBSCRIBE.c.customer_id.in_(chosen[first : first + _AT_ONCE]))
        return sorted(found, key=lambda one: (one.at, one.unsubscribe_id))

    def since(self, instant: datetime | None = None) -> list[Unsubscribe]:
        """All unsubscriptions from an instant on, oldest first; all there are when None."""
        return self._read(*([] if instant is None else [_UNSUBSCRIBE.c.at >= instant]))

    def customers(self, channel: str, purpose: str) -> frozenset[str]:
        """Customers who want no message of that channel and purpose."""
        return frozenset(one.customer_id for one in self.since() if one.covers(channel, purpose))

    def _read(self, *conditions: ColumnElement[bool]) -> list[Unsubscribe]:
        query = select(_UNSUBSCRIBE).where(*conditions)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_UNSUBSCRIBE.c.at, _UNSUBSCRIBE.c.unsubscribe_id))
            return [_unsubscribe(row._mapping) for row in rows]


def _unsubscribe(row: Any) -> Unsubscribe:
    return Unsubscribe(**{name: row[name] for name in Unsubscribe.__dataclass_fields__})
