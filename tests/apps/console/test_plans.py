"""A plan on the screen: read, decided on by a second person, launched."""

from __future__ import annotations

from typing import Any

import pytest

from gridloop.apps.wiring import opened


@pytest.fixture
def plan_of():
    """The newest plan of a workspace."""

    def look(folder: Any) -> Any:
        with opened(folder) as session:
            return session.ledger.plans.recent(limit=1)[0]

    return look


@pytest.fixture
def waiting(planned, site_of, plan_of):
    """The console over a village whose plan waits for approval, that plan, and the folder."""
    with site_of(planned, "ann") as site:
        yield site, plan_of(planned), planned


def decide(site, plan, who, decision="approve", **more):
    fields = {"who": who, "decision": decision, "digest": plan.digest, **more}
    return site.submit(f"/plans/{plan.plan_id}/decide", **fields)


def test_plans_are_listed_with_where_each_stands(waiting):
    site, plan, _ = waiting
    rows = site.get("/campaigns.json").json()["rows"]
    assert rows[0]["plan"] == plan.plan_id and rows[0]["plan_status"] == plan.status
    assert rows[0]["offered"] == plan.content.audience["treated"]
    assert f'href="/plans/{plan.plan_id}"' in site.page("/campaigns").text
    assert site.get("/campaigns.json?status=finished").json()["rows"] == []
    assert "没有处于此状态的方案" in site.page("/campaigns?status=cancelled", "zh").text


def test_the_funnel_of_a_plan_adds_up(waiting):
    site, plan, _ = waiting
    facts = site.get(f"/plans/{plan.plan_id}.json").json()["facts"]
    steps = facts["funnel"]
    totals = [one["accounts"] for one in steps if one["kind"] == "total"]
    out = [one["accounts"] for one in steps if one["kind"] == "out"]
    everyone, selected, treated = totals
    assert everyone - sum(out[:-1]) == selected
    assert selected - out[-1] == treated


def test_the_money_of_a_plan_adds_up_to_its_net_value(waiting):
    site, plan, _ = waiting
    rows = site.get(f"/plans/{plan.plan_id}.json").json()["facts"]["money"]
    amounts = [float(row["amount"]) for row in rows if row["kind"] != "net"]
    assert sum(amounts) == pytest.approx(float(rows[-1]["amount"]), abs=0.02)


def test_the_list_of_a_plan_is_its_csv(waiting):
    site, plan, _ = waiting
    lines = site.get(f"/plans/{plan.plan_id}.csv").text.splitlines()
    assert len(lines) == 1 + plan.content.audience["selected"]


def test_a_plan_speaks_chinese_to_its_reader(waiting):
    site, plan, _ = waiting
    page = site.page(f"/plans/{plan.plan_id}", "zh").text
    assert "待审批" in page and "全部账户" in page and "waits for approval" not in page


def test_the_author_cannot_approve(waiting, plan_of):
    site, plan, folder = waiting
    answer = decide(site, plan, f" {plan.created_by.upper()} ")
    assert answer.status_code == 403
    assert "another person than its author" in answer.text
    assert plan_of(folder).status == "submitted"


def test_a_decision_needs_a_name_and_a_rejection_a_reason(waiting, plan_of):
    site, plan, folder = waiting
    assert decide(site, plan, "  ").status_code == 422
    assert decide(site, plan, "li na", "reject").status_code == 422
    assert plan_of(folder).status == "submitted"


def test_another_person_approves_once_and_a_second_time_says_so(waiting, plan_of):
    site, plan, folder = waiting
    done = decide(site, plan, "li na")
    assert done.status_code == 303 and done.headers["location"] == f"/plans/{plan.plan_id}"
    assert plan_of(folder).status == "approved"
    again = decide(site, plan, "li na")
    assert again.status_code == 409
    assert "is approved and cannot be approved" in again.text
    assert "li na" in site.page(f"/plans/{plan.plan_id}").text


def test_a_rejection_keeps_its_reason(waiting, plan_of):
    site, plan, folder = waiting
    assert decide(site, plan, "li na", "reject", reason="too small").status_code == 303
    assert plan_of(folder).status == "rejected"
    assert "too small" in site.page(f"/plans/{plan.plan_id}").text


def test_what_was_not_seen_is_not_approved(waiting, plan_of):
    site, plan, folder = waiting
    answer = site.submit(f"/plans/{plan.plan_id}/decide", who="li na", decision="approve", digest="0" * 64)
    assert answer.status_code == 409
    assert plan_of(folder).status == "submitted"


def test_a_form_of_another_site_decides_nothing(waiting, plan_of):
    site, plan, folder = waiting
    fields = {"who": "li na", "decision": "approve", "digest": plan.digest}
    answer = site.post(
        f"/plans/{plan.plan_id}/decide", data=fields, headers={"origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 403
    assert plan_of(folder).status == "submitted"


def test_a_preview_tells_what_a_launch_would_do_and_changes_nothing(waiting, plan_of):
    site, plan, folder = waiting
    gate = site.get(f"/plans/{plan.plan_id}.json?preview=1").json()["facts"]["gate"]
    assert sum(gate["arms"].values()) == plan.content.audience["selected"]
    assert sum(gate["planned"].values()) + gate["unreachable"] == gate["arms"]["offer"]
    assert plan_of(folder).status == "submitted"


def test_only_an_approved_plan_is_launched(waiting, plan_of):
    site, plan, folder = waiting
    refused = site.submit(f"/plans/{plan.plan_id}/launch")
    assert refused.status_code == 409 and plan_of(folder).status == "submitted"
    decide(site, plan, "li na")
    done = site.submit(f"/plans/{plan.plan_id}/launch")
    assert done.status_code == 303 and done.headers["location"].startswith("/campaigns/campaign-")
    assert plan_of(folder).status == "launched"
    assert site.page(done.headers["location"]).status_code == 200


def test_a_plan_is_taken_back_handed_in_and_cancelled(waiting, plan_of):
    site, plan, folder = waiting
    for verb, status in (("recall", "draft"), ("submit", "submitted"), ("cancel", "cancelled")):
        assert site.submit(f"/plans/{plan.plan_id}/move", verb=verb).status_code == 303
        assert plan_of(folder).status == status
        assert site.page(f"/plans/{plan.plan_id}", "zh").status_code == 200
    assert site.submit(f"/plans/{plan.plan_id}/move", verb="explode").status_code == 422


def test_an_unknown_plan_is_not_there(site):
    assert site.page("/plans/plan-0").status_code == 404
