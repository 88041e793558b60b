"""Approvals: a second person's decision, bound to the digest of what that person saw."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from gridloop.domain.clock import Clock
from gridloop.domain.errors import LedgerConflict, NotPermitted
from gridloop.ledger.audit import Audit
from gridloop.ledger.database import Database
from gridloop.ledger.plans import Plans, content_of, plan_row, same_person
from gridloop.ledger.schema import TABLES

_APPROVAL = TABLES["approval"]


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision, as the table `approval` declares it; never changed, a later one counts instead.

    Attributes:
        subject_kind, subject_id: what was decided on, such as `plan`.
        subject_digest: digest of what the person saw.
        decision: approved, rejected or withdrawn.
        automatic: no person decided; for demo workspaces only.
    """

    approval_id: str
    subject_kind: str
    subject_id: str
    subject_digest: str
    decision: str
    decided_by: str
    decided_at: datetime
    reason: str | None
    automatic: bool


@dataclass(frozen=True, slots=True)
class _Decision:
    plan_id: str
    word: str
    status: str
    digest: str
    decided_by: str
    reason: str | None = None
    automatic: bool = False


class Approvals:
    """The decisions of a ledger; made by `Ledger`."""

    def __init__(self, database: Database, clock: Clock, audit: Audit, plans: Plans) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._plans = plans

    def approve(
        self,
        plan_id: str,
        digest: str,
        decided_by: str,
        reason: str | None = None,
        *,
        automatic: bool = False,
    ) -> Approval:
        """Approve a submitted plan.

        Args:
            plan_id: the plan.
            digest: digest of the plan as the person saw it.
            decided_by: who approves; another person than the plan's author unless `automatic`.
            reason: in words.
            automatic: no person decided. Flagged for good; for demo workspaces only.

        Raises:
            NotPermitted: its author approves it.
            LedgerConflict: the plan is not submitted, or was changed since that digest was read.
        """
        return self._decide(_Decision(plan_id, "approved", "approved", digest, decided_by, reason, automatic))

    def reject(self, plan_id: str, digest: str, decided_by: str, reason: str) -> Approval:
        """Reject a submitted plan, with the reason. Raises as `approve` does."""
        return self._decide(_Decision(plan_id, "rejected", "rejected", digest, decided_by, reason))

    def withdraw(self, plan_id: str, digest: str, decided_by: str, reason: str) -> Approval:
        """Take an approval back before the launch; the plan is a draft again. Raises as `approve` does."""
        return self._decide(_Decision(plan_id, "withdrawn", "draft", digest, decided_by, reason))

    def of(self, subject_kind: str, subject_id: str) -> list[Approval]:
        """All decisions on a thing, latest first."""
        with self._database.read() as connection:
            return [Approval(**row._mapping) for row in _decisions(connection, subject_kind, subject_id)]

    def require_approved(self, connection: Connection, plan_id: str) -> None:
        """Within a transaction: return when the latest decision on the plan approves exactly what it says now.

        Raises:
            LedgerConflict: there is no such decision.
        """
        row = plan_row(connection, plan_id)
        decisions = _decisions(connection, "plan", plan_id)
        latest = decisions[0] if decisions else None
        if latest is None or latest.decision != "approved":
            raise LedgerConflict(
                f"The plan {plan_id} is not approved.",
                evidence={"status": row.status, "latest_decision": latest.decision if latest else "none"},
                ways_out=("Submit it and have another person approve it.",),
            )
        _require_unchanged(row, latest.subject_digest)

    def _decide(self, decision: _Decision) -> Approval:
        plan_id, by = decision.plan_id, decision.decided_by
        with self._database.write() as connection:
            row = plan_row(connection, plan_id)
            _require_decidable(row, decision)
            if same_person(row.created_by, by) and not decision.automatic and decision.word != "withdrawn":
                raise NotPermitted(
                    "A plan is decided on by another person than its author.",
                    evidence={"plan": plan_id, "author": row.created_by, "decided_by": by},
                    ways_out=("Ask a colleague who may approve plans.",),
                )
            _require_unchanged(row, decision.digest)
            self._plans.step(connection, plan_id, decision.status)
            values: dict[str, Any] = {
                "approval_id": f"approval-{secrets.token_hex(8)}",
                "subject_kind": "plan",
                "subject_id": plan_id,
                "subject_digest": decision.digest,
                "decision": decision.word,
                "decided_by": by,
                "decided_at": self._clock.now(),
                "reason": decision.reason,
                "automatic": decision.automatic,
            }
            connection.execute(insert(_APPROVAL), values)
            details = {"digest": decision.digest, "automatic": decision.automatic}
            self._audit.append(connection, by, f"approval.{decision.word}", f"plan:{plan_id}", details)
        return Approval(**values)


def _require_decidable(row: Row[Any], decision: _Decision) -> None:
    wanted = "approved" if decision.word == "withdrawn" else "submitted"
    if row.status != wanted:
        raise LedgerConflict(
            f"The plan {row.plan_id} is {row.status} and cannot be {decision.word}: only a plan that is {wanted} can.",
            evidence={"status": row.status, "wanted": decision.word},
            ways_out=("Submit it first.",) if row.status in ("draft", "rejected") else (),
        )


def _require_unchanged(row: Row[Any], seen: str) -> None:
    # Recomputed, not only compared with the stored one: whoever edits the row by hand must not keep the approval.
    now = content_of(row).digest
    if not seen == row.digest == now:
        raise LedgerConflict(
            f"The plan {row.plan_id} is not the one that was seen: it was changed.",
            evidence={"digest_seen": seen, "digest_now": now},
            ways_out=("Read it again, then decide on what it says now.",),
        )


def _decisions(connection: Connection, subject_kind: str, subject_id: str) -> list[Row[Any]]:
    query = select(_APPROVAL).where(
        _APPROVAL.c.subject_kind == subject_kind, _APPROVAL.c.subject_id == subject_id
    )
    order = (_APPROVAL.c.decided_at.desc(), _APPROVAL.c.approval_id)
    return list(connection.execute(query.order_by(*order)))
