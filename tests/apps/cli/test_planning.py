"""Plays and plans on the command line: chosen, read, compared, listed, and approved by somebody else."""

from __future__ import annotations

import csv
import io

import pytest

from gridloop.apps.wiring import opened

PLAY = "tou-shift"


@pytest.fixture
def gridloop(command, village):
    """Types `gridloop`, words, and the village's workspace."""
    return lambda *words: command(*words, "-w", village)


@pytest.fixture
def planned(gridloop):
    """A plan by `li` that waits for approval."""
    gridloop("play", "use", PLAY)
    assert gridloop("campaign", "plan", PLAY, "--as", "li", "--quiet").code == 0
    return gridloop("campaign", "list", "--json").rows[0]["plan"]


def test_plays_are_listed_shown_used_and_dropped(gridloop, village):
    assert gridloop("play", "list", "--json").rows[0]["used"] is False
    shown = gridloop("play", "show", PLAY)
    assert "Evening time-of-use for homes" in shown.out
    assert "Would save too little or lose" in shown.out
    assert gridloop("play", "show", PLAY, "--json").rows["offer"]["tariff"] == "tou-evening"
    assert f"gridloop run -w {village}" in gridloop("play", "use", PLAY).out
    assert gridloop("play", "list", "--json").rows[0]["used"] is True
    assert gridloop("play", "use", PLAY).code == 5
    assert gridloop("play", "drop", PLAY).code == 0
    assert gridloop("play", "drop", PLAY).code == 5
    with opened(village) as session:
        assert session.workspace.config.playbooks == ()


@pytest.mark.parametrize("verb", [("play", "show"), ("play", "use"), ("play", "drop"), ("campaign", "plan")])
def test_a_play_that_is_none_is_answered_with_the_closest(gridloop, verb):
    answer = gridloop(*verb, "tou-shfit")
    assert answer.code == 2
    assert "Did you mean 'tou-shift'?" in answer.err


def test_a_rehearsed_plan_changes_nothing(gridloop, village, state):
    before = state(village)
    answer = gridloop("campaign", "plan", PLAY, "--dry-run")
    assert answer.code == 0
    assert "this would be planned; nothing was changed" in answer.out
    assert "Held out by chance" in answer.out
    assert "gridloop approve" not in answer.out
    assert state(village) == before
    assert gridloop("campaign", "list", "--json").rows == []


def test_run_ends_with_the_plan_that_waits_and_the_next_command(gridloop, planned, village):
    answer = gridloop("run", "--through", "data", "--as", "li")
    assert f"{planned} (submitted, by li): offer tou-evening" in answer.out
    assert answer.out.splitlines()[-2].strip() == f"gridloop approve {planned} --as NAME -w {village}"


def test_a_plan_reads_as_a_manager_reads(gridloop, planned):
    answer = gridloop("campaign", "show", planned)
    assert (
        f"{planned} (submitted, by li): offer tou-evening to 21 accounts and hold 9 out by chance"
        in answer.out
    )
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "Accounts 32" in lines
    assert "Would save too little or lose -2" in lines
    assert "Offered it (first channel: app 10, sms 20) 21" in lines
    assert "2 accounts would pay more, 80 CNY together and 40 CNY at the most" in answer.out
    assert "-3.0 % of evening_energy is assumed, from the playbook." in answer.out
    assert "Nothing yet: no campaign of this play has ended." in answer.out
    assert f"gridloop approve {planned}" in answer.out


def test_a_plan_as_json_holds_everything(gridloop, planned):
    plan = gridloop("campaign", "show", planned, "--json").rows
    assert (plan["status"], plan["audience"]["selected"], plan["campaign_id"]) == ("submitted", 30, None)
    assert plan["expectation"]["cost"]["total"]
    assert plan["settings"]["play"]["name"] == PLAY


def test_the_list_of_a_plan_is_best_first_and_safe_in_a_spreadsheet(gridloop, planned):
    rows = gridloop("campaign", "audience", planned, "--json", "--most", 2).rows
    assert [(row["rank"], row["account"]) for row in rows] == [(1, "a29"), (2, "a28")]
    answer = gridloop("campaign", "audience", planned, "--all", "--csv")
    found = list(csv.DictReader(io.StringIO(answer.out)))
    assert len(found) == 32
    assert found[-1]["reason"] == "saving_too_small"
    assert not any(cell.startswith(("=", "+", "@")) for row in found for cell in row.values())


def test_another_person_than_the_author_approves(gridloop, planned):
    refused = gridloop("approve", planned, "--as", " LI ", "--yes")
    assert refused.code == 4
    assert "another person than its author" in refused.err
    answer = gridloop("approve", planned, "--as", "wang", "--yes", "--reason", "worth trying")
    assert answer.code == 0
    assert f"Plan {planned} is approved, decided by wang." in answer.out
    assert f"gridloop campaign launch {planned}" in answer.out
    assert "It was approved by wang" in gridloop("campaign", "show", planned).out
    assert gridloop("approve", planned, "--as", "wang", "--yes").code == 1


def test_who_does_not_say_yes_approves_nothing(gridloop, planned, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    answer = gridloop("approve", planned, "--as", "wang")
    assert answer.code == 1
    assert "Held out by chance" in answer.out
    assert gridloop("campaign", "show", planned, "--json").rows["status"] == "submitted"
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert gridloop("approve", planned, "--as", "wang").code == 0
    assert gridloop("campaign", "show", planned, "--json").rows["status"] == "approved"


def test_a_rejection_needs_its_reason(gridloop, planned):
    assert gridloop("approve", planned, "--as", "wang", "--reject", "--yes").code == 2
    answer = gridloop("approve", planned, "--as", "wang", "--reject", "--reason", "too dear", "--yes")
    assert answer.code == 0
    shown = gridloop("campaign", "show", planned)
    assert "It was rejected by wang" in shown.out
    assert "too dear" in shown.out


def test_a_plan_is_recalled_submitted_and_cancelled(gridloop, planned):
    assert "is a draft" in gridloop("campaign", "recall", planned, "--as", "li").out
    assert gridloop("approve", planned, "--as", "wang", "--yes").code == 1
    assert "is submitted" in gridloop("campaign", "submit", planned, "--as", "li").out
    assert "is cancelled" in gridloop("campaign", "cancel", planned, "--as", "li").out
    assert gridloop("campaign", "submit", planned, "--as", "li").code == 1


def test_the_first_plan_has_nothing_to_be_compared_with_but_another_that_is_named(gridloop, planned, village):
    answer = gridloop("campaign", "diff", planned)
    assert answer.code == 2
    assert "first of its play" in answer.err
    (village / "playbooks").mkdir()
    gridloop("campaign", "cancel", planned, "--as", "li")
    from gridloop.strategy.playbook.store import playbook_paths

    text = playbook_paths()[PLAY].read_text(encoding="utf-8").replace("share: 0.3", "share: 0.5")
    (village / "playbooks" / f"{PLAY}.yaml").write_text(text, encoding="utf-8")
    gridloop("campaign", "plan", PLAY, "--as", "li", "--quiet")
    newest = gridloop("campaign", "list", "--json").rows[0]["plan"]
    assert newest != planned
    rows = gridloop("campaign", "diff", newest, planned, "--json").rows
    held = next(row for row in rows if row["path"] == "settings.arms.holdout")
    assert (held["what"], held["before"], held["after"]) == ("share held out", 0.3, 0.5)
    assert "share held out" in gridloop("campaign", "diff", newest, planned).out
    assert "They say the same." in gridloop("campaign", "diff", newest, newest).out


def test_an_empty_workspace_has_nobody_to_plan_for(command, workspace_path):
    command("init", workspace_path)
    answer = command("campaign", "plan", PLAY, "-w", workspace_path)
    assert answer.code == 5
    assert "gridloop import --list" in answer.err


def test_a_plan_that_is_none_is_told(gridloop):
    assert gridloop("campaign", "show", "plan-x").code == 2
    assert gridloop("approve", "plan-x", "--as", "wang").code == 2
