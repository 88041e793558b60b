"""A launch draws, assigns, plans and starts, each once, however often it is cut off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.ledger.campaigns import Assignments, Campaigns
from gridloop.ledger.enrolments import Products
from gridloop.ledger.sends import Sends
from gridloop.reach.orchestrate import launch, stop_campaign
from gridloop.strategy.plan import draw
from gridloop.strategy.recommend import list_digest


def test_a_launch_holds_out_the_share_and_plans_a_message_to_each_of_the_others(house):
    done = house.launch()
    assert done.arms == {"holdout": 12, "offer": 28}
    assert (done.planned, done.unreachable) == ({"email": 28}, 0)
    campaign = house.ledger.campaigns.campaign(done.campaign_id)
    assert (campaign.status, campaign.starts_at, campaign.unit_kind) == (
        "running",
        house.clock.now(),
        "account",
    )
    assert campaign.product_id == "tariff.tou-evening"
    assert house.ledger.products.product(campaign.product_id).tariff_id == "tou-evening"
    sends = house.ledger.sends.of(done.campaign_id)
    assert {one.customer_id for one in sends} == house.customers("offer")
    assert {one.idempotency_key for one in sends} == {
        f"{done.campaign_id}|{customer}|email|1" for customer in house.customers("offer")
    }
    assert {(one.template, str(one.cost)) for one in sends} == {("tou-offer", "0.020000")}


def test_the_assignment_is_the_draw_that_the_plan_promised(house):
    done = house.launch()
    plan = house.ledger.plans.plan(house.plan_id)
    drawn = draw(
        house.view.arrow("recommendation"), plan.content.settings["arms"], plan.content.settings["seed"]
    )
    expected = {row["unit_id"]: row["arm"] for row in drawn.to_pylist()}
    assert {one.unit_id: one.arm for one in house.ledger.assignments.of(done.campaign_id)} == expected


def test_a_dry_run_says_the_same_and_writes_nothing(house):
    told = house.launch(dry_run=True)
    assert house.ledger.campaigns.recent() == []
    assert house.ledger.plans.plan(house.plan_id).status == "approved"
    done = house.launch()
    assert (told.campaign_id, told.arms, told.planned, told.gate) == (
        None,
        done.arms,
        done.planned,
        done.gate,
    )


def test_the_first_channel_that_the_gate_does_not_stop_is_taken(house):
    for n, row in enumerate(house.view.rows["consent"]):
        if row["channel"] == "email":
            row["granted"] = n % 4 != 0
    house.vault.records["C00001"]["email"] = None
    del house.vault.records["C00003"]
    done = house.launch(dry_run=True)
    said = {(one.channel, one.standing, one.reason): one.customers for one in done.gate}
    assert done.planned["sms"] == said["sms", "cleared", None] > 5
    assert said["email", "stopped", "no_consent"] > 5
    assert done.planned["email"] + done.planned["sms"] + done.unreachable == 28
    assert done.unreachable == said.get(("sms", "stopped", "no_address"), 0)


def test_a_launch_in_quiet_hours_plans_for_the_morning(house):
    house.clock.later(hours=12)
    done = house.launch()
    assert {(one.standing, one.reason) for one in done.gate} == {("held", "quiet_hours")}
    first = {one.not_before for one in house.ledger.sends.of(done.campaign_id)}
    assert [one.isoformat() for one in first] == [
        "2026-03-03T00:00:00+00:00"
    ]  # eight in the morning in Shanghai


BOUNDARIES = [
    (Products, "upsert"),
    (Campaigns, "launch"),
    (Assignments, "record"),
    (Sends, "plan"),
    (Campaigns, "start"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "verb"), BOUNDARIES, ids=lambda value: getattr(value, "__name__", value))
def test_a_launch_cut_off_at_any_boundary_is_completed_by_doing_it_again(
    house, monkeypatch, part, verb, after
):
    real = getattr(part, verb)

    def cut_off(*words, **named):
        if after:
            real(*words, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(part, verb, cut_off)
    with pytest.raises(KeyboardInterrupt):
        house.launch()
    monkeypatch.undo()
    # The list in another order is the same list.
    house.view.rows["recommendation"] = list(reversed(house.view.rows["recommendation"]))
    if (verb, after) != ("start", True):
        done = house.launch()
        assert (done.arms, done.planned) == ({"holdout": 12, "offer": 28}, {"email": 28})
    assert house.ledger.campaigns.campaign(house.campaign_id).status == "running"
    assert house.statuses() == {"planned": 28}
    with pytest.raises(LedgerConflict, match="launched already"):
        house.launch()


def test_a_list_that_is_not_the_approved_one_is_refused(house):
    house.view.rows["recommendation"][3]["saving"] += 1
    with pytest.raises(LedgerConflict, match="list of the plan") as told:
        house.launch()
    assert "gridloop run" in str(told.value)
    assert house.ledger.campaigns.recent() == []


def test_only_an_approved_plan_is_launched_and_the_way_there_is_told(house):
    content = house.ledger.plans.plan(house.plan_id).content
    other = house.ledger.plans.draft(content, "li")
    with pytest.raises(LedgerConflict, match="is draft") as told:
        launch(house.context, other.plan_id, "li")
    assert "campaign submit" in str(told.value)
    house.ledger.plans.submit(other.plan_id, "li")
    with pytest.raises(LedgerConflict, match="is submitted") as told:
        launch(house.context, other.plan_id, "li")
    assert "gridloop approve" in str(told.value)
    assert launch(house.context, other.plan_id, "li", dry_run=True).planned == {"email": 28}


def test_all_accounts_of_a_customer_are_in_one_arm_and_get_one_message(new_house):
    house = new_house()
    for name in ("recommendation", "account"):
        for row in house.view.rows[name][20:]:
            row["customer_id"] = f"C{int(row['account_id'][1:]) - 20:05}"
            if name == "recommendation":
                row["stratum"] = house.view.rows[name][int(row["account_id"][1:]) - 20]["stratum"]
    plan = house.ledger.plans.plan(house.plan_id)
    rows = house.view.arrow("recommendation")
    content = replace(plan.content, audience={"list_digest": list_digest(rows, "tou-shift")})
    other = house.ledger.plans.draft(content, "li")
    done = launch(house.context, other.plan_id, "li", dry_run=True)
    assert sum(done.planned.values()) * 2 == done.arms["offer"]


def test_a_stop_gives_up_what_waits_and_needs_a_reason(house):
    done = house.launch()
    with pytest.raises(UsageError, match="needs a reason"):
        stop_campaign(house.ledger, done.campaign_id, "li", " ")
    assert stop_campaign(house.ledger, done.campaign_id, "li", "complaints") == 28
    assert house.statuses() == {"cancelled": 28}
    assert house.reasons() == {"campaign_ended": 28}
