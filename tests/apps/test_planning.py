"""A plan is made once, however often it is begun; people's decisions stand; the next one learns."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from gridloop.apps.jobs.execute import is_fresh, run_job, run_jobs
from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.apps.jobs.proposing import planning_jobs
from gridloop.apps.planning import Action, audience_rows
from gridloop.apps.planning_now import plan_now
from gridloop.apps.remembering import former_round, kept_plays, ledger_facts, waiting_plans
from gridloop.apps.wiring import opened
from gridloop.domain.errors import UsageError
from gridloop.domain.table import Stage
from gridloop.ledger.campaigns import Assignment, CampaignTerms
from gridloop.ledger.enrolments import Enrolment, Product
from gridloop.ledger.unsubscribes import Unsubscribe
from gridloop.strategy.plan import draw
from gridloop.strategy.recommend import list_digest, selected_rows

PLAY = "tou-shift"


@pytest.fixture
def session(village):
    """The village, using the play."""
    with opened(village) as one:
        one.workspace.with_settings(playbooks=(PLAY,))
    with opened(village) as one:
        yield one


def run(session, actor="li", **more):
    """Recommend and plan; what was found by code."""
    outcomes = list(run_jobs(session, planning_jobs(), actor=actor, **more))
    return {finding.code: finding for one in outcomes for finding in one.report.findings}


def plans(session):
    """Every plan, newest first."""
    return session.ledger.plans.recent()


def recommended(session):
    """Published rows of `recommendation`."""
    view = session.published()
    rows = view.arrow("recommendation")
    view.close()
    return rows


def launch(session):
    """Approve the plan that waits and launch it as the outbox would, without a message."""
    [plan] = waiting_plans(session)
    ledger = session.ledger
    ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    terms = CampaignTerms("tou-shift", "account", {}, session.clock.now())
    campaign = ledger.campaigns.launch(plan.plan_id, terms, "wang")
    arms = plan.content.settings["arms"]
    drawn = draw(selected_rows(recommended(session), PLAY), arms, plan.content.settings["seed"]).to_pylist()
    units = [Assignment(r["unit_id"], r["arm"], r["seed"], r["stratum"], r["probability"]) for r in drawn]
    ledger.assignments.record(campaign.campaign_id, units)
    ledger.campaigns.start(campaign.campaign_id, "wang")
    return campaign


def publish(session, stage, **tables):
    """Put rows into tables, as one run."""

    def write(context: JobContext) -> JobReport:
        for name, rows in tables.items():
            context.writer.replace(name, rows)
        return JobReport()

    [_] = run_jobs(session, [Job("test.publish", stage, "Rows", (), tuple(tables), write)], force=True)


def judged(rows_of, campaign):
    """An effect of −5 % ± 0.5 in all, which is trusted."""
    percent = {"value": -5.0, "ci_low": -5.5, "ci_high": -4.5}
    effect = {
        "effect_id": "effect-1",
        "campaign_id": campaign.campaign_id,
        "population": "all",
        "measure": "evening_energy",
        "arm": "offer",
        "contrast": "holdout",
        "method": "stratified_adjusted",
        "window_start": date(2025, 1, 1),
        "window_end": date(2025, 2, 1),
        "value": -200.0,
        "ci_low": -220.0,
        "ci_high": -180.0,
        "unit": "Wh",
        "units_treated": 21,
        "units_control": 9,
        "trusted": True,
        "checks": json.dumps({"percent": percent}),
    }
    return rows_of("effect", [effect])


def test_a_plan_says_what_the_village_is(session):
    found = run(session)
    assert "32 accounts; 30 of them" in found["play.audience"].text
    [plan] = plans(session)
    assert (plan.status, plan.created_by) == ("submitted", "li")
    assert plan.content.audience["excluded"] == {"saving_too_small": 2}
    assert (plan.content.audience["treated"], plan.content.audience["held_out"]) == (21, 9)
    assert plan.content.settings["channels"] == {"app": 10, "sms": 20}
    assert plan.content.audience["list_digest"] == list_digest(recommended(session), PLAY)
    assert plan.content.expectation["units_measurable"] == 30
    assert plan.content.expectation["correlation"] > 0.99
    assert plan.content.manifest["recommendation"] == session.ledger.runs.published()["recommendation"]
    assert plan.content.previous_plan_id is None


def test_a_second_run_is_fresh_and_a_forced_one_makes_no_second_plan(session):
    run(session)
    assert all(is_fresh(session, job) for job in planning_jobs())
    assert "play.unchanged" in run(session, force=True)
    assert len(plans(session)) == 1


def test_a_kill_between_draft_and_submission_leaves_one_plan_that_is_submitted_later(session, monkeypatch):
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gridloop.ledger.plans.Plans.submit", killed)
        with pytest.raises(KeyboardInterrupt):
            run(session)
    [draft] = plans(session)
    assert draft.status == "draft"
    run(session)
    [plan] = plans(session)
    assert (plan.plan_id, plan.status) == (draft.plan_id, "submitted")


def test_a_kill_while_a_plan_is_brought_up_to_date_loses_nothing(session, rows_of, monkeypatch):
    run(session)
    _withdraw_consent(session, rows_of, "c05")

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gridloop.ledger.plans.Plans.submit", killed)
        with pytest.raises(KeyboardInterrupt):
            run(session)
    run(session)
    [plan] = plans(session)
    assert (plan.status, plan.content.audience["selected"]) == ("submitted", 29)


def _withdraw_consent(session, rows_of, customer):
    """A later row that does not grant."""
    view = session.published()
    rows = view.arrow("consent").to_pylist()
    view.close()
    said = {
        "customer_id": customer,
        "purpose": "marketing",
        "granted": False,
        "valid_from": datetime(2024, 6, 1, tzinfo=UTC),
        "source": "call",
    }
    rows += [said | {"channel": channel} for channel in ("app", "sms")]
    publish(session, Stage.DATA, consent=rows_of("consent", rows))


def test_a_plan_that_waits_follows_the_data_and_its_author(session, rows_of):
    run(session)
    before = plans(session)[0]
    _withdraw_consent(session, rows_of, "c05")
    assert "play.waits" in run(session, actor="zhao")
    assert plans(session)[0] == before
    assert "brought up to date" in run(session)["play.submitted"].text
    [plan] = plans(session)
    assert plan.plan_id == before.plan_id
    assert plan.content.audience["excluded"] == {"no_consent": 1, "saving_too_small": 2}


def test_what_was_approved_is_what_is_launched_whatever_the_data_say_since(session, rows_of):
    run(session)
    [plan] = plans(session)
    session.ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    assert kept_plays(session, [PLAY]) == {PLAY}
    _withdraw_consent(session, rows_of, "c05")
    assert "play.waits" in run(session)
    assert list_digest(recommended(session), PLAY) == plan.content.audience["list_digest"]
    assert session.ledger.plans.plan(plan.plan_id).status == "approved"


def test_a_cancelled_plan_is_not_made_again_but_another_one_is(session, rows_of):
    run(session)
    [plan] = plans(session)
    session.ledger.plans.cancel(plan.plan_id, "li")
    assert "says the same" in run(session)["play.unchanged"].text
    assert len(plans(session)) == 1
    _withdraw_consent(session, rows_of, "c05")
    run(session)
    assert [one.status for one in plans(session)] == ["submitted", "cancelled"]


def test_a_plan_that_was_rejected_or_taken_back_is_left_to_people(session):
    run(session)
    [plan] = plans(session)
    session.ledger.plans.recall(plan.plan_id, "li")
    assert "taken back" in run(session)["play.waits"].text
    session.ledger.plans.submit(plan.plan_id, "li")
    session.ledger.approvals.reject(plan.plan_id, plan.digest, "wang", "too dear")
    assert "rejected" in run(session)["play.waits"].text
    assert session.ledger.plans.plan(plan.plan_id).status == "rejected"


def test_a_changed_play_brings_a_rejected_plan_back(session, village):
    run(session)
    [plan] = plans(session)
    session.ledger.approvals.reject(plan.plan_id, plan.digest, "wang", "hold more out")
    _override(village, "share: 0.3", "share: 0.5")
    run(session)
    [changed] = plans(session)
    assert (changed.plan_id, changed.status) == (plan.plan_id, "submitted")
    assert changed.content.settings["arms"] == {"holdout": 0.5, "offer": 0.5}


def _override(village, old, new):
    """A play of the workspace's own, with one thing changed."""
    from gridloop.strategy.playbook.store import playbook_paths

    (village / "playbooks").mkdir(exist_ok=True)
    text = playbook_paths()[PLAY].read_text(encoding="utf-8")
    assert old in text
    (village / "playbooks" / f"{PLAY}.yaml").write_text(text.replace(old, new), encoding="utf-8")


def test_while_a_campaign_runs_no_plan_is_made(session):
    run(session)
    campaign = launch(session)
    found = run(session)
    assert campaign.campaign_id in found["play.waits"].text
    assert len(plans(session)) == 1
    view = session.published()
    assert ledger_facts(session, view).running.num_rows == 30
    view.close()


def test_the_next_plan_learns_and_says_so(session, rows_of):
    run(session)
    first = plans(session)[0]
    campaign = launch(session)
    ledger = session.ledger
    ledger.products.upsert(Product("p-tou", "Evening", "tariff", date(2025, 1, 1), tariff_id="tou-evening"))
    now = session.clock.now()
    enrolled = ("00", "03", "06")
    ledger.enrolments.record(
        Enrolment("p-tou", f"a{n}", f"c{n}", now, "app", campaign.campaign_id) for n in enrolled
    )
    ledger.unsubscribes.record([Unsubscribe("u-1", "c07", now, "link")])
    ledger.campaigns.finish(campaign.campaign_id, "wang")
    publish(session, Stage.EVALUATION, effect=judged(rows_of, campaign))

    run(session)

    plan = plans(session)[0]
    assert plan.content.previous_plan_id == first.plan_id
    assert plan.content.audience["excluded"] == {"other_tariff": 3, "saving_too_small": 2, "unsubscribed": 1}
    said = plan.content.expectation
    # s₀ = 3 %, s₁ = 0.5 / 1.96 %: (−3/9 − 5/0.0651) / (1/9 + 1/0.0651) = −4.986
    assert said["assumed_effect_percent"] == pytest.approx(-4.986, abs=0.001)
    assert said["source"] == campaign.campaign_id
    assert said["assumed_uptake"] == pytest.approx(3 / 21)
    assert plan.content.settings["arms"]["holdout"] == 0.1
    assert plan.content.settings["seed"] == first.content.settings["seed"] + 1
    assert [one["code"] for one in said["learned"]] == [
        "effect_measured",
        "uptake_measured",
        "out_already",
        "holdout_resized",
    ]
    view = session.published()
    former = former_round(session, view, PLAY)
    view.close()
    assert former is not None and (former.number, former.plan_id) == (1, first.plan_id)


def test_a_stopped_campaign_without_an_effect_teaches_nothing_and_the_plan_says_so(session):
    run(session)
    campaign = launch(session)
    session.ledger.campaigns.stop(campaign.campaign_id, "wang", "complaints")
    run(session)
    plan = plans(session)[0]
    assert plan.content.expectation["learned"][0]["code"] == "nothing_learned"
    assert plan.content.expectation["assumed_effect_percent"] == -3.0


def test_a_play_that_is_not_used_can_be_planned_and_stays_as_planned(village):
    with opened(village) as session:
        rehearsed = plan_now(session, PLAY, "li", dry_run=True)
        assert rehearsed.plan is not None and rehearsed.plan.content.audience["selected"] == 30
        assert plans(session) == []
        planned = plan_now(session, PLAY, "li")
        assert planned.plan is not None and planned.plan.status == "submitted"
        assert planned.plan.content.audience == rehearsed.plan.content.audience
        assert planned.plan.content.expectation == rehearsed.plan.content.expectation
        run(session)
        assert list_digest(recommended(session), PLAY) == planned.plan.content.audience["list_digest"]


def test_a_list_that_was_renewed_is_not_shown_for_the_old_plan(session):
    run(session)
    [plan] = plans(session)
    rows = audience_rows(session, plan)
    assert [row["rank"] for row in rows] == list(range(1, 31))
    assert rows[0]["account"] == "a29"
    everyone = audience_rows(session, plan, everyone=True)
    assert [row["reason"] for row in everyone[30:]] == ["saving_too_small"] * 2
    launch(session)
    run(session)
    arms = [row["arm"] for row in audience_rows(session, session.ledger.plans.plan(plan.plan_id))]
    assert (arms.count("offer"), arms.count("holdout")) == (21, 9)


def test_where_nobody_is_described_nobody_is_addressed_and_that_is_told(session, rows_of):
    publish(session, Stage.INSIGHT, feature=rows_of("feature", []))
    found = run(session)
    assert "no account is left to address" in found["play.nobody"].text
    assert plans(session) == []


def test_a_list_that_is_gone_is_told(session, rows_of):
    run(session)
    [plan] = plans(session)
    empty: pa.Table = rows_of("recommendation", [])
    publish(session, Stage.STRATEGY, recommendation=empty)
    with pytest.raises(UsageError, match="there no longer"):
        audience_rows(session, plan)


def test_an_offer_that_was_never_priced_cannot_be_rehearsed_and_is_priced_when_it_is_planned(village):
    with opened(village) as session:
        gone = session.published().arrow("offer_value").slice(0, 0)

        def empty(context):
            context.writer.replace("offer_value", gone)
            return JobReport()

        run_job(session, Job("test.empty", Stage.STRATEGY, "", (), ("offer_value",), empty), force=True)
        with pytest.raises(UsageError, match="has not been priced yet"):
            plan_now(session, PLAY, "li", dry_run=True)
        # fifteen weeks of readings price nobody's year, and that is said of each contract
        assert plan_now(session, PLAY, "li").action is Action.NOBODY
        reasons = session.published().arrow("offer_value")["reason"].to_pylist()
        assert len(reasons) == 32 and None not in reasons
