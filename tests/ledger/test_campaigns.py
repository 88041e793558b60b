"""Campaigns run, pause and end; an assignment never changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.ledger.campaigns import Assignment, CampaignTerms
from gridloop.ledger.schema import TABLES


@pytest.fixture
def campaign(ledger, content, clock):
    """A scheduled campaign."""
    plan = ledger.plans.draft(content, "li")
    ledger.plans.submit(plan.plan_id, "li")
    ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    return ledger.campaigns.launch(
        plan.plan_id, CampaignTerms("峰时", "account", {"cap": 2}, clock.now()), "li"
    )


UNITS = [Assignment(f"account{n}", "holdout" if n % 5 == 0 else "rebate", seed=11) for n in range(10)]


def test_a_campaign_is_read_back_as_it_was_written(ledger, campaign, clock):
    assert ledger.campaigns.campaign(campaign.campaign_id) == campaign
    assert (campaign.name, campaign.settings, campaign.starts_at) == ("峰时", {"cap": 2}, clock.now())


def test_a_stopped_campaign_says_why_and_stays_stopped(ledger, campaign, clock):
    ledger.campaigns.start(campaign.campaign_id, "li")
    ledger.campaigns.pause(campaign.campaign_id, "li")
    ledger.campaigns.start(campaign.campaign_id, "li")
    stopped = ledger.campaigns.stop(campaign.campaign_id, "li", "complaints")
    assert (stopped.status, stopped.stop_reason, stopped.stopped_at) == ("stopped", "complaints", clock.now())
    with pytest.raises(LedgerConflict, match="stopped and cannot become running"):
        ledger.campaigns.start(campaign.campaign_id, "li")


def test_assigning_again_in_the_same_way_adds_nothing(ledger, campaign):
    assert ledger.assignments.record(campaign.campaign_id, UNITS) == 10
    assert ledger.assignments.record(campaign.campaign_id, reversed(UNITS)) == 0
    assert ledger.assignments.arms(campaign.campaign_id) == {"holdout": 2, "rebate": 8}
    assert ledger.assignments.of(campaign.campaign_id) == UNITS


@pytest.mark.parametrize("change", [{"arm": "holdout"}, {"seed": 12}, {"stratum": "north"}])
def test_a_unit_keeps_its_arm_and_nothing_of_a_refused_batch_is_written(ledger, campaign, change):
    ledger.assignments.record(campaign.campaign_id, UNITS[:3])
    batch = [*UNITS[5:], replace(UNITS[1], **change)]
    with pytest.raises(LedgerConflict, match="assignments never change"):
        ledger.assignments.record(campaign.campaign_id, batch)
    assert ledger.assignments.of(campaign.campaign_id) == UNITS[:3]


def test_one_batch_cannot_assign_a_unit_twice_differently(ledger, campaign):
    with pytest.raises(LedgerConflict, match="assignments never change"):
        ledger.assignments.record(campaign.campaign_id, [UNITS[1], replace(UNITS[1], arm="holdout")])
    assert ledger.assignments.record(campaign.campaign_id, [UNITS[1], UNITS[1]]) == 1


def test_the_database_itself_refuses_to_change_an_assignment(ledger, campaign):
    ledger.assignments.record(campaign.campaign_id, UNITS)
    table = TABLES["assignment"]
    for change in (update(table).values(arm="rebate"), table.delete()):
        with pytest.raises(LedgerConflict, match="rule"), ledger._database.write() as connection:
            connection.execute(change)
    assert ledger.assignments.of(campaign.campaign_id) == UNITS


def test_an_assignment_cannot_be_replaced(ledger, campaign, clock):
    ledger.assignments.record(campaign.campaign_id, UNITS)
    row = {
        "campaign_id": campaign.campaign_id,
        "unit_id": "account1",
        "arm": "holdout",
        "seed": 11,
        "assigned_at": clock.now(),
    }
    statement = insert(TABLES["assignment"])
    if ledger._database.engine.dialect.name == "sqlite":
        statement = statement.prefix_with("OR REPLACE")
    with pytest.raises(LedgerConflict), ledger._database.write() as connection:
        connection.execute(statement, row)
    assert ledger.assignments.of(campaign.campaign_id) == UNITS


def test_nobody_is_assigned_to_a_campaign_that_ended_or_never_was(ledger, campaign):
    ledger.campaigns.stop(campaign.campaign_id, "li", "complaints")
    with pytest.raises(LedgerConflict, match="nobody can be assigned"):
        ledger.assignments.record(campaign.campaign_id, UNITS)
    with pytest.raises(UsageError, match="no campaign"):
        ledger.assignments.record("c", UNITS)


def test_a_probability_outside_0_to_1_is_refused(ledger, campaign):
    with pytest.raises(LedgerConflict, match="rule"):
        ledger.assignments.record(campaign.campaign_id, [replace(UNITS[0], probability=1.5)])
