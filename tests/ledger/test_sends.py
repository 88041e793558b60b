"""Nothing is sent twice, and what may have been sent is never planned again by itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.ledger.campaigns import CampaignTerms
from gridloop.ledger.messages import PlannedSend, Settled
from gridloop.ledger.responses import Response
from gridloop.ledger.sends import delivery_job

MESSAGES = [
    PlannedSend(f"customer{n}", "sms", f"peak-1-customer{n}", cost=Decimal("0.045")) for n in range(4)
]


@pytest.fixture
def campaign_id(ledger, content, clock):
    """A running campaign with four planned messages."""
    plan = ledger.plans.draft(content, "li")
    ledger.plans.submit(plan.plan_id, "li")
    ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    terms = CampaignTerms("Peak", "account", {}, clock.now())
    campaign = ledger.campaigns.launch(plan.plan_id, terms, "li")
    ledger.campaigns.start(campaign.campaign_id, "li")
    assert ledger.sends.plan(campaign.campaign_id, MESSAGES) == 4
    return campaign.campaign_id


def delivery(ledger, channel="sms", pid=None):
    return ledger.runs.start(delivery_job(channel), "reach", "d", "v", {}, pid)


def test_planning_again_adds_nothing(ledger, campaign_id):
    assert (
        ledger.sends.plan(campaign_id, [*MESSAGES, PlannedSend("customer9", "sms", "peak-1-customer9")]) == 1
    )
    assert len(ledger.sends.of(campaign_id)) == 5
    assert ledger.sends.of(campaign_id)[0].cost in (Decimal("0.045"), None)


def test_a_key_stands_for_one_message(ledger, campaign_id):
    other = [PlannedSend("customer8", "sms", "new-key"), replace(MESSAGES[0], customer_id="customer7")]
    with pytest.raises(LedgerConflict, match="stands for another"):
        ledger.sends.plan(campaign_id, other)
    assert len(ledger.sends.of(campaign_id)) == 4


def test_a_claimed_message_is_sending_for_everybody_before_it_is_handed_over(ledger, campaign_id, clock):
    claimed = ledger.sends.claim(delivery(ledger), 3)
    assert [send.status for send in claimed] == ["sending"] * 3
    assert {send.attempts for send in claimed} == {1}
    assert len(ledger.sends.of(campaign_id, "planned")) == 1
    clock.later(seconds=2)
    ledger.sends.sent(claimed[0].send_id, Decimal("0.05"))
    ledger.sends.failed(claimed[1].send_id, "number unknown")
    sent = ledger.sends.send(claimed[0].send_id)
    assert (sent.status, sent.sent_at, sent.cost) == ("sent", clock.now(), Decimal("0.050000"))
    assert ledger.sends.send(claimed[1].send_id).last_error == "number unknown"


def test_a_message_is_claimed_once(ledger, campaign_id):
    run_id = delivery(ledger)
    first, second = ledger.sends.claim(run_id), ledger.sends.claim(run_id)
    assert (len(first), len(second)) == (4, 0)


def test_only_due_messages_of_running_campaigns_and_the_runs_channel_are_claimed(ledger, campaign_id, clock):
    later = replace(MESSAGES[0], idempotency_key="later", not_before=clock.now() + timedelta(hours=1))
    ledger.sends.plan(campaign_id, [later, PlannedSend("customer1", "email", "mail")])
    sms, email = delivery(ledger), delivery(ledger, "email")
    ledger.campaigns.pause(campaign_id, "li")
    assert ledger.sends.claim(sms) == []
    ledger.campaigns.start(campaign_id, "li")
    texts = ledger.sends.claim(sms)
    assert len(texts) == 4
    ledger.sends.settle([Settled(send.send_id, "sent") for send in texts])
    assert [send.idempotency_key for send in ledger.sends.claim(email)] == ["mail"]
    clock.later(hours=1)
    assert [send.idempotency_key for send in ledger.sends.claim(sms)] == ["later"]


def test_what_a_dead_process_left_is_unknown_and_never_planned_again(ledger, campaign_id):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    claimed = ledger.sends.claim(delivery(ledger, pid=process.pid), 2)
    assert ledger.sends.recover() == []
    process.communicate(b"\n")
    assert ledger.sends.recover() == sorted(send.send_id for send in claimed)
    assert ledger.sends.recover() == []
    assert {send.send_id for send in ledger.sends.undecided()} == {send.send_id for send in claimed}
    assert len(ledger.sends.claim(delivery(ledger))) == 2
    for refused in (ledger.sends.retry, ledger.sends.cancel, ledger.sends.sent):
        with pytest.raises(LedgerConflict, match="is unknown"):
            refused(claimed[0].send_id)


def test_a_new_delivery_knows_its_messages_from_those_of_a_dead_one(ledger, campaign_id, clock):
    run_id = delivery(ledger)
    lost = ledger.sends.claim(run_id, 1)[0].send_id
    ledger.runs.fail(run_id, "X", "")
    clock.later(seconds=1)
    mine = ledger.sends.claim(delivery(ledger), 1)[0].send_id
    assert ledger.sends.recover() == [lost]
    assert ledger.sends.send(mine).status == "sending"


def test_an_unknown_message_is_decided_by_a_person_and_audited(ledger, campaign_id):
    run_id = delivery(ledger)
    one, two = (send.send_id for send in ledger.sends.claim(run_id, 2))
    ledger.runs.fail(run_id, "X", "")
    ledger.sends.recover()
    ledger.sends.decide(one, "sent", "li")
    ledger.sends.decide(two, "failed", "li")
    ledger.sends.retry(two)
    assert ledger.sends.send(one).status == "sent"
    assert ledger.sends.send(two).status == "planned"
    assert ledger.audit.entries(1)[0].action == "send.decided_failed"
    with pytest.raises(LedgerConflict, match="only one that is unknown"):
        ledger.sends.decide(one, "failed", "li")


def test_a_retried_message_keeps_its_message_id(ledger, campaign_id):
    run_id = delivery(ledger)
    first = ledger.sends.claim(run_id, 1)[0]
    ledger.sends.failed(first.send_id, "busy")
    ledger.sends.retry(first.send_id)
    again = next(send for send in ledger.sends.claim(run_id) if send.send_id == first.send_id)
    assert (again.message_id, again.attempts, again.last_error) == (first.message_id, 2, None)


def test_a_bounce_follows_a_send_only(ledger, campaign_id):
    send = ledger.sends.claim(delivery(ledger), 1)[0]
    with pytest.raises(LedgerConflict, match="sending and cannot become bounced"):
        ledger.sends.bounced(send.send_id, "no such number")
    ledger.sends.sent(send.send_id)
    ledger.sends.bounced(send.send_id, "no such number")
    with pytest.raises(LedgerConflict, match="bounced and cannot become sent"):
        ledger.sends.sent(send.send_id)


def test_a_message_that_was_not_claimed_cannot_be_sent(ledger, campaign_id):
    send = ledger.sends.of(campaign_id)[0]
    with pytest.raises(LedgerConflict, match="planned and cannot become sent"):
        ledger.sends.sent(send.send_id)
    ledger.sends.cancel(send.send_id)
    assert len(ledger.sends.claim(delivery(ledger))) == 3


def test_only_a_running_delivery_claims(ledger, campaign_id):
    run_id = delivery(ledger)
    ledger.runs.succeed(run_id, {}, {})
    with pytest.raises(LedgerConflict, match="can claim nothing more"):
        ledger.sends.claim(run_id)
    with pytest.raises(UsageError, match="no run of a delivery"):
        ledger.sends.claim(ledger.runs.start("import", "data", "d", "v", {}))


def test_nothing_is_planned_for_a_campaign_that_ended(ledger, campaign_id):
    ledger.campaigns.stop(campaign_id, "li", "complaints")
    with pytest.raises(LedgerConflict, match="nothing can be sent"):
        ledger.sends.plan(campaign_id, MESSAGES)


def test_the_same_response_twice_is_one(ledger, campaign_id, clock):
    send = ledger.sends.of(campaign_id)[0]
    response = Response(
        "r1", send.customer_id, "accepted", clock.now(), send.send_id, campaign_id, 1.0, {"button": "yes"}
    )
    assert ledger.responses.record([response, response]) == 1
    clock.later(seconds=9)
    assert ledger.responses.record([response]) == 0
    assert ledger.responses.of(campaign_id) == [response]
    with pytest.raises(LedgerConflict, match="says something else"):
        ledger.responses.record([replace(response, kind="declined")])


def test_a_response_to_an_unknown_send_is_refused(ledger, campaign_id, clock):
    with pytest.raises(LedgerConflict, match="rule"):
        ledger.responses.record([Response("r1", "customer1", "opened", clock.now(), "no-such-send")])


def test_a_customer_has_one_message_in_the_air_over_all_channels(ledger, campaign_id):
    ledger.sends.plan(
        campaign_id, [PlannedSend("customer0", "sms", "second"), PlannedSend("customer0", "email", "mail")]
    )
    sms, email = delivery(ledger), delivery(ledger, "email")
    first = ledger.sends.claim(sms)
    assert sorted(send.customer_id for send in first) == [f"customer{n}" for n in range(4)]
    assert ledger.sends.claim(email) == ledger.sends.claim(sms) == []
    ledger.sends.settle([Settled(send.send_id, "sent") for send in first])
    assert [send.customer_id for send in ledger.sends.claim(email)] == ["customer0"]
    assert ledger.sends.claim(sms) == []


def test_only_messages_of_the_named_campaign_are_claimed(ledger, campaign_id):
    run_id = delivery(ledger)
    assert ledger.sends.claim(run_id, campaign_id="another") == []
    assert len(ledger.sends.claim(run_id, campaign_id=campaign_id)) == 4


def test_what_became_of_a_batch_is_recorded_at_once(ledger, campaign_id, clock):
    sent, refused, held, stopped = (send.send_id for send in ledger.sends.claim(delivery(ledger)))
    later = clock.now() + timedelta(hours=10)
    left = ledger.sends.settle(
        [
            Settled(sent, "sent", cost=Decimal("0.05")),
            Settled(refused, "failed", "550 at RCPT"),
            Settled(held, "planned", "quiet_hours", not_before=later, attempted=False),
            Settled(stopped, "cancelled", "unsubscribed", attempted=False),
        ]
    )
    assert left == []
    assert {status: count for (_, status, _), count in ledger.sends.counts(campaign_id).items()} == {
        "sent": 1,
        "failed": 1,
        "planned": 1,
        "cancelled": 1,
    }
    put_back = ledger.sends.send(held)
    assert (put_back.attempts, put_back.sending_at, put_back.not_before) == (0, None, later)
    assert ledger.sends.next_due(campaign_id) == later
    assert ledger.sends.due() == {}
    clock.later(hours=10)
    assert ledger.sends.due() == {"sms": 1}


def test_a_process_taken_for_dead_may_still_say_what_went_out_but_puts_nothing_back(ledger, campaign_id):
    run_id = delivery(ledger)
    sent, held, *others = (send.send_id for send in ledger.sends.claim(run_id))
    ledger.runs.fail(run_id, "X", "")
    ledger.sends.recover()
    assert ledger.sends.settle([Settled(sent, "sent"), Settled(held, "planned")]) == [held]
    assert ledger.sends.send(sent).status == "sent"
    assert {send.send_id for send in ledger.sends.undecided(campaign_id)} == {held, *others}
    ledger.sends.decide(held, "failed", "li")
    with pytest.raises(LedgerConflict, match="failed and cannot become sent"):
        ledger.sends.settle([Settled(held, "sent")])


def test_unknown_messages_are_planned_again_only_for_a_channel_that_cannot_double(ledger, campaign_id):
    run_id = delivery(ledger)
    claimed = ledger.sends.claim(run_id, 2)
    ledger.runs.fail(run_id, "X", "")
    ledger.sends.recover()
    assert ledger.sends.again("email") == 0
    assert ledger.sends.again("sms") == 2
    assert ledger.sends.undecided() == []
    again = ledger.sends.claim(delivery(ledger))
    assert {send.message_id for send in again} >= {send.message_id for send in claimed}


def test_all_failed_messages_are_retried_and_all_waiting_ones_given_up(ledger, campaign_id):
    claimed = ledger.sends.claim(delivery(ledger), 2)
    ledger.sends.settle([Settled(send.send_id, "failed", "550") for send in claimed])
    assert ledger.sends.retry_failed(campaign_id) == 2
    assert ledger.sends.cancel_planned(campaign_id, "campaign_stopped") == 4
    assert ledger.sends.counts(campaign_id) == {("sms", "cancelled", "campaign_stopped"): 4}


def test_answers_move_the_messages_they_answer(ledger, campaign_id, clock):
    run_id = delivery(ledger)
    one, two, three = ledger.sends.claim(run_id, 3)
    ledger.sends.settle([Settled(two.send_id, "sent")])
    ledger.runs.fail(run_id, "X", "")
    ledger.sends.recover()
    ledger.responses.record(
        [
            Response("r1", one.customer_id, "delivered", clock.now(), one.send_id, campaign_id),
            Response("r2", two.customer_id, "bounced", clock.now(), two.send_id, campaign_id),
        ]
    )
    moved = ledger.responses.reconcile()
    assert (moved.sent, moved.bounced) == (1, 1)
    assert ledger.sends.send(one.send_id).status == "sent"
    assert ledger.sends.send(one.send_id).sent_at == one.sending_at
    assert ledger.sends.send(two.send_id).status == "bounced"
    assert [send.send_id for send in ledger.sends.undecided()] == [three.send_id]
    again = ledger.responses.reconcile()
    assert (again.sent, again.bounced) == (0, 0)
    assert ledger.sends.of_messages([one.message_id, "none"]).keys() == {one.message_id}
    assert ledger.sends.channels() == {"sms"}
