"""The outbox: written first, handing over is committed before it happens, nothing is sent twice."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, or_, select, update

from gridloop.domain.clock import Clock
from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.domain.ids import SendId
from gridloop.ledger.audit import Audit
from gridloop.ledger.campaigns import campaign_row
from gridloop.ledger.database import Database
from gridloop.ledger.lifecycle import SEND
from gridloop.ledger.liveness import Life, life_of
from gridloop.ledger.messages import PlannedSend, Send, Settled
from gridloop.ledger.schema import TABLES

_SEND = TABLES["send"]
_RUN = TABLES["job_run"]
_CAMPAIGN = TABLES["campaign"]
_AT_ONCE = 400


def delivery_job(channel: str) -> str:
    """Name of the job that delivers a channel: as one run of a job is at work at a time, so is one per channel."""
    return f"deliver:{channel}"


class Sends:
    """The outbox of a ledger; made by `Ledger`.

    A delivery runs as the job `delivery_job(channel)`: `recover`, then again and again `claim` some, hand each over,
    and `settle` what became of it. What a dead process leaves in `sending` becomes `unknown`: it may have gone out.
    """

    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    def plan(self, campaign_id: str, messages: Iterable[PlannedSend]) -> int:
        """Write messages into the outbox, all or none; one whose key is there already is left as it is.

        Returns:
            How many are new.

        Raises:
            LedgerConflict: a key is there for another customer, channel or campaign, or the campaign has ended.
        """
        wanted = list(messages)
        with self._database.write() as connection:
            row = campaign_row(connection, campaign_id)
            if row.status in ("stopped", "finished"):
                raise LedgerConflict(
                    f"The campaign {campaign_id} is {row.status}: nothing can be sent for it any more.",
                    evidence={"status": row.status},
                )
            known = _known_keys(connection, [message.idempotency_key for message in wanted])
            now = self._clock.now()
            rows = []
            for message in wanted:
                owner = (campaign_id, message.customer_id, message.channel)
                former = known.setdefault(message.idempotency_key, owner)
                if former != owner:
                    raise _other_message(message.idempotency_key, former, owner)
                if former is owner:
                    rows.append(_planned_row(campaign_id, message, now))
            if rows:
                connection.execute(insert(_SEND), rows)
        return len(rows)

    def claim(self, run_id: str, limit: int = 100, campaign_id: str | None = None) -> list[Send]:
        """Take planned messages of running campaigns that are due; they are `sending` before this returns.

        A customer has one message in the air at a time, over all channels, so that whoever claimed it can count the
        others without a race (frequency cap).

        Args:
            run_id: a running run of `delivery_job(channel)`, which says the channel.
            limit: how many at most.
            campaign_id: of this campaign only.

        Raises:
            LedgerConflict: the run does not run, so that nobody could tell what became of its messages.
            UsageError: the run is none of a delivery.
        """
        with self._database.write("claims") as connection:
            run = _delivery_run(connection, run_id)
            # Never before the run began, whatever the clock did: `recover` compares the two.
            now = max(self._clock.now(), run.started_at)
            query = (
                _due(now, _SEND.c.send_id, _SEND.c.customer_id)
                .where(_SEND.c.channel == run.job.partition(":")[2])
                .where(_SEND.c.customer_id.not_in(_in_the_air()))
                .order_by(_SEND.c.planned_at, _SEND.c.send_id)
                .limit(min(limit, _AT_ONCE))
                .with_for_update(skip_locked=True, of=_SEND)
            )
            if campaign_id is not None:
                query = query.where(_SEND.c.campaign_id == campaign_id)
            first_of = {row.customer_id: row.send_id for row in reversed(connection.execute(query).all())}
            chosen = list(first_of.values())
            if not chosen:
                return []
            taken = update(_SEND).where(_SEND.c.send_id.in_(chosen))
            connection.execute(
                taken.values(status="sending", sending_at=now, attempts=_SEND.c.attempts + 1, last_error=None)
            )
            order = (_SEND.c.planned_at, _SEND.c.send_id)
            rows = connection.execute(select(_SEND).where(_SEND.c.send_id.in_(chosen)).order_by(*order))
            return [_send(row) for row in rows]

    def settle(self, settled: Iterable[Settled]) -> list[SendId]:
        """Record what became of claimed messages, all or none.

        Returns:
            Those that were put back or given up but are `unknown` meanwhile, because their run was taken for dead:
            they stay listed for a decision.

        Raises:
            LedgerConflict: a message was decided on meanwhile.
        """
        wanted = {one.send_id: one for one in settled}
        left: list[SendId] = []
        with self._database.write() as connection:
            rows = select(_SEND).where(_SEND.c.send_id.in_(list(wanted))).order_by(_SEND.c.send_id)
            for row in connection.execute(rows.with_for_update()).all():
                one = wanted[row.send_id]
                if row.status == "unknown" and one.status not in ("sent", "failed"):
                    left.append(SendId(row.send_id))
                    continue
                if row.status not in ("sending", "unknown"):
                    raise _not_there(row, "sending", one.status)
                SEND.require(row.send_id, row.status, one.status)
                _change(connection, row.send_id, self._settled_values(row, one))
        return left

    def _settled_values(self, row: Row[Any], one: Settled) -> dict[str, object]:
        values: dict[str, object] = {"status": one.status, "last_error": one.error}
        if one.status == "sent":
            values["sent_at"] = self._clock.now()
        if one.cost is not None:
            values["cost"] = one.cost
        if one.status in ("planned", "cancelled"):
            values |= {"sending_at": None, "not_before": one.not_before}
        if not one.attempted:
            values["attempts"] = row.attempts - 1
        return values

    def sent(self, send_id: str, cost: Decimal | None = None) -> None:
        """The channel accepted it. Raises LedgerConflict unless it is `sending`."""
        changes = {"sent_at": self._clock.now(), **({} if cost is None else {"cost": cost})}
        self._move(send_id, "sent", changes, only_from="sending")

    def failed(self, send_id: str, error: str) -> None:
        """The channel refused it for certain. Raises LedgerConflict unless it is `sending`."""
        self._move(send_id, "failed", {"last_error": error}, only_from="sending")

    def retry(self, send_id: str) -> None:
        """Plan a failed message again, under the same message id. Raises LedgerConflict unless it is `failed`."""
        self._move(send_id, "planned", {"not_before": None}, only_from="failed")

    def retry_failed(self, campaign_id: str) -> int:
        """Plan all failed messages of a campaign again; answers how many."""
        chosen = (_SEND.c.campaign_id == campaign_id, _SEND.c.status == "failed")
        return self._move_all({"status": "planned", "not_before": None}, *chosen)

    def again(self, channel: str) -> int:
        """Plan again what is `unknown` of a channel that takes a message id once however often it is handed over.

        For such a channel alone: handing over again cannot double there, so there is nothing to decide.
        """
        chosen = (_SEND.c.channel == channel, _SEND.c.status == "unknown")
        return self._move_all({"status": "planned", "sending_at": None}, *chosen)

    def bounced(self, send_id: str, error: str) -> None:
        """It came back after it was accepted. Raises LedgerConflict unless it is `sent`."""
        self._move(send_id, "bounced", {"last_error": error})

    def cancel(self, send_id: str, reason: str | None = None) -> None:
        """Give up a planned or failed message. Raises LedgerConflict once it was handed over."""
        with self._database.write() as connection:
            row = _row(connection, send_id)
            if row.status not in ("planned", "failed"):
                raise _not_there(row, "planned", "cancelled")
            _change(connection, send_id, {"status": "cancelled", "last_error": reason or row.last_error})

    def cancel_planned(self, campaign_id: str, reason: str) -> int:
        """Give up all messages of a campaign that wait; answers how many."""
        chosen = (_SEND.c.campaign_id == campaign_id, _SEND.c.status == "planned")
        return self._move_all({"status": "cancelled", "last_error": reason}, *chosen)

    def recover(self) -> list[SendId]:
        """Mark as `unknown` what dead processes left in `sending`, and answer which; never planned again by itself."""
        with self._database.write("runs") as connection:
            began = {
                run.job: run.started_at
                for run in connection.execute(select(_RUN).where(_RUN.c.outcome == "running"))
                if life_of(run.pid, run.host) is not Life.DEAD
            }
            query = select(_SEND).where(_SEND.c.status == "sending").order_by(_SEND.c.send_id)
            lost = [
                SendId(row.send_id)
                for row in connection.execute(query.with_for_update()).all()
                if delivery_job(row.channel) not in began or row.sending_at < began[delivery_job(row.channel)]
            ]
            text = "The process ended between handing over and recording; it may have gone out."
            for send_id in lost:
                _change(connection, send_id, {"status": "unknown", "last_error": text})
        return lost

    def undecided(self, campaign_id: str | None = None) -> list[Send]:
        """Messages in `unknown`, oldest first: each waits for a receipt or a decision; of one campaign if named."""
        query = select(_SEND).where(_SEND.c.status == "unknown").order_by(_SEND.c.sending_at, _SEND.c.send_id)
        if campaign_id is not None:
            query = query.where(_SEND.c.campaign_id == campaign_id)
        with self._database.read() as connection:
            return [_send(row) for row in connection.execute(query)]

    def decide(self, send_id: str, outcome: str, actor: str) -> None:
        """Say what became of an `unknown` message, by a receipt or by looking.

        Args:
            send_id: the message.
            outcome: `sent`, or `failed`, after which it may be retried.
            actor: who says so.

        Raises:
            LedgerConflict: the message is not `unknown`, or the outcome is another word.
        """
        with self._database.write() as connection:
            row = _row(connection, send_id)
            if row.status != "unknown":
                raise _not_there(row, "unknown", outcome)
            SEND.require(send_id, row.status, outcome)
            _change(connection, send_id, {"status": outcome})
            self._audit.append(connection, actor, f"send.decided_{outcome}", f"send:{send_id}")

    def send(self, send_id: str) -> Send:
        """The message of that id. Raises UsageError when there is none."""
        with self._database.read() as connection:
            return _send(_row(connection, send_id, lock=False))

    def of(self, campaign_id: str, status: str | None = None) -> list[Send]:
        """Messages of a campaign in the order planned; of one status when it is given."""
        query = select(_SEND).where(_SEND.c.campaign_id == campaign_id)
        query = query if status is None else query.where(_SEND.c.status == status)
        with self._database.read() as connection:
            return [
                _send(row) for row in connection.execute(query.order_by(_SEND.c.planned_at, _SEND.c.send_id))
            ]

    def of_messages(self, message_ids: Iterable[str]) -> dict[str, Send]:
        """Messages by message id; an id that no message has is left out."""
        wanted = list(dict.fromkeys(message_ids))
        found: dict[str, Send] = {}
        with self._database.read() as connection:
            for first in range(0, len(wanted), _AT_ONCE):
                chosen = _SEND.c.message_id.in_(wanted[first : first + _AT_ONCE])
                found |= {
                    row.message_id: _send(row) for row in connection.execute(select(_SEND).where(chosen))
                }
        return found

    def messages_to(self, customer_id: str) -> list[str]:
        """Message ids of everything that was ever planned for a customer."""
        query = select(_SEND.c.message_id).where(_SEND.c.customer_id == customer_id)
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(_SEND.c.message_id)).scalars())

    def counts(self, campaign_id: str) -> dict[tuple[str, str, str | None], int]:
        """(channel, status, last error) → messages of a campaign."""
        columns = (_SEND.c.channel, _SEND.c.status, _SEND.c.last_error)
        query = select(*columns, func.count()).where(_SEND.c.campaign_id == campaign_id)
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(*columns).order_by(*columns))
            return {(channel, status, error): int(count) for channel, status, error, count in rows}

    def due(self, campaign_id: str | None = None) -> dict[str, int]:
        """Channel → messages of running campaigns that could go now; of one campaign if named."""
        query = _due(self._clock.now(), _SEND.c.channel, func.count()).group_by(_SEND.c.channel)
        if campaign_id is not None:
            query = query.where(_SEND.c.campaign_id == campaign_id)
        with self._database.read() as connection:
            return {channel: int(count) for channel, count in connection.execute(query)}

    def next_due(self, campaign_id: str) -> datetime | None:
        """The instant at which the first held message of a campaign may go; None when none is held."""
        query = select(func.min(_SEND.c.not_before)).where(
            _SEND.c.campaign_id == campaign_id, _SEND.c.status == "planned"
        )
        with self._database.read() as connection:
            first: datetime | None = connection.scalar(query)
        return first

    def channels(self) -> frozenset[str]:
        """Channels on which a message was handed over, or may have been."""
        query = select(_SEND.c.channel).where(_SEND.c.status.not_in(("planned", "cancelled"))).distinct()
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def _move_all(self, values: Mapping[str, object], *conditions: ColumnElement[bool]) -> int:
        with self._database.write() as connection:
            return connection.execute(update(_SEND).where(*conditions).values(**values)).rowcount

    def _move(
        self, send_id: str, wanted: str, changes: Mapping[str, object], only_from: str | None = None
    ) -> None:
        with self._database.write() as connection:
            row = _row(connection, send_id)
            if only_from is not None and row.status != only_from:
                raise _not_there(row, only_from, wanted)
            SEND.require(send_id, row.status, wanted)
            _change(connection, send_id, {"status": wanted, **changes})


def _due(now: datetime, *columns: Any) -> Select[Any]:
    """Planned messages of running campaigns whose time has come."""
    return (
        select(*columns)
        .select_from(_SEND)
        .join(_CAMPAIGN, _CAMPAIGN.c.campaign_id == _SEND.c.campaign_id)
        .where(_SEND.c.status == "planned", _CAMPAIGN.c.status == "running")
        .where(or_(_SEND.c.not_before.is_(None), _SEND.c.not_before <= now))
    )


def _in_the_air() -> Select[Any]:
    """Customers of whom a message is being handed over."""
    other = _SEND.alias("in_the_air")
    return select(other.c.customer_id).where(other.c.status == "sending")


def _planned_row(campaign_id: str, message: PlannedSend, now: datetime) -> dict[str, object]:
    return {
        **asdict(message),
        "send_id": f"send-{secrets.token_hex(10)}",
        "campaign_id": campaign_id,
        "message_id": message.message_id,
        "status": "planned",
        "attempts": 0,
        "planned_at": now,
    }


def _known_keys(connection: Connection, keys: list[str]) -> dict[str, tuple[str, str, str]]:
    known: dict[str, tuple[str, str, str]] = {}
    columns = (_SEND.c.idempotency_key, _SEND.c.campaign_id, _SEND.c.customer_id, _SEND.c.channel)
    for first in range(0, len(keys), _AT_ONCE):
        chosen = _SEND.c.idempotency_key.in_(keys[first : first + _AT_ONCE])
        known |= {
            row[0]: (row[1], row[2], row[3]) for row in connection.execute(select(*columns).where(chosen))
        }
    return known


def _delivery_run(connection: Connection, run_id: str) -> Row[Any]:
    run = connection.execute(select(_RUN).where(_RUN.c.run_id == run_id)).one_or_none()
    if run is None or not run.job.startswith(delivery_job("")):
        raise UsageError(
            f"{run_id!r} is no run of a delivery.", ways_out=("Start a run of `delivery_job(channel)`.",)
        )
    if run.outcome != "running":
        raise LedgerConflict(
            f"The run {run_id} is {run.outcome} and can claim nothing more.",
            evidence={"outcome": run.outcome},
            ways_out=("Start a new run of the delivery.",),
        )
    return run


def _change(connection: Connection, send_id: str, values: Mapping[str, object]) -> None:
    connection.execute(update(_SEND).where(_SEND.c.send_id == send_id).values(**values))


def _row(connection: Connection, send_id: str, *, lock: bool = True) -> Row[Any]:
    query = select(_SEND).where(_SEND.c.send_id == send_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise UsageError(f"There is no send {send_id!r}.")
    return row


def _send(row: Row[Any]) -> Send:
    return Send(**{**row._mapping, "send_id": SendId(row.send_id)})


def _not_there(row: Row[Any], needed: str, wanted: str) -> LedgerConflict:
    return LedgerConflict(
        f"The send {row.send_id} is {row.status} and cannot become {wanted}: only one that is {needed} can.",
        evidence={"status": row.status, "wanted": wanted},
        ways_out=("Decide what became of it.",) if row.status == "unknown" else (),
    )


def _other_message(key: str, former: tuple[str, str, str], owner: tuple[str, str, str]) -> LedgerConflict:
    return LedgerConflict(
        "An idempotency key stands for one message, and this one stands for another already.",
        evidence={"idempotency_key": key, "planned_for": former, "wanted_for": owner},
        ways_out=("Build the key from campaign, customer, channel and the round of contact.",),
    )
