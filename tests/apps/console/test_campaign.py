"""A campaign on the screen: how far it came, its guardrails, what is undecided, and the emergency stop."""

from __future__ import annotations

import sqlite3

import pytest

from gridloop.apps.wiring import opened
from gridloop.ledger.contacts import Reaction
from gridloop.ledger.messages import PlannedSend


@pytest.fixture
def running(launched, site_of):
    """The console over a village whose plan was launched, the campaign's address, and the folder."""
    folder, campaign = launched
    with site_of(folder, "ann") as site:
        yield site, f"/campaigns/{campaign}", folder


def status_of(folder, where):
    with opened(folder) as session:
        return session.ledger.campaigns.status(where.rpartition("/")[2])


def test_the_outbox_counts_every_planned_message(running):
    site, where, folder = running
    rows = site.get(f"{where}.json").json()["rows"]
    with opened(folder) as session:
        assert sum(row["messages"] for row in rows) == len(session.ledger.sends.of(where.rpartition("/")[2]))


def test_a_campaign_is_paused_goes_on_and_is_stopped_for_good(running):
    site, where, folder = running
    assert site.submit(f"{where}/pause").status_code == 303
    assert status_of(folder, where) == "paused"
    assert site.submit(f"{where}/resume").status_code == 303
    assert status_of(folder, where) == "running"
    assert site.submit(f"{where}/stop", reason=" ").status_code == 422
    assert status_of(folder, where) == "running"
    assert site.submit(f"{where}/stop", reason="complaints").status_code == 303
    assert status_of(folder, where) == "stopped"
    assert "complaints" in site.page(where).text
    assert site.submit(f"{where}/resume").status_code == 409


def test_a_stop_of_another_site_stops_nothing(running):
    site, where, folder = running
    answer = site.post(f"{where}/stop", data={"reason": "x"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert status_of(folder, where) == "running"


def test_an_undecided_message_is_decided_from_the_page(running):
    site, where, folder = running
    campaign = where.rpartition("/")[2]
    with opened(folder) as session:
        customer = session.ledger.assignments.of(campaign)[0].unit_id
        session.ledger.sends.plan(campaign, [PlannedSend(customer, "sms", f"{campaign}|one")])
        (message, *_) = session.ledger.sends.of(campaign)
    with sqlite3.connect(folder / "ledger.db") as connection:
        connection.execute("UPDATE send SET status = 'unknown' WHERE send_id = ?", (message.send_id,))
    connection.close()
    assert message.send_id in site.page(where, "zh").text
    assert site.submit(f"{where}/decide", send=message.send_id, outcome="perhaps").status_code == 422
    assert site.submit(f"{where}/decide", send=message.send_id, outcome="failed").status_code == 303
    with opened(folder) as session:
        assert session.ledger.sends.send(message.send_id).status == "failed"
    assert site.submit(f"{where}/retry").status_code == 303
    with opened(folder) as session:
        assert session.ledger.sends.send(message.send_id).status == "planned"


@pytest.mark.parametrize(
    ("reaction", "state"),
    [
        (Reaction(200, 0, 0), "kept"),
        (Reaction(20, 0, 0), "early"),
        (Reaction(200, 0, 1), "near"),
        (Reaction(200, 0, 5), "broken"),
    ],
)
def test_a_guardrail_is_near_when_chance_alone_may_have_kept_it(running, monkeypatch, reaction, state):
    site, where, _ = running
    monkeypatch.setattr("gridloop.ledger.contacts.Contacts.reaction", lambda *_: reaction)
    (unsubscribed, _) = site.get(f"{where}.json").json()["facts"]["guardrails"]
    assert unsubscribed["limit"] == 0.02  # 1 of 200 may be up to 2.8 %, 5 are 2.5 %
    assert unsubscribed["state"] == state


def test_a_campaign_links_to_its_plan_and_its_result(running):
    site, where, _ = running
    page = site.page(where).text
    assert f'href="{where}/result"' in page and 'href="/plans/plan-' in page


def test_an_unknown_campaign_is_not_there(site):
    assert site.page("/campaigns/campaign-0").status_code == 404
    assert site.page("/campaigns/campaign-0/result").status_code == 404
