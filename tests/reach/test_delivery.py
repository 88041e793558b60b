"""A delivery hands over what the gate clears at that moment, each message once, and records what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gridloop.domain.errors import GridloopError, LedgerConflict, ServiceMissing
from gridloop.ledger.messages import PlannedSend
from gridloop.ledger.sends import delivery_job
from gridloop.ledger.unsubscribes import Unsubscribe
from gridloop.reach.channels.channel import Handover, Verdict
from gridloop.reach.gate import Cleared
from gridloop.reach.orchestrate import stop_campaign


def test_everybody_of_the_offer_gets_one_message_with_their_own_saving(house, recorder):
    house.launch()
    report = house.deliver(recorder)
    assert report.outcomes == {"sent": 28}
    assert len(set(recorder.addresses)) == 28
    for message in recorder.taken:
        number = int(message.address[1:6])
        assert message.facts == {"tariff": "tou-evening", "saving": f"{100 + number}.50", "currency": "CNY"}
        assert f"{100 + number}.50" in message.text
        assert message.language == ("en" if number % 2 else "zh")
        assert f"&lt;{number}&gt;" in message.html
    assert house.deliver(recorder).outcomes == {}
    assert len(recorder.taken) == 28


def test_a_customer_of_the_holdout_is_reached_by_no_channel_whatever_is_planned(house, new_channel):
    house.launch()
    held_out = house.customers("holdout")
    house.view.rows["consent"] += [
        {**row, "channel": channel}
        for row in house.view.rows["consent"]
        if row["channel"] == "sms"
        for channel in ("app", "phone")
    ]
    for channel in ("email", "sms", "app", "phone"):
        planned = [PlannedSend(one, channel, f"smuggled|{one}|{channel}", "tou-offer") for one in held_out]
        house.ledger.sends.plan(house.campaign_id, planned)
    for name in ("email", "sms", "app", "phone"):
        channel = new_channel(name)
        report = house.deliver(channel)
        assert report.reasons == {"holdout": 12}
        assert {
            f"C{message.address[1:6]}" for message in channel.taken if name == "email"
        } & held_out == set()
        assert name == "email" or channel.taken == []


def test_an_unsubscription_during_a_send_stops_the_next_message(house, recorder):
    house.launch()
    order = [one.customer_id for one in house.ledger.sends.of(house.campaign_id)]

    def unsubscribe_the_next(message):
        place = order.index(f"C{message.address[1:6]}")
        if place == 4:
            said = Unsubscribe("u", order[place + 1], house.clock.now(), "link", purpose="marketing")
            house.ledger.unsubscribes.record([said])
        return Handover(Verdict.ACCEPTED)

    recorder.answer = unsubscribe_the_next
    report = house.deliver(recorder)
    assert report.outcomes == {"cancelled": 1, "sent": 27}
    assert report.reasons == {"unsubscribed": 1}
    assert f"c{order[5][1:]}@people.example" not in recorder.addresses


def test_an_emergency_stop_takes_effect_before_the_next_message(house, recorder):
    house.launch()

    def stop_at_the_third(message):
        if len(recorder.taken) == 2:
            stop_campaign(house.ledger, house.campaign_id, "wang", "wrong price")
        return Handover(Verdict.ACCEPTED)

    recorder.answer = stop_at_the_third
    house.deliver(recorder)
    assert len(recorder.taken) == 3
    assert house.statuses() == {"sent": 3, "cancelled": 25}


def test_a_paused_campaign_goes_on_where_it_was(house, recorder):
    house.launch()

    def pause_at_the_third(message):
        if len(recorder.taken) == 2:
            house.ledger.campaigns.pause(house.campaign_id, "wang")
        return Handover(Verdict.ACCEPTED)

    recorder.answer = pause_at_the_third
    house.deliver(recorder)
    assert house.statuses() == {"sent": 3, "planned": 25}
    assert all(one.attempts == 0 for one in house.ledger.sends.of(house.campaign_id, "planned"))
    house.ledger.campaigns.start(house.campaign_id, "wang")
    recorder.answer = lambda _: Handover(Verdict.ACCEPTED)
    house.deliver(recorder)
    assert house.statuses() == {"sent": 28}
    assert len(set(recorder.addresses)) == 28


def test_what_is_due_at_night_waits_for_the_morning(house, recorder):
    house.launch()
    house.clock.instant = datetime(
        2026, 3, 2, 12, 59, tzinfo=UTC
    )  # a minute to nine in the evening in Shanghai

    def a_minute_each(message):
        house.clock.later(seconds=20)
        return Handover(Verdict.ACCEPTED)

    recorder.answer = a_minute_each
    assert house.deliver(recorder).reasons == {"quiet_hours": 25}
    assert len(recorder.taken) == 3
    assert house.ledger.sends.next_due(house.campaign_id) == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    assert house.deliver(recorder).outcomes == {}
    house.clock.instant = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    assert house.deliver(recorder).outcomes == {"sent": 25}


def test_the_cap_counts_messages_of_every_campaign_and_channel(new_house, recorder, new_channel):
    house = new_house(contact__cap={"messages": "2", "days": "30"})
    house.launch()
    house.deliver(recorder)
    customer = house.ledger.sends.of(house.campaign_id, "sent")[0].customer_id
    texts = new_channel("sms")
    for number in range(2):
        house.clock.later(days=1)
        planned = [PlannedSend(customer, "sms", f"more-{number}", "tou-offer")]
        house.ledger.sends.plan(house.campaign_id, planned)
        house.deliver(texts)
    assert len(texts.taken) == 1
    held = house.ledger.sends.of(house.campaign_id, "planned")[0]
    assert (held.last_error, held.not_before) == ("frequency_cap", house.clock.now() - timedelta(days=2 - 30))
    house.clock.later(days=28)
    house.deliver(texts)
    assert len(texts.taken) == 2


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(Verdict.REFUSED, "failed"), (Verdict.UNKNOWN, "unknown"), (Verdict.DEFERRED, "planned")],
)
def test_a_message_becomes_what_the_channel_says(house, recorder, verdict, status):
    house.launch()
    recorder.answer = lambda message: (
        Handover(verdict, "said so") if message.address == house_first(house) else Handover(Verdict.ACCEPTED)
    )
    house.deliver(recorder)
    assert house.statuses() == {"sent": 27, status: 1}
    assert house.reasons() == {"said so": 1}


def house_first(house):
    """Address of the customer whose message was planned first."""
    return f"c{house.ledger.sends.of(house.campaign_id)[0].customer_id[1:]}@people.example"


def test_a_deferred_message_is_tried_again_ever_later_and_fails_in_the_end(house, recorder):
    house.launch()
    recorder.answer = lambda _: Handover(Verdict.DEFERRED, "451 at RCPT")
    waits = []
    for _ in range(3):
        house.deliver(recorder, most_attempts=3, retry_minutes=10)
        later = house.ledger.sends.next_due(house.campaign_id)
        waits.append(later and later - house.clock.now())
        house.clock.later(minutes=40)
    assert waits == [timedelta(minutes=10), timedelta(minutes=20), None]
    assert house.statuses() == {"failed": 28}
    assert house.ledger.sends.retry_failed(house.campaign_id) == 28


def test_a_channel_that_goes_away_leaves_nothing_undecided(house, recorder):
    house.launch()

    def go_away(message):
        if len(recorder.taken) == 4:
            raise ServiceMissing("The mail server cannot be used.")
        return Handover(Verdict.ACCEPTED)

    recorder.answer = go_away
    with pytest.raises(ServiceMissing):
        house.deliver(recorder)
    assert house.statuses() == {"sent": 4, "planned": 24}
    assert house.ledger.runs.latest(delivery_job("email")).outcome == "failed"


def test_a_delivery_that_is_interrupted_leaves_one_message_undecided(house, recorder):
    house.launch()

    def interrupt(message):
        if len(recorder.taken) == 4:
            raise KeyboardInterrupt
        return Handover(Verdict.ACCEPTED)

    recorder.answer = interrupt
    with pytest.raises(KeyboardInterrupt):
        house.deliver(recorder)
    assert house.statuses() == {"sent": 4, "planned": 23, "unknown": 1}
    recorder.answer = lambda _: Handover(Verdict.ACCEPTED)
    report = house.deliver(recorder)
    assert (report.outcomes, report.undecided) == ({"sent": 23}, 1)


def test_what_is_undecided_goes_again_by_itself_only_where_nothing_can_double(house, new_channel):
    house.launch()
    channel = new_channel(exactly_once=True)
    channel.answer = lambda _: Handover(Verdict.UNKNOWN, "lost")
    house.deliver(channel)
    assert house.statuses() == {"unknown": 28}
    channel.answer = lambda _: Handover(Verdict.ACCEPTED)
    first = [message.message_id for message in channel.taken]
    house.deliver(channel)
    assert house.statuses() == {"sent": 28}
    assert sorted(first) == sorted(message.message_id for message in channel.taken[28:])


def test_two_deliveries_of_a_channel_are_never_at_work_at_once(house, recorder):
    house.launch()

    def a_second_one(message):
        with pytest.raises(LedgerConflict, match="already running"):
            house.deliver(recorder)
        return Handover(Verdict.ACCEPTED)

    recorder.answer = a_second_one
    assert house.deliver(recorder).outcomes == {"sent": 28}
    assert len(set(recorder.addresses)) == 28


def test_a_message_that_cannot_be_written_is_given_up_with_the_reason(house, recorder):
    house.launch()
    house.view.rows["recommendation"] = house.view.rows["recommendation"][:20]
    report = house.deliver(recorder)
    assert report.outcomes["cancelled"] == report.reasons["no value for saving"]
    assert report.outcomes["cancelled"] + report.outcomes["sent"] == 28


def test_an_address_that_is_gone_is_a_reason_of_its_own(house, recorder):
    house.launch()
    del house.vault.records[house.ledger.sends.of(house.campaign_id)[0].customer_id]
    assert house.deliver(recorder).reasons == {"no_address": 1}


def test_an_account_that_passed_to_another_customer_reaches_neither(house, recorder):
    house.launch()
    first = house.ledger.sends.of(house.campaign_id)[0].customer_id
    house.view.rows["account"][int(first[1:])]["customer_id"] = "C99999"
    assert house.deliver(recorder).reasons == {"not_assigned": 1}


def test_a_campaign_that_people_turn_away_from_pauses_by_itself(new_house, recorder):
    house = new_house(
        120, guardrails={"bounced_share": "0.1", "unsubscribed_share": "0.04", "after_messages": "20"}
    )
    house.launch()
    order = [one.send_id for one in house.ledger.sends.of(house.campaign_id)]

    def bounce(message):
        if len(recorder.taken) == 22:
            for send_id in order[:3]:
                house.ledger.sends.bounced(send_id, "550")
        return Handover(Verdict.ACCEPTED)

    recorder.answer = bounce
    report = house.deliver(recorder, batch=5, judge_every=5)
    assert [finding.code for finding in report.findings] == ["reach.bounced_share"]
    assert len(recorder.taken) == 25
    assert "12.0%, the limit 10.0%" in report.findings[0].text
    assert house.ledger.campaigns.status(house.campaign_id) == "paused"
    assert house.ledger.audit.entries(1)[0].actor == "guardrail"


def test_nobody_but_the_gate_clears_a_message(house):
    with pytest.raises(GridloopError, match="Only the gate"):
        Cleared("send", "message", "customer", "email", house.clock.now(), object())


def test_nothing_personal_stands_in_what_a_delivery_leaves_in_the_ledger(house, recorder):
    house.launch()
    house.deliver(recorder)
    text = str(house.ledger.sends.of(house.campaign_id)) + str(house.ledger.runs.recent())
    assert "people.example" not in text
    assert "Li <" not in text
