"""A launched campaign with its messages, answers and enrolments, for tests of what comes after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from gridloop.ledger.campaigns import Assignment, CampaignTerms
from gridloop.ledger.enrolments import Enrolment, Product
from gridloop.ledger.messages import PlannedSend
from gridloop.ledger.plans import PlanContent
from gridloop.ledger.responses import Response
from gridloop.ledger.sends import delivery_job
from gridloop.ledger.store import Ledger
from gridloop.strategy.playbook.model import Playbook

CHANNEL = "app"


def launched_campaign(
    ledger: Ledger,
    play: Playbook,
    arms: Mapping[str, str],
    starts_at: datetime,
    *,
    strata: Mapping[str, str] | None = None,
    enrolled: Collection[str] = (),
) -> str:
    """A running campaign: planned, approved by another, launched, everyone offered messaged, some enrolled.

    Args:
        ledger: where.
        play: the play.
        arms: account a-NAME → `offer` or `holdout`; its customer is c-NAME.
        starts_at: when.
        strata: account → stratum.
        enrolled: accounts that accept.

    Returns:
        the campaign's id.
    """
    content = PlanContent(
        play.name, play.version, {"selected": len(arms)}, {"play": play.model_dump(mode="json")}
    )
    plan = ledger.plans.draft(content, "li")
    ledger.plans.submit(plan.plan_id, "li")
    ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    terms = CampaignTerms(play.name, "account", content.settings, starts_at)
    campaign = ledger.campaigns.launch(plan.plan_id, terms, "li").campaign_id
    known = strata or {}
    ledger.assignments.record(
        campaign, [Assignment(unit, arm, 1, known.get(unit)) for unit, arm in arms.items()]
    )
    ledger.campaigns.start(campaign, "li")
    _send(ledger, campaign, [unit for unit, arm in arms.items() if arm == "offer"])
    _answer(ledger, campaign, play, starts_at, enrolled)
    return campaign


def _send(ledger: Ledger, campaign: str, accounts: Collection[str]) -> None:
    messages = [
        PlannedSend(f"c-{account[2:]}", CHANNEL, f"{campaign}|{account}|{CHANNEL}|1") for account in accounts
    ]
    ledger.sends.plan(campaign, messages)
    run = ledger.runs.start(delivery_job(CHANNEL), "reach", "inputs", code_version="test", settings={}, pid=1)
    while claimed := ledger.sends.claim(run, 400):
        for one in claimed:
            ledger.sends.sent(one.send_id)
    ledger.runs.succeed(run, {}, {})


def _answer(ledger: Ledger, campaign: str, play: Playbook, at: datetime, enrolled: Collection[str]) -> None:
    by_customer = {one.customer_id: one for one in ledger.sends.of(campaign)}
    ledger.responses.record(
        Response(
            f"{campaign}:{account}:{kind}",
            f"c-{account[2:]}",
            kind,
            at,
            by_customer[f"c-{account[2:]}"].send_id,
            campaign,
        )
        for account in sorted(enrolled)
        for kind in ("opened", "accepted")
    )
    product = ledger.products.upsert(Product(play.offer.tariff, play.offer.tariff, "tariff", at.date()))
    ledger.enrolments.record(
        Enrolment(product.product_id, account, f"c-{account[2:]}", at, "app", campaign)
        for account in sorted(enrolled)
    )
