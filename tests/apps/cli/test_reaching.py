"""The verbs of a campaign that touch people, as they are typed, each with what comes next."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from gridloop.apps.wiring import opened
from gridloop.ledger.sends import delivery_job


@pytest.fixture
def at(command, reachable):
    """Types `gridloop campaign` and these words for the workspace."""
    return lambda *words: command("campaign", *words, "-w", reachable.workspace)


@pytest.fixture
def campaign(at, reachable):
    """The id of the campaign, launched."""
    return at("launch", reachable.plan_id, "--json").rows["campaign_id"]


def statuses(answer):
    """Messages by status, of `outbox --json`."""
    found = Counter()
    for row in answer.rows["messages"]:
        found[row["status"]] += row["messages"]
    return found


def test_the_whole_way_from_a_plan_to_answers(at, reachable, tmp_path):
    told = at("launch", reachable.plan_id, "--dry-run")
    assert (told.code, "Nothing was changed" in told.out) == (0, True)
    assert "messages by email" in told.out
    assert "cleared" in told.out
    launched = at("launch", reachable.plan_id, "--as", "li")
    assert "runs; nothing was sent yet" in launched.out
    campaign = at("list", "--json").rows[0]["campaign"]
    assert f"gridloop campaign send {campaign}" in launched.out.replace("\n", " ")
    assert statuses(at("outbox", campaign, "--json")) == {"planned": 21}
    sent = at("send", campaign, "--json", "--quiet")
    assert sent.rows == [{"channel": "email", "became": "sent", "messages": 21}]
    files = sorted((reachable.workspace / "outbox" / "email").rglob("*.eml"))
    assert len(files) == 21
    back = tmp_path / "back.jsonl"
    lines = [
        {"message_id": files[0].stem, "kind": "accepted", "at": "2026-03-02T10:00:00+08:00"},
        {"message_id": files[1].stem, "kind": "bounced", "at": "2026-03-02T10:00:00+08:00"},
        {"message_id": files[2].stem, "kind": "unsubscribed", "at": "2026-03-02T10:00:00+08:00"},
    ]
    back.write_text("\n".join(map(json.dumps, lines)))
    (taken,) = at("receipts", "--file", back, "--json").rows
    assert (taken["new"], taken["bounced"], taken["unsubscribed"], taken["enrolled"]) == (3, 1, 1, 1)
    again = at("receipts", "--file", back)
    assert (again.code, "Next:" in again.out) == (0, True)
    assert statuses(at("outbox", campaign, "--json")) == {"bounced": 1, "sent": 20}


def test_nothing_is_due_twice_and_that_is_an_exit_code_of_its_own(at, campaign):
    assert at("send", campaign).code == 0
    again = at("send", campaign)
    assert (again.code, "is due" in again.err) == (5, True)
    assert "gridloop campaign outbox" in again.err


def test_a_paused_campaign_sends_nothing_until_it_is_resumed(at, campaign):
    assert "campaign resume" in at("pause", campaign).out
    refused = at("send", campaign)
    assert (refused.code, "is paused" in refused.err, "campaign resume" in refused.err) == (2, True, True)
    assert "campaign send" in at("resume", campaign).out
    assert at("send", campaign).code == 0
    assert at("resume", campaign).code == 1


def test_a_stop_needs_a_reason_and_is_for_good(at, campaign, reachable):
    assert at("stop", campaign).code == 2
    stopped = at("stop", campaign, "--reason", "wrong price", "--as", "wang")
    assert (stopped.code, "21 messages that waited are given up" in stopped.out) == (0, True)
    assert statuses(at("outbox", campaign, "--json")) == {"cancelled": 21}
    assert at("resume", campaign).code == 1
    assert "has ended" in at("outbox", campaign).out
    with opened(reachable.workspace) as session:
        assert session.ledger.audit.entries(1)[0].actor == "wang"


def test_undecided_messages_are_listed_decided_and_retried(at, campaign, reachable):
    with opened(reachable.workspace) as session:
        run_id = session.ledger.runs.start(delivery_job("email"), "reach", "", "", {})
        one, two = session.ledger.sends.claim(run_id, 2)
        session.ledger.runs.fail(run_id, "Killed", "")
        session.ledger.sends.recover()
    listed = at("outbox", campaign)
    assert "Undecided: 2" in listed.out
    assert one.send_id in listed.out
    assert {row["send"] for row in at("outbox", campaign, "--json").rows["undecided"]} == {
        one.send_id,
        two.send_id,
    }
    assert at("decide", one.send_id, "perhaps").code == 2
    assert "campaign outbox" in at("decide", one.send_id, "sent").out
    assert "campaign retry" in at("decide", two.send_id, "failed").out
    assert at("decide", two.send_id, "sent").code == 1
    assert "1 messages wait again" in at("retry", campaign).out
    assert at("retry", campaign).code == 5
    assert statuses(at("outbox", campaign, "--json")) == {"planned": 20, "sent": 1}


def test_a_mail_server_that_is_away_is_told_and_nothing_is_lost(at, campaign, reachable):
    with opened(reachable.workspace) as session:
        smtp = {"transport": "smtp", "host": "127.0.0.1", "port": 1, "security": "none"}
        session.workspace.with_settings(
            channels={
                "email": {**smtp, "sender": "a@power.example", "unsubscribe_mailto": "stop@power.example"}
            }
        )
    away = at("send", campaign)
    assert (away.code, "cannot be used" in away.err) == (1, True)
    assert statuses(at("outbox", campaign, "--json")) == {"planned": 21}


def test_a_plan_that_is_not_approved_says_what_comes_next(at, reachable):
    with opened(reachable.workspace) as session:
        plan = session.ledger.plans.draft(session.ledger.plans.plan(reachable.plan_id).content, "li")
    refused = at("launch", plan.plan_id)
    assert (refused.code, "only an approved plan" in refused.err) == (1, True)
    assert at("launch", "no-such-plan").code == 2
    assert at("send", "no-such-campaign").code == 2


def test_without_receipts_there_is_nothing_to_tell(at, campaign, tmp_path):
    assert "No channel has anything to tell" in at("receipts").out
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("hello\n")
    assert at("receipts", "--file", wrong).code == 1


def test_erasing_a_person_takes_the_messages_that_wait_in_the_outbox(command, reachable):
    where = ("-w", reachable.workspace)
    campaign = command("campaign", "launch", reachable.plan_id, "--json", *where).rows["campaign_id"]
    assert command("campaign", "send", campaign, *where).code == 0
    waiting = {path.name: path for path in (reachable.workspace / "outbox").rglob("*.eml")}
    with opened(reachable.workspace) as session:
        send = session.ledger.sends.of(campaign)[0]
    mine = f"{send.message_id}.eml"
    assert mine in waiting
    plan = command("vault", "erase", send.customer_id, "--dry-run", "--json", *where).rows
    assert {"place": "outbox", "what": "messages", "count": 1} in plan and waiting[mine].exists()
    done = command("vault", "erase", send.customer_id, "--requester", "case 7", "--yes", "--json", *where)
    assert {row["what"]: row["count"] for row in done.rows}[
        "places in any file where the person still stands"
    ] == 0
    assert {name for name, path in waiting.items() if not path.exists()} == {mine}
