"""What customers and channels answered; the same answer twice is one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gridloop.domain.clock import Clock
from gridloop.domain.errors import LedgerConflict
from gridloop.ledger.canonical import document
from gridloop.ledger.database import Database
from gridloop.ledger.schema import TABLES

_RESPONSE = TABLES["response"]
_SEND = TABLES["send"]
_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Response:
    """One answer.

    Attributes:
        response_id: the channel's own key of the answer, the same when it is delivered again.
        customer_id: whose.
        kind: delivered, opened, clicked, accepted, declined, bounced, unsubscribed …
        at: when, aware.
        send_id, campaign_id: what it answers, if known.
        value: a number that came with it.
        details: more, as JSON; text of a person is scrubbed before it comes here.
    """

    response_id: str
    customer_id: str
    kind: str
    at: datetime
    send_id: str | None = None
    campaign_id: str | None = None
    value: float | None = None
    details: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many messages the answers have moved: from `unknown` to `sent`, and from `sent` to `bounced`."""

    sent: int
    bounced: int


PROVES_IT_WENT_OUT = (
    "delivered",
    "opened",
    "clicked",
    "accepted",
    "declined",
    "unsubscribed",
    "complained",
    "bounced",
)
"""Answers that nobody could give to a message that never went out."""


class Responses:
    """The answers of a ledger; made by `Ledger`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(self, responses: Iterable[Response]) -> int:
        """Write answers, all or none; one that is there already is left as it is.

        Returns:
            How many are new.

        Raises:
            LedgerConflict: an answer of that key is there and says something else, or names an unknown send.
        """
        wanted = [_plain(response) for response in responses]
        with self._database.write("responses") as connection:
            known = _known(connection, [response.response_id for response in wanted])
            fresh: list[Response] = []
            for response in wanted:
                former = known.setdefault(response.response_id, response)
                if former is response:
                    fresh.append(response)
                elif former != response:
                    raise LedgerConflict(
                        f"The response {response.response_id} is there already and says something else.",
                        evidence={"kind": former.kind, "kind_wanted": response.kind},
                        ways_out=("Give a changed answer a key of its own.",),
                    )
            now = self._clock.now()
            if fresh:
                connection.execute(insert(_RESPONSE), [{**asdict(one), "recorded_at": now} for one in fresh])
        return len(fresh)

    def reconcile(self) -> Reconciled:
        """Move messages by what was answered: an `unknown` one that was answered went out, a bounced one came back.

        It looks at all answers there are, so that it may be repeated, and completes what a kill cut off.
        """

        def answered(*kinds: str) -> Any:
            return select(_RESPONSE.c.send_id).where(
                _RESPONSE.c.send_id.is_not(None), _RESPONSE.c.kind.in_(kinds)
            )

        proven = update(_SEND).where(
            _SEND.c.status == "unknown", _SEND.c.send_id.in_(answered(*PROVES_IT_WENT_OUT))
        )
        back = update(_SEND).where(_SEND.c.status == "sent", _SEND.c.send_id.in_(answered("bounced")))
        with self._database.write("responses") as connection:
            values = {"status": "sent", "sent_at": _SEND.c.sending_at, "last_error": None}
            sent = connection.execute(proven.values(**values)).rowcount
            bounced = connection.execute(back.values(status="bounced", last_error="bounced")).rowcount
        return Reconciled(sent, bounced)

    def of(self, campaign_id: str) -> list[Response]:
        """Answers to a campaign in the order they were given."""
        query = select(_RESPONSE).where(_RESPONSE.c.campaign_id == campaign_id)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_RESPONSE.c.at, _RESPONSE.c.response_id))
            return [_response(row) for row in rows]


def _plain(response: Response) -> Response:
    values = {name: getattr(response, name) for name in Response.__dataclass_fields__}
    if response.at.tzinfo is not None:
        values["at"] = response.at.astimezone(UTC)
    if response.details is not None:
        values["details"] = document(response.details)
    return Response(**values)


def _known(connection: Connection, keys: list[str]) -> dict[str, Response]:
    known: dict[str, Response] = {}
    for first in range(0, len(keys), _AT_ONCE):
        chosen = _RESPONSE.c.response_id.in_(keys[first : first + _AT_ONCE])
        for row in connection.execute(select(_RESPONSE).where(chosen)):
            known[row.response_id] = _response(row)
    return known


def _response(row: Row[Any]) -> Response:
    return Response(**{name: row._mapping[name] for name in Response.__dataclass_fields__})
