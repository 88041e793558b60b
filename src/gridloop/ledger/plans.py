"""Plans: first readable, approvable and comparable, only then carried out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gridloop.domain.clock import Clock
from gridloop.domain.errors import NotPermitted, UsageError
from gridloop.domain.ids import PlanId
from gridloop.ledger.audit import Audit
from gridloop.ledger.canonical import digest, document
from gridloop.ledger.database import Database
from gridloop.ledger.lifecycle import PLAN
from gridloop.ledger.schema import TABLES

_PLAN = TABLES["plan"]


@dataclass(frozen=True, slots=True)
class PlanContent:
    """What a plan says and an approver sees; its digest is what an approval is bound to.

    Attributes:
        playbook, version: what it was made from.
        audience: who, with exclusions and their reasons, as JSON.
        settings: arms, offers, channels, caps, success measure, as JSON.
        title: for people.
        expectation: expected value, power, detectable effect, as JSON.
        manifest: table → snapshot id it was computed from.
        previous_plan_id: the plan it learned from.
    """

    playbook: str
    version: int
    audience: Mapping[str, object]
    settings: Mapping[str, object]
    title: str | None = None
    expectation: Mapping[str, object] | None = None
    manifest: Mapping[str, int] | None = None
    previous_plan_id: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of all of it."""
        return digest(asdict(self))


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan, as the table `plan` declares it; `digest` is that of its `content`."""

    plan_id: PlanId
    status: str
    content: PlanContent
    digest: str
    created_by: str
    created_at: datetime
    updated_at: datetime | None


class Plans:
    """The plans of a ledger; made by `Ledger`. A decision on a plan is made by `Approvals`, a launch by `Campaigns`."""

    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    def draft(self, content: PlanContent, created_by: str) -> Plan:
        """Record a new plan in status `draft`."""
        plan_id = PlanId(f"plan-{secrets.token_hex(8)}")
        row = {
            **_columns(content),
            "plan_id": plan_id,
            "status": "draft",
            "created_by": created_by,
            "created_at": self._clock.now(),
        }
        with self._database.write() as connection:
            connection.execute(insert(_PLAN), row)
            self._audit.append(
                connection, created_by, "plan.draft", f"plan:{plan_id}", {"digest": row["digest"]}
            )
        return self.plan(plan_id)

    def revise(self, plan_id: str, content: PlanContent, revised_by: str) -> Plan:
        """Change a plan before its launch; it is a draft afterwards, whatever was decided on it before.

        Raises:
            NotPermitted: by another than its author, who would then stand for words of somebody else.
            LedgerConflict: it is beyond changing.
        """
        with self._database.write() as connection:
            row = plan_row(connection, plan_id)
            if row.status != "draft":
                PLAN.require(plan_id, row.status, "draft")
            if not same_person(row.created_by, revised_by):
                raise NotPermitted(
                    f"Only its author may change the plan {plan_id}.",
                    evidence={"author": row.created_by, "you": revised_by},
                    ways_out=("Make a new plan that names this one as the plan it learned from.",),
                )
            self._write(connection, plan_id, {**_columns(content), "status": "draft"})
            self._audit.append(
                connection, revised_by, "plan.revise", f"plan:{plan_id}", {"digest": content.digest}
            )
        return self.plan(plan_id)

    def submit(self, plan_id: str, actor: str) -> Plan:
        """Hand a draft in for approval. Raises LedgerConflict when it is no draft."""
        return self._move(plan_id, "submitted", actor)

    def recall(self, plan_id: str, actor: str) -> Plan:
        """Take a plan back to `draft` before its launch. Raises LedgerConflict when it was launched or has ended."""
        return self._move(plan_id, "draft", actor)

    def cancel(self, plan_id: str, actor: str) -> Plan:
        """Give a plan up before its launch. Raises LedgerConflict when it was launched or has ended."""
        return self._move(plan_id, "cancelled", actor)

    def plan(self, plan_id: str) -> Plan:
        """The plan of that id. Raises UsageError when there is none."""
        with self._database.read() as connection:
            return _plan(plan_row(connection, plan_id, lock=False))

    def recent(self, status: str | None = None, limit: int = 50) -> list[Plan]:
        """The plans made last, latest first; of one status when it is given."""
        query = select(_PLAN).order_by(_PLAN.c.created_at.desc(), _PLAN.c.plan_id).limit(limit)
        if status is not None:
            query = query.where(_PLAN.c.status == status)
        with self._database.read() as connection:
            return [_plan(row) for row in connection.execute(query)]

    def step(self, connection: Connection, plan_id: str, wanted: str) -> Row[Any]:
        """Within a transaction: take the plan to `wanted`, and answer its row as it was before.

        Raises:
            LedgerConflict: `wanted` may not follow its status.
        """
        row = plan_row(connection, plan_id)
        PLAN.require(plan_id, row.status, wanted)
        self._write(connection, plan_id, {"status": wanted})
        return row

    def _move(self, plan_id: str, wanted: str, actor: str) -> Plan:
        with self._database.write() as connection:
            before = self.step(connection, plan_id, wanted)
            self._audit.append(
                connection, actor, f"plan.{wanted}", f"plan:{plan_id}", {"from": before.status}
            )
        return self.plan(plan_id)

    def _write(self, connection: Connection, plan_id: str, values: Mapping[str, object]) -> None:
        changed = {**values, "updated_at": self._clock.now()}
        connection.execute(update(_PLAN).where(_PLAN.c.plan_id == plan_id).values(**changed))


def plan_row(connection: Connection, plan_id: str, *, lock: bool = True) -> Row[Any]:
    """Within a transaction: the row of a plan, held against other writers. Raises UsageError when there is none."""
    query = select(_PLAN).where(_PLAN.c.plan_id == plan_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise UsageError(f"There is no plan {plan_id!r}.", ways_out=("List the plans that there are.",))
    return row


def content_of(row: Row[Any]) -> PlanContent:
    """What the row of a plan says."""
    return PlanContent(**{name: row._mapping[name] for name in PlanContent.__dataclass_fields__})


def same_person(one: str, other: str) -> bool:
    """Whether two user names are one: letter case and blanks at the ends make no other person."""
    return one.strip().casefold() == other.strip().casefold()


def _columns(content: PlanContent) -> dict[str, object]:
    plain = document(asdict(content))
    return {**plain, "digest": digest(plain)}


def _plan(row: Row[Any]) -> Plan:
    return Plan(
        PlanId(row.plan_id),
        row.status,
        content_of(row),
        row.digest,
        row.created_by,
        row.created_at,
        row.updated_at,
    )
