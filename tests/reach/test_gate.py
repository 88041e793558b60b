"""Whatever happens in whatever order, nothing reaches a channel that the rules forbid at that moment."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from gridloop.ledger.messages import PlannedSend
from gridloop.ledger.responses import Response
from gridloop.ledger.unsubscribes import Unsubscribe
from gridloop.reach.channels.channel import Handover, Verdict

CHANNELS = ("email", "sms")
PEOPLE = [f"C{n:05}" for n in range(8)]
STRANGER = "C99999"
CAP, CAP_DAYS = 2, 3
CUSTOMER = st.sampled_from([*PEOPLE, STRANGER])
CHANNEL = st.sampled_from(CHANNELS)
VERDICT = st.sampled_from([Verdict.ACCEPTED] * 4 + [Verdict.REFUSED, Verdict.DEFERRED, Verdict.UNKNOWN])


VERDICTS = st.lists(VERDICT, min_size=1, max_size=6)
MEANWHILE = st.sampled_from(["nothing", "nothing", "nothing", "unsubscribe", "pause", "night", "interrupt"])


class Contacts(RuleBasedStateMachine):
    """A campaign to which everything happens, beside a judge that knows the rules on its own."""

    new_house = None
    new_channel = None
    cleared = 0

    @initialize(without=st.sets(st.sampled_from(PEOPLE), max_size=3), channel=CHANNEL)
    def begin(self, without, channel):
        self.house = type(self).new_house(
            len(PEOPLE), contact__cap={"messages": str(CAP), "days": str(CAP_DAYS)}, holdout__share="0.25"
        )
        self.house.view.rows["consent"] = []
        self.house.launch()
        self.held_out = self.house.customers("holdout")
        self.status, self.began = "running", self.house.clock.now()
        self.consents, self.refused, self.contacts = [], [], []
        self.bounced, self.complained, self.taken = set(), set(), set()
        self.keys = 0
        for customer in PEOPLE:
            if customer not in without:
                self.consent_to_all(customer)
        self.plan_and_deliver(channel, [Verdict.ACCEPTED], "nothing")

    # What happens ------------------------------------------------------------------------------------------------

    @rule(
        customer=CUSTOMER,
        channel=CHANNEL,
        granted=st.booleans(),
        days=st.integers(-2, 2),
        ends=st.none() | st.just(1),
    )
    def consent(self, customer, channel, granted, days, ends):
        begins = self.house.clock.now() + timedelta(days=days, seconds=len(self.consents))
        end = None if ends is None else begins + timedelta(days=ends)
        self.consents.append((customer, channel, begins, end, granted))
        row = {
            "customer_id": customer,
            "channel": channel,
            "granted": granted,
            "valid_from": begins,
            "valid_to": end,
        }
        self.house.view.rows["consent"].append({**row, "purpose": "marketing", "source": "app"})

    @rule(customer=CUSTOMER)
    def consent_to_all(self, customer):
        for channel in CHANNELS:
            self.consent(customer, channel, True, -1, None)

    @rule(customer=CUSTOMER)
    def withdraw(self, customer):
        for channel in CHANNELS:
            self.consent(customer, channel, False, 0, None)

    @rule(
        customer=CUSTOMER,
        channel=st.none() | CHANNEL,
        purpose=st.sampled_from([None, "marketing", "research"]),
    )
    def unsubscribe(self, customer, channel, purpose):
        self.refused.append((customer, channel, purpose))
        said = Unsubscribe(
            f"u{len(self.refused)}", customer, self.house.clock.now(), "link", channel, purpose
        )
        self.house.ledger.unsubscribes.record([said])

    @rule(customers=st.lists(CUSTOMER, min_size=1, max_size=8), channel=CHANNEL)
    def plan(self, customers, channel):
        if self.status in ("stopped",):
            return
        self.keys += 1
        planned = [PlannedSend(one, channel, f"{self.keys}|{one}", "tou-offer") for one in set(customers)]
        self.house.ledger.sends.plan(self.house.campaign_id, planned)

    @rule(hours=st.sampled_from([1, 7, 12, 24, 24, 48, 72]))
    def time_passes(self, hours):
        self.house.clock.later(hours=hours)

    @rule(
        to=st.sampled_from(["paused", "running", "running", "running", "stopped"]), seldom=st.integers(0, 7)
    )
    def steer(self, to, seldom):
        campaigns, campaign_id = self.house.ledger.campaigns, self.house.campaign_id
        if to == self.status or self.status == "stopped" or (to == "stopped" and seldom):
            return
        if to == "running":
            campaigns.start(campaign_id, "li")
        elif to == "paused":
            campaigns.pause(campaign_id, "li")
        else:
            campaigns.stop(campaign_id, "li", "test")
        self.status = to

    @rule(customer=st.sampled_from(PEOPLE))
    def complain(self, customer):
        self.complained.add(customer)
        self.house.ledger.responses.record(
            [
                Response(
                    f"r-{customer}",
                    customer,
                    "complained",
                    self.began,
                )
            ]
        )

    @rule(customer=st.sampled_from(PEOPLE))
    def bounce(self, customer):
        sent = [
            one
            for one in self.house.ledger.sends.of(self.house.campaign_id, "sent")
            if one.customer_id == customer
        ]
        if sent:
            self.house.ledger.sends.bounced(sent[0].send_id, "550")
            self.bounced.add((customer, sent[0].channel))
            # What came back did not reach the customer.
            self.contacts = [one for one in self.contacts if one[2] != sent[0].message_id]

    @rule(customer=st.sampled_from(PEOPLE), there=st.booleans())
    def address(self, customer, there):
        number = int(customer[1:])
        self.house.vault.records[customer]["email"] = f"c{number:05}@people.example" if there else None

    @rule(send=st.integers(0, 50), outcome=st.sampled_from(["sent", "failed"]))
    def decide(self, send, outcome):
        undecided = self.house.ledger.sends.undecided()
        if undecided:
            one = undecided[send % len(undecided)]
            self.house.ledger.sends.decide(one.send_id, outcome, "li")
            if outcome == "failed":  # so it never reached anybody, and may go again
                self.contacts = [kept for kept in self.contacts if kept[2] != one.message_id]
                self.taken.discard(one.message_id)
                self.house.ledger.sends.retry(one.send_id)

    @rule(channel=CHANNEL, verdicts=VERDICTS, meanwhile=MEANWHILE)
    def plan_and_deliver(self, channel, verdicts, meanwhile):
        self.plan([*PEOPLE, STRANGER], channel)
        self.deliver(channel, verdicts, meanwhile)

    @rule(channel=CHANNEL, verdicts=VERDICTS, meanwhile=MEANWHILE)
    def deliver(self, channel, verdicts, meanwhile):
        """A delivery within which people unsubscribe, campaigns are paused and time passes."""
        recorder = type(self).new_channel(channel)
        answers = iter(verdicts)

        def answer(message):
            customer = self.customer_of(message)
            self.judge(customer, channel, message)
            verdict = next(answers, Verdict.ACCEPTED)
            if verdict in (Verdict.ACCEPTED, Verdict.UNKNOWN):
                self.contacts.append((customer, self.house.clock.now(), message.message_id))
                self.taken.add(message.message_id)
            if meanwhile == "unsubscribe":
                self.unsubscribe(PEOPLE[len(self.refused) % len(PEOPLE)], None, "marketing")
            elif meanwhile == "pause" and self.status == "running":
                self.steer("paused", 1)
            elif meanwhile == "night":
                self.house.clock.later(hours=5)
            elif meanwhile == "interrupt":
                self.taken.add(message.message_id)
                if verdict not in (Verdict.ACCEPTED, Verdict.UNKNOWN):
                    self.contacts.append((customer, self.house.clock.now(), message.message_id))
                raise KeyboardInterrupt
            return Handover(verdict)

        recorder.answer = answer
        with suppress(KeyboardInterrupt):
            self.house.deliver(recorder, batch=3)

    # The judge ---------------------------------------------------------------------------------------------------

    def customer_of(self, message):
        return (
            f"C{message.address[1:6]}" if message.channel == "email" else f"C{int(message.address[-4:]):05}"
        )

    def judge(self, customer, channel, message):
        """Written from the rules, not from the gate."""
        type(self).cleared += 1
        now = self.house.clock.now()
        assert self.status == "running"
        assert customer in PEOPLE
        assert customer not in self.held_out
        rows = [row for row in self.consents if row[:2] == (customer, channel) and row[2] <= now]
        latest = max(rows, key=lambda row: row[2])
        assert latest[4]
        assert latest[3] is None or latest[3] > now
        for who, by, purpose in self.refused:
            assert not (who == customer and by in (None, channel) and purpose in (None, "marketing"))
        assert customer not in self.complained
        assert (customer, channel) not in self.bounced
        hour = (now.hour + 8) % 24
        assert 8 <= hour < 21
        lately = [
            one for one in self.contacts if one[0] == customer and one[1] > now - timedelta(days=CAP_DAYS)
        ]
        assert len(lately) < CAP
        assert message.message_id not in self.taken


def test_nothing_reaches_a_channel_that_the_rules_forbid(new_house, new_channel):
    Contacts.new_house, Contacts.new_channel, Contacts.cleared = new_house, new_channel, 0
    run_state_machine_as_test(
        Contacts,
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    print(f"{Contacts.cleared} messages were cleared and judged")
    assert Contacts.cleared > 100
