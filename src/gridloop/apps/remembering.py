"""What the ledger tells the planning of plays: facts of customers, plans and campaigns, what the last one brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from gridloop.ledger.campaigns import Campaign
from gridloop.ledger.plans import Plan
from gridloop.strategy.facts import BOUNCES, CONTACTS, ENROLMENTS, RUNNING, UNSUBSCRIBES, LedgerFacts
from gridloop.strategy.learning import ANSWERS, FormerRound

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.engine.view import LakeView

MOST = 100_000
"""Plans and campaigns that are looked at, newest first: all there are."""

REMEMBERED_DAYS = 366
"""Days for which contacts are looked up; no play asks for more."""

RUNNING_STATUSES = ("scheduled", "running", "paused")
OPEN_STATUSES = ("draft", "submitted", "approved")


def ledger_facts(session: Session, view: LakeView) -> LedgerFacts:
    """What the ledger knows of every customer of the register at the present."""
    ledger, now = session.ledger, session.clock.now()
    units = {
        one.unit_id
        for campaign in ledger.campaigns.recent(MOST)
        if campaign.status in RUNNING_STATUSES
        for one in ledger.assignments.of(campaign.campaign_id)
    }
    customers = pc.unique(view.arrow("account", columns=("customer_id",))["customer_id"]).to_pylist()
    histories = ledger.contacts.of(customers, now - timedelta(days=REMEMBERED_DAYS))
    contacts: list[dict[str, object]] = []
    refusals: list[dict[str, object]] = []
    bounces: list[dict[str, object]] = []
    for customer, history in sorted(histories.items()):
        if history.contacted:
            contacts.append({"customer_id": customer, "at": history.contacted[-1]})
        if history.complained:
            refusals.append({"customer_id": customer})
        refusals += [
            {"customer_id": customer, "channel": one.channel, "purpose": one.purpose}
            for one in history.unsubscribes
        ]
        bounces += [{"customer_id": customer, "channel": name} for name in sorted(history.bounced)]
    enrolled = [
        {"account_id": one.account_id, "tariff_id": product.tariff_id}
        for product in ledger.products.all()
        for one in ledger.enrolments.in_product(product.product_id)
        if one.status in ("pending", "active")
    ]
    return LedgerFacts(
        pa.Table.from_pylist([{"account_id": unit} for unit in sorted(units)], schema=RUNNING),
        pa.Table.from_pylist(contacts, schema=CONTACTS),
        pa.Table.from_pylist(refusals, schema=UNSUBSCRIBES),
        pa.Table.from_pylist(enrolled, schema=ENROLMENTS),
        pa.Table.from_pylist(bounces, schema=BOUNCES),
    )


def plans_of(session: Session, play: str) -> list[Plan]:
    """All plans of a play, newest first."""
    return [plan for plan in session.ledger.plans.recent(limit=MOST) if plan.content.playbook == play]


def waiting_plans(session: Session) -> list[Plan]:
    """Plans that wait for a person: to be approved, or to be launched; oldest first."""
    plans = session.ledger.plans.recent(limit=MOST)
    return [plan for plan in reversed(plans) if plan.status in ("submitted", "approved")]


def campaigns_of(session: Session, play: str) -> list[tuple[Plan, Campaign]]:
    """The campaigns of a play with their plans, newest first."""
    plans = {str(plan.plan_id): plan for plan in plans_of(session, play)}
    return [
        (plans[one.plan_id], one) for one in session.ledger.campaigns.recent(MOST) if one.plan_id in plans
    ]


def former_round(session: Session, view: LakeView, play: str) -> FormerRound | None:
    """The campaign of a play that ended last, with what was measured and answered; None before the first."""
    rounds = campaigns_of(session, play)
    ended = [(plan, one) for plan, one in rounds if one.status in ("stopped", "finished")]
    if not ended:
        return None
    plan, campaign = ended[0]
    effects, outcomes = (
        rows.filter(pc.equal(rows["campaign_id"], campaign.campaign_id))
        for rows in (view.arrow("effect"), view.arrow("outcome"))
    )
    return FormerRound(
        campaign.campaign_id,
        plan.plan_id,
        len(rounds),
        plan.content.expectation or {},
        plan.content.audience,
        effects,
        outcomes,
        _answers(session, campaign.campaign_id),
    )


def _answers(session: Session, campaign_id: str) -> pa.Table:
    """What came of a campaign's messages, by the channel on which each customer was reached."""
    ledger = session.ledger
    sends = [one for one in ledger.sends.of(campaign_id) if one.status in ("sent", "bounced")]
    channel_of = {one.customer_id: one.channel for one in sends}
    messages = Counter(one.channel for one in sends)
    bounced = Counter(one.channel for one in sends if one.status == "bounced")
    enrolled = Counter(
        channel_of.get(customer, "other")
        for customer in {one.customer_id for one in ledger.enrolments.of(campaign_id)}
    )
    ids = {str(one.send_id): one.channel for one in sends}
    left = Counter(
        ids[one.send_id]
        for one in ledger.unsubscribes.since()
        if one.send_id is not None and one.send_id in ids
    )
    rows = [
        {
            "channel": name,
            "messages": messages[name],
            "enrolled": enrolled[name],
            "unsubscribed": left[name],
            "bounced": bounced[name],
        }
        for name in sorted({*messages, *enrolled})
    ]
    return pa.Table.from_pylist(rows, schema=ANSWERS)


def kept_plays(session: Session, chosen: Iterable[str]) -> frozenset[str]:
    """Plays whose recommendations must stay as they are: what was approved is what is launched.

    Those with an approved plan or a campaign whose launch is not complete, and plays not chosen that have an open plan.

    Args:
        session: the workspace.
        chosen: plays that are recommended for now.
    """
    wanted = set(chosen)
    plans = {str(plan.plan_id): plan for plan in session.ledger.plans.recent(limit=MOST)}
    approved = {plan.content.playbook for plan in plans.values() if plan.status == "approved"}
    launching = {
        plans[one.plan_id].content.playbook
        for one in session.ledger.campaigns.recent(MOST)
        if one.status == "scheduled"
    }
    elsewhere = {plan.content.playbook for plan in plans.values() if plan.status in OPEN_STATUSES}
    return frozenset(approved | launching | (elsewhere - wanted))
