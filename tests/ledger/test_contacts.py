"""What the gate asks of the ledger: contacts of every campaign and channel, bounces, complaints, unsubscriptions."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.ledger.campaigns import Assignment, CampaignTerms
from gridloop.ledger.enrolments import Enrolment, Product
from gridloop.ledger.messages import PlannedSend, Settled
from gridloop.ledger.responses import Response
from gridloop.ledger.sends import delivery_job
from gridloop.ledger.unsubscribes import Unsubscribe


@pytest.fixture
def campaign_id(ledger, content, clock):
    """A running campaign."""
    plan = ledger.plans.draft(content, "li")
    ledger.plans.submit(plan.plan_id, "li")
    ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    campaign = ledger.campaigns.launch(plan.plan_id, CampaignTerms("Peak", "account", {}, clock.now()), "li")
    ledger.campaigns.start(campaign.campaign_id, "li")
    return campaign.campaign_id


def sent(ledger, campaign_id, customer, channel="sms", status="sent"):
    """Hand one message over; answers it."""
    key = f"{customer}-{channel}-{len(ledger.sends.of(campaign_id))}"
    ledger.sends.plan(campaign_id, [PlannedSend(customer, channel, key)])
    run_id = ledger.runs.start(delivery_job(channel), "reach", "d", "v", {})
    (send,) = ledger.sends.claim(run_id)
    ledger.sends.settle([Settled(send.send_id, status)])
    ledger.runs.succeed(run_id, {}, {})
    return send


def test_contacts_of_all_campaigns_and_channels_count_within_the_days(ledger, campaign_id, clock):
    instants = []
    for channel, status in (("sms", "sent"), ("email", "unknown"), ("app", "failed"), ("sms", "cancelled")):
        sent(ledger, campaign_id, "customer1", channel, status)
        instants.append(clock.now())
        clock.later(days=1)
    month = clock.now() - timedelta(days=30)
    assert ledger.contacts.of(["customer1", "customer2"], month)["customer1"].contacted == tuple(instants[:2])
    assert "customer2" not in ledger.contacts.of(["customer1", "customer2"], month)
    assert ledger.contacts.of(["customer1"], instants[1])["customer1"].contacted == (instants[1],)
    assert ledger.contacts.contacted_since(instants[1]) == {"customer1"}
    assert ledger.contacts.contacted_since(clock.now()) == frozenset()


def test_the_message_that_is_about_to_go_does_not_count(ledger, campaign_id, clock):
    ledger.sends.plan(campaign_id, [PlannedSend("customer1", "sms", "one")])
    (send,) = ledger.sends.claim(ledger.runs.start(delivery_job("sms"), "reach", "d", "v", {}))
    month = clock.now() - timedelta(days=30)
    assert ledger.contacts.of(["customer1"], month)["customer1"].contacted == (clock.now(),)
    assert ledger.contacts.of(["customer1"], month, besides=[send.send_id]) == {}


def test_bounces_complaints_and_unsubscriptions_are_told(ledger, campaign_id, clock):
    one = sent(ledger, campaign_id, "customer1")
    two = sent(ledger, campaign_id, "customer2", "email")
    ledger.sends.bounced(one.send_id, "no such number")
    ledger.responses.record([Response("r", "customer2", "complained", clock.now(), two.send_id, campaign_id)])
    said = Unsubscribe("u", "customer2", clock.now(), "link", purpose="marketing", send_id=two.send_id)
    ledger.unsubscribes.record([said])
    known = ledger.contacts.of(["customer1", "customer2"], clock.now() - timedelta(days=1))
    assert (known["customer1"].bounced, known["customer1"].complained) == ({"sms"}, False)
    assert (known["customer2"].complained, known["customer2"].unsubscribes) == (True, (said,))
    reaction = ledger.contacts.reaction(campaign_id)
    assert (reaction.accepted, reaction.bounced, reaction.unsubscribed) == (2, 1, 1)


def test_the_same_unsubscription_twice_is_one(ledger, clock):
    said = [Unsubscribe(f"u{n}", f"customer{n}", clock.now(), "link", "sms") for n in range(3)]
    assert ledger.unsubscribes.record([*said, said[0]]) == 3
    assert ledger.unsubscribes.record(said) == 0
    assert ledger.unsubscribes.of(["customer1", "customer9"]) == [said[1]]
    assert ledger.unsubscribes.since() == said
    assert ledger.unsubscribes.since(clock.now() + timedelta(seconds=1)) == []


def test_an_unsubscription_covers_what_it_names_and_everything_where_it_names_nothing(ledger, clock):
    at = clock.now()
    ledger.unsubscribes.record(
        [
            Unsubscribe("a", "everything", at, "call"),
            Unsubscribe("b", "one-channel", at, "link", channel="sms"),
            Unsubscribe("c", "one-purpose", at, "link", purpose="research"),
        ]
    )
    assert ledger.unsubscribes.customers("sms", "marketing") == {"everything", "one-channel"}
    assert ledger.unsubscribes.customers("email", "marketing") == {"everything"}
    assert ledger.unsubscribes.customers("email", "research") == {"everything", "one-purpose"}


def test_an_unsubscription_from_an_unknown_send_is_refused(ledger, clock):
    with pytest.raises(LedgerConflict, match="rule"):
        ledger.unsubscribes.record([Unsubscribe("u", "customer1", clock.now(), "link", send_id="none")])


TARIFF = Product(
    "product-tou", "Evening", "tariff", date(2026, 7, 1), {"tariff": "tou-evening"}, tariff_id="tou-evening"
)


def test_a_product_is_written_once_and_changed_in_place(ledger):
    assert ledger.products.upsert(TARIFF) == TARIFF
    changed = Product(
        "product-tou",
        "Evening 2",
        "tariff",
        date(2026, 8, 1),
        {},
        tariff_id="tou-evening",
        unit_cost=Decimal(8),
    )
    assert ledger.products.upsert(changed).valid_from == date(2026, 7, 1)
    assert [(one.name, one.unit_cost) for one in ledger.products.all()] == [("Evening 2", Decimal(8))]
    with pytest.raises(UsageError, match="no product"):
        ledger.products.product("product-none")


def test_the_same_enrolment_twice_is_one(ledger, campaign_id, clock):
    ledger.products.upsert(TARIFF)
    enrolled = [
        Enrolment("product-tou", f"account{n}", "customer1", clock.now(), "email", campaign_id)
        for n in range(2)
    ]
    assert ledger.enrolments.record([*enrolled, enrolled[0]]) == 2
    clock.later(hours=1)
    again = Enrolment("product-tou", "account1", "customer1", clock.now(), "sms", campaign_id)
    assert ledger.enrolments.record([again]) == 0
    assert sorted(one.account_id for one in ledger.enrolments.of(campaign_id)) == ["account0", "account1"]
    assert {one.source for one in ledger.enrolments.in_product("product-tou")} == {"email"}
    with pytest.raises(LedgerConflict, match="rule"):
        ledger.enrolments.record([Enrolment("none", "account1", "customer1", clock.now(), "sms")])


def test_units_of_campaigns_that_have_not_ended_are_under_way_whatever_their_arm(ledger, campaign_id):
    units = [Assignment("account1", "offer", 1), Assignment("account2", "holdout", 1)]
    ledger.assignments.record(campaign_id, units)
    assert ledger.assignments.under_way() == {"account1", "account2"}
    assert ledger.assignments.under_way("customer") == frozenset()
    ledger.campaigns.stop(campaign_id, "li", "done")
    assert ledger.assignments.under_way() == frozenset()


def test_a_pause_says_why_in_the_audit_trail(ledger, campaign_id):
    ledger.campaigns.pause(campaign_id, "guardrail", "bounced_share")
    assert ledger.audit.entries(1)[0].details == {"from": "running", "reason": "bounced_share"}
    campaign = ledger.campaigns.campaign(campaign_id)
    assert ledger.campaigns.of_plan(campaign.plan_id) == campaign
    assert ledger.campaigns.of_plan("none") is None
