"""A plan goes one way, and is carried out only as it was approved by somebody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from gridloop.domain.errors import LedgerConflict, NotPermitted, UsageError
from gridloop.ledger.campaigns import CampaignTerms
from gridloop.ledger.lifecycle import CAMPAIGN, PLAN, RUN, SEND
from gridloop.ledger.schema import SPECS, TABLES


@pytest.fixture
def submitted(ledger, content):
    """A plan by `li` that waits for approval."""
    plan = ledger.plans.draft(content, "li")
    return ledger.plans.submit(plan.plan_id, "li")


@pytest.fixture
def terms(clock):
    """Terms of a launch."""
    return CampaignTerms("Evening peak", "account", {"cap": 2}, clock.now())


def test_a_plan_is_read_back_as_it_was_written(ledger, content, clock):
    plan = ledger.plans.draft(content, "li")
    assert ledger.plans.plan(plan.plan_id) == plan
    assert plan.content == content
    assert plan.digest == content.digest
    assert (plan.status, plan.created_by, plan.created_at) == ("draft", "li", clock.now())


def test_the_digest_is_of_the_meaning_not_of_the_order(content):
    turned = replace(content, settings={"arms": {"holdout": 0.2, "rebate": 0.8}})
    assert turned.digest == content.digest
    assert replace(content, version=2).digest != content.digest


def test_the_whole_way(ledger, submitted, terms):
    approval = ledger.approvals.approve(submitted.plan_id, submitted.digest, "wang", "cheap")
    assert (approval.decision, approval.automatic) == ("approved", False)
    campaign = ledger.campaigns.launch(submitted.plan_id, terms, "li")
    assert ledger.plans.plan(submitted.plan_id).status == "launched"
    ledger.campaigns.start(campaign.campaign_id, "li")
    ledger.campaigns.finish(campaign.campaign_id, "li")
    assert ledger.plans.plan(submitted.plan_id).status == "finished"
    assert ledger.approvals.of("plan", submitted.plan_id) == [approval]
    actions = [entry.action for entry in reversed(ledger.audit.entries())]
    assert actions == [
        "plan.draft",
        "plan.submitted",
        "approval.approved",
        "campaign.launch",
        "campaign.running",
        "campaign.finished",
    ]


@pytest.mark.parametrize("name", ["li", " LI ", "Li"])
def test_nobody_approves_a_plan_of_their_own(ledger, submitted, name):
    with pytest.raises(NotPermitted, match="another person than its author"):
        ledger.approvals.approve(submitted.plan_id, submitted.digest, name)
    assert ledger.plans.plan(submitted.plan_id).status == "submitted"


def test_an_automatic_approval_is_flagged_for_good(ledger, submitted):
    approval = ledger.approvals.approve(submitted.plan_id, submitted.digest, "li", "demo", automatic=True)
    assert approval.automatic
    assert ledger.audit.entries(1)[0].details["automatic"] is True


def test_what_was_not_seen_cannot_be_approved(ledger, submitted, content):
    with pytest.raises(LedgerConflict, match="it was changed"):
        ledger.approvals.approve(submitted.plan_id, replace(content, version=2).digest, "wang")


def test_a_changed_plan_has_to_be_approved_again(ledger, submitted, content, terms):
    ledger.approvals.approve(submitted.plan_id, submitted.digest, "wang")
    changed = ledger.plans.revise(submitted.plan_id, replace(content, version=2), "li")
    assert changed.status == "draft"
    with pytest.raises(LedgerConflict, match="draft and cannot become launched") as told:
        ledger.campaigns.launch(submitted.plan_id, terms, "li")
    assert "draft → submitted → approved → launched" in str(told.value)


def test_a_plan_changed_behind_the_ledgers_back_is_not_launched(ledger, submitted, terms):
    ledger.approvals.approve(submitted.plan_id, submitted.digest, "wang")
    with ledger._database.write() as connection:
        connection.execute(update(TABLES["plan"]).values(settings={"arms": {"rebate": 1.0}}))
    with pytest.raises(LedgerConflict, match="it was changed"):
        ledger.campaigns.launch(submitted.plan_id, terms, "li")
    assert ledger.plans.plan(submitted.plan_id).status == "approved"


def test_a_status_set_by_hand_is_no_approval(ledger, submitted, terms):
    with ledger._database.write() as connection:
        connection.execute(update(TABLES["plan"]).values(status="approved"))
    with pytest.raises(LedgerConflict, match="is not approved"):
        ledger.campaigns.launch(submitted.plan_id, terms, "li")


def test_a_withdrawn_approval_does_not_count(ledger, submitted, terms):
    ledger.approvals.approve(submitted.plan_id, submitted.digest, "wang")
    ledger.approvals.withdraw(submitted.plan_id, submitted.digest, "wang", "prices rose")
    assert ledger.plans.plan(submitted.plan_id).status == "draft"
    with pytest.raises(LedgerConflict):
        ledger.campaigns.launch(submitted.plan_id, terms, "li")


def test_a_rejected_plan_can_be_bettered(ledger, submitted, content):
    ledger.approvals.reject(submitted.plan_id, submitted.digest, "wang", "too dear")
    ledger.plans.revise(submitted.plan_id, replace(content, version=2), "li")
    assert ledger.plans.submit(submitted.plan_id, "li").status == "submitted"


def test_a_plan_is_launched_once(ledger, submitted, terms):
    ledger.approvals.approve(submitted.plan_id, submitted.digest, "wang")
    ledger.campaigns.launch(submitted.plan_id, terms, "li")
    with pytest.raises(LedgerConflict, match="launched and cannot become launched"):
        ledger.campaigns.launch(submitted.plan_id, terms, "li")
    assert len(ledger.campaigns.recent()) == 1


def test_only_the_author_changes_a_plan(ledger, submitted, content):
    with pytest.raises(NotPermitted, match="Only its author"):
        ledger.plans.revise(submitted.plan_id, replace(content, version=2), "wang")


def test_a_refused_step_names_both_states_and_what_may_follow(ledger, submitted):
    ledger.plans.cancel(submitted.plan_id, "li")
    with pytest.raises(LedgerConflict) as told:
        ledger.plans.submit(submitted.plan_id, "li")
    assert str(told.value) == (
        f"The plan {submitted.plan_id} is cancelled and cannot become submitted.\n"
        "  status: cancelled\n"
        "  wanted: submitted\n"
        "  Ways out:\n"
        "    - A plan that is cancelled stays so; make a new one."
    )


def test_a_draft_cannot_be_approved(ledger, content):
    plan = ledger.plans.draft(content, "li")
    with pytest.raises(LedgerConflict, match="only a plan that is submitted can"):
        ledger.approvals.approve(plan.plan_id, plan.digest, "wang")


def test_decisions_cannot_be_changed_or_deleted(ledger, submitted):
    ledger.approvals.approve(submitted.plan_id, submitted.digest, "wang")
    approval = TABLES["approval"]
    for change in (update(approval).values(decided_by="zhao"), approval.delete()):
        with pytest.raises(LedgerConflict, match="rule"), ledger._database.write() as connection:
            connection.execute(change)
    assert ledger.approvals.of("plan", submitted.plan_id)[0].decided_by == "wang"


def test_plans_are_listed_latest_first_and_by_status(ledger, content, clock):
    first = ledger.plans.draft(content, "li")
    clock.later(seconds=1)
    second = ledger.plans.draft(replace(content, previous_plan_id=first.plan_id), "li")
    ledger.plans.submit(first.plan_id, "li")
    assert [plan.plan_id for plan in ledger.plans.recent()] == [second.plan_id, first.plan_id]
    assert [plan.plan_id for plan in ledger.plans.recent("submitted")] == [first.plan_id]


def test_unknown_plans_are_named(ledger, content):
    with pytest.raises(UsageError, match="no plan 'p'"):
        ledger.plans.submit("p", "li")
    with pytest.raises(LedgerConflict, match="rule of the ledger"):
        ledger.plans.draft(replace(content, previous_plan_id="p"), "li")


@pytest.mark.parametrize(
    ("lifecycle", "table", "column"),
    [
        (PLAN, "plan", "status"),
        (CAMPAIGN, "campaign", "status"),
        (SEND, "send", "status"),
        (RUN, "job_run", "outcome"),
    ],
)
def test_lifecycles_know_exactly_the_statuses_of_the_catalogue(lifecycle, table, column):
    assert set(lifecycle.steps) == set(SPECS[table].column(column).values)
    assert {status for following in lifecycle.steps.values() for status in following} <= set(lifecycle.steps)
