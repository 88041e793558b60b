"""Campaigns: an approved plan that is carried out, and who was assigned to which arm."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from gridloop.domain.clock import Clock
from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.domain.ids import CampaignId
from gridloop.ledger.approvals import Approvals
from gridloop.ledger.audit import Audit
from gridloop.ledger.canonical import document
from gridloop.ledger.database import Database
from gridloop.ledger.lifecycle import CAMPAIGN
from gridloop.ledger.plans import Plans
from gridloop.ledger.schema import TABLES

_CAMPAIGN = TABLES["campaign"]
_ASSIGNMENT = TABLES["assignment"]


@dataclass(frozen=True, slots=True)
class CampaignTerms:
    """What a launch adds to its plan.

    Attributes:
        name: for people.
        unit_kind: unit of randomisation: account, customer, household, feeder or community.
        settings: arms, channels, caps and success measure, as JSON.
        starts_at, ends_at: when; no end when None.
        product_id: the product it offers.
    """

    name: str
    unit_kind: str
    settings: Mapping[str, object]
    starts_at: datetime
    ends_at: datetime | None = None
    product_id: str | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign, as the table `campaign` declares it."""

    campaign_id: CampaignId
    plan_id: str
    name: str
    status: str
    unit_kind: str
    settings: Mapping[str, object]
    starts_at: datetime
    ends_at: datetime | None
    launched_by: str
    launched_at: datetime
    stopped_at: datetime | None
    stop_reason: str | None
    product_id: str | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """The arm of one unit of randomisation.

    Attributes:
        unit_id: account, customer, feeder … as the campaign's `unit_kind` says.
        arm: `holdout` is never contacted.
        seed: seed of the draw.
        stratum: the stratum it was drawn in.
        probability: probability of this arm; None for equal shares.
    """

    unit_id: str
    arm: str
    seed: int
    stratum: str | None = None
    probability: float | None = None


class Campaigns:
    """The campaigns of a ledger; made by `Ledger`."""

    def __init__(
        self, database: Database, clock: Clock, audit: Audit, plans: Plans, approvals: Approvals
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._plans = plans
        self._approvals = approvals

    def launch(self, plan_id: str, terms: CampaignTerms, launched_by: str) -> Campaign:
        """Turn an approved plan into a campaign in status `scheduled`; a plan is launched once.

        Raises:
            LedgerConflict: the plan is not approved, was changed after its approval, or was launched already.
        """
        campaign_id = CampaignId(f"campaign-{secrets.token_hex(8)}")
        row = {
            **asdict(terms),
            "settings": document(terms.settings),
            "campaign_id": campaign_id,
            "plan_id": plan_id,
            "status": "scheduled",
            "launched_by": launched_by,
            "launched_at": self._clock.now(),
        }
        with self._database.write() as connection:
            self._plans.step(connection, plan_id, "launched")
            self._approvals.require_approved(connection, plan_id)
            connection.execute(insert(_CAMPAIGN), row)
            subject = f"campaign:{campaign_id}"
            self._audit.append(connection, launched_by, "campaign.launch", subject, {"plan": plan_id})
        return self.campaign(campaign_id)

    def start(self, campaign_id: str, actor: str) -> Campaign:
        """Begin, or go on after a pause. Raises LedgerConflict when it has ended."""
        return self._move(campaign_id, "running", actor)

    def pause(self, campaign_id: str, actor: str, reason: str | None = None) -> Campaign:
        """Claim no more sends until it is started again. Raises LedgerConflict when it is not running."""
        return self._move(campaign_id, "paused", actor, reason)

    def stop(self, campaign_id: str, actor: str, reason: str) -> Campaign:
        """End early, for good. Raises LedgerConflict when it has ended."""
        return self._move(campaign_id, "stopped", actor, reason)

    def finish(self, campaign_id: str, actor: str) -> Campaign:
        """End as planned. Raises LedgerConflict when it is not running."""
        return self._move(campaign_id, "finished", actor)

    def campaign(self, campaign_id: str) -> Campaign:
        """The campaign of that id. Raises UsageError when there is none."""
        with self._database.read() as connection:
            return _campaign(campaign_row(connection, campaign_id, lock=False))

    def of_plan(self, plan_id: str) -> Campaign | None:
        """The campaign that carries a plan out; None when it was not launched."""
        with self._database.read() as connection:
            row = connection.execute(select(_CAMPAIGN).where(_CAMPAIGN.c.plan_id == plan_id)).one_or_none()
        return None if row is None else _campaign(row)

    def recent(self, limit: int = 50) -> list[Campaign]:
        """The campaigns launched last, latest first."""
        query = select(_CAMPAIGN).order_by(_CAMPAIGN.c.launched_at.desc(), _CAMPAIGN.c.campaign_id)
        with self._database.read() as connection:
            return [_campaign(row) for row in connection.execute(query.limit(limit))]

    def _move(self, campaign_id: str, wanted: str, actor: str, reason: str | None = None) -> Campaign:
        with self._database.write() as connection:
            row = campaign_row(connection, campaign_id)
            CAMPAIGN.require(campaign_id, row.status, wanted)
            values: dict[str, object] = {"status": wanted}
            if wanted in ("stopped", "finished"):
                self._plans.step(connection, row.plan_id, "finished")
            if wanted == "stopped":
                values |= {"stopped_at": self._clock.now(), "stop_reason": reason}
            changed = update(_CAMPAIGN).where(_CAMPAIGN.c.campaign_id == campaign_id)
            connection.execute(changed.values(**values))
            subject = f"campaign:{campaign_id}"
            details = {"from": row.status, **({} if reason is None else {"reason": reason})}
            self._audit.append(connection, actor, f"campaign.{wanted}", subject, details)
        return self.campaign(campaign_id)


class Assignments:
    """The random assignments of a ledger; made by `Ledger`. The database itself refuses to change or delete one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(self, campaign_id: str, assignments: Iterable[Assignment]) -> int:
        """Write the arms of units, all or none; a unit that already has the same one is left as it is.

        Args:
            campaign_id: the campaign, not ended.
            assignments: any order; no unit twice with different arms.

        Returns:
            How many are new.

        Raises:
            LedgerConflict: a unit already has another arm, stratum, seed or probability, or the campaign has ended.
        """
        with self._database.write() as connection:
            row = campaign_row(connection, campaign_id)
            if row.status in ("stopped", "finished"):
                raise LedgerConflict(
                    f"The campaign {campaign_id} is {row.status}: nobody can be assigned any more.",
                    evidence={"status": row.status},
                    ways_out=("Make a new plan.",),
                )
            known = {one.unit_id: one for one in _assignments(connection, campaign_id)}
            fresh: dict[str, Assignment] = {}
            for one in assignments:
                former = known.get(one.unit_id) or fresh.setdefault(one.unit_id, one)
                if former != one:
                    raise _assigned_otherwise(campaign_id, former, one)
            now = self._clock.now()
            rows = [{**asdict(one), "campaign_id": campaign_id, "assigned_at": now} for one in fresh.values()]
            if rows:
                connection.execute(insert(_ASSIGNMENT), rows)
        return len(rows)

    def of(self, campaign_id: str) -> list[Assignment]:
        """All assignments of a campaign, by unit."""
        with self._database.read() as connection:
            return _assignments(connection, campaign_id)

    def under_way(self, unit_kind: str = "account") -> frozenset[str]:
        """Units of one kind that are assigned, to whatever arm, in a campaign that has not ended."""
        query = (
            select(_ASSIGNMENT.c.unit_id)
            .join(_CAMPAIGN, _CAMPAIGN.c.campaign_id == _ASSIGNMENT.c.campaign_id)
            .where(_CAMPAIGN.c.unit_kind == unit_kind, _CAMPAIGN.c.status.not_in(("stopped", "finished")))
        )
        with self._database.read() as connection:
            return frozenset(connection.scalars(query))

    def arms(self, campaign_id: str) -> dict[str, int]:
        """Arm → number of units."""
        counted = select(_ASSIGNMENT.c.arm, func.count()).where(_ASSIGNMENT.c.campaign_id == campaign_id)
        with self._database.read() as connection:
            rows = connection.execute(counted.group_by(_ASSIGNMENT.c.arm).order_by(_ASSIGNMENT.c.arm))
            return {arm: int(count) for arm, count in rows}


def campaign_row(connection: Connection, campaign_id: str, *, lock: bool = True) -> Row[Any]:
    """Within a transaction: the row of a campaign, held against other writers. Raises UsageError when there is none."""
    query = select(_CAMPAIGN).where(_CAMPAIGN.c.campaign_id == campaign_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise UsageError(
            f"There is no campaign {campaign_id!r}.", ways_out=("List the campaigns there are.",)
        )
    return row


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(**{**row._mapping, "campaign_id": CampaignId(row.campaign_id)})


def _assignments(connection: Connection, campaign_id: str) -> list[Assignment]:
    names = (_ASSIGNMENT.c[name] for name in Assignment.__dataclass_fields__)
    query = select(*names).where(_ASSIGNMENT.c.campaign_id == campaign_id).order_by(_ASSIGNMENT.c.unit_id)
    return [Assignment(*row) for row in connection.execute(query)]


def _assigned_otherwise(campaign_id: str, former: Assignment, other: Assignment) -> LedgerConflict:
    return LedgerConflict(
        "A unit already has an assignment, and assignments never change.",
        evidence={
            "campaign": campaign_id,
            "unit": former.unit_id,
            "arm": former.arm,
            "arm_wanted": other.arm,
            "seed": former.seed,
            "seed_wanted": other.seed,
        },
        ways_out=("Assign with the seed and strata of the first time.", "Make a new plan."),
    )
