"""The key can be moved, copied and put back; a person can be erased; the audit shows who did what."""

from __future__ import annotations

import sqlite3

import pytest
import typer

from gridloop.apps.wiring import opened

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def workspace(command, workspace_path):
    """A new workspace."""
    assert command("init", workspace_path).code == 0
    return workspace_path


@pytest.fixture
def locked_copy(command, workspace, tmp_path, monkeypatch):
    """A copy of the workspace's key, locked with the passphrase, which the environment names."""
    monkeypatch.setenv("GRIDLOOP_KEY_PASSPHRASE", PASSPHRASE)
    answer = command("vault", "export-key", tmp_path / "copy.key", "-w", workspace)
    assert answer.code == 0
    return tmp_path / "copy.key"


def key_file(command, workspace):
    """Where a workspace's key lies."""
    from pathlib import Path

    return Path(command("vault", "status", "-w", workspace, "--json").rows[0]["key"])


def test_the_status_names_the_key_and_counts_people(command, demo):
    (row,) = command("vault", "status", "-w", demo.workspace, "--json").rows
    assert row["key"].startswith(str(demo.keys))
    assert row["people"] >= 12


def test_rotation_makes_another_key_that_opens_everything(command, demo_copy):
    ask = ("vault", "status", "-w", demo_copy.workspace, "--json")
    (before,) = command(*ask).rows
    answer = command("vault", "rotate", "-w", demo_copy.workspace)
    (after,) = command(*ask).rows
    assert answer.code == 0
    assert after["key_id"] in answer.out
    assert (after["key_id"] != before["key_id"], after["people"]) == (True, before["people"])
    newest = command("audit", "list", "-w", demo_copy.workspace, "--json").rows[0]
    assert (newest["action"], newest["details"]) == ("vault.rotated", {"data": False})
    assert command("doctor", "-w", demo_copy.workspace).code == 0


def test_a_lost_key_is_one_clear_error_and_comes_back_from_its_copy(command, workspace, locked_copy):
    key = key_file(command, workspace)
    key.unlink()
    lost = command("vault", "status", "-w", workspace)
    assert lost.code == 1
    assert "not where it should be" in lost.err
    assert command("doctor", "-w", workspace).code == 1
    assert command("vault", "import-key", locked_copy, "-w", workspace).code == 0
    assert key.is_file()
    assert command("doctor", "-w", workspace).code == 0


def test_the_key_is_not_in_its_copy(command, workspace, locked_copy):
    secret = key_file(command, workspace).read_text().rpartition("key: ")[2].strip()
    assert len(secret) == 44
    assert secret not in locked_copy.read_text()


def test_a_wrong_passphrase_opens_nothing(command, workspace, locked_copy, monkeypatch):
    key = key_file(command, workspace)
    key.unlink()
    monkeypatch.setenv("GRIDLOOP_KEY_PASSPHRASE", "another horse battery staple")
    answer = command("vault", "import-key", locked_copy, "-w", workspace)
    assert answer.code in (1, 4)
    assert "does not open with this passphrase" in answer.err
    assert not key.exists()


def test_a_short_passphrase_and_a_file_that_is_there_are_refused(
    command, workspace, locked_copy, tmp_path, monkeypatch
):
    again = command("vault", "export-key", locked_copy, "-w", workspace)
    assert again.code == 2
    assert "never overwrites" in again.err
    monkeypatch.setenv("GRIDLOOP_KEY_PASSPHRASE", "short")
    assert command("vault", "export-key", tmp_path / "other.key", "-w", workspace).code == 2
    assert not (tmp_path / "other.key").exists()


def test_taking_a_copy_of_the_key_is_recorded(command, workspace, locked_copy):
    assert [row["action"] for row in command("audit", "list", "-w", workspace, "--json").rows] == [
        "vault.key_exported"
    ]


def customers(demo):
    """Customer ids as the source writes them, with their names."""
    lines = (demo.sources / "personal" / "contact.csv").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split(",")[:2]) for line in lines[1:]]


def test_a_person_is_erased_everywhere_after_a_look_at_what_goes(command, demo_copy):
    number, name = customers(demo_copy)[1]
    ask = ("vault", "erase", number, "-w", demo_copy.workspace, "--json")
    people = command("vault", "status", "-w", demo_copy.workspace, "--json").rows[0]["people"]
    planned = command(*ask, "--dry-run")
    assert planned.code == 0
    assert {"place": "vault", "what": "person", "count": 1} in planned.rows
    done = command(*ask, "--yes", "--requester", "2026-7")
    assert done.code == 0
    assert {
        "place": "proof",
        "what": "places in any file where the person still stands",
        "count": 0,
    } in done.rows
    assert done.rows[-1]["place"] == "tombstone"
    assert command("vault", "status", "-w", demo_copy.workspace, "--json").rows[0]["people"] == people - 1
    assert command(*ask, "--yes", "--requester", "2026-7").code in (1, 2, 5)
    needle = number.encode()
    files = [path for path in demo_copy.workspace.rglob("*") if path.is_file()]
    assert [path for path in files if needle in path.read_bytes() or name.encode() in path.read_bytes()] == []
    assert command("run", "-w", demo_copy.workspace, "--quiet").code == 0
    assert command("doctor", "-w", demo_copy.workspace).code == 0


def test_an_erasure_without_the_reference_of_a_request_changes_nothing(command, demo_copy, state):
    before = state(demo_copy.workspace)
    number, _ = customers(demo_copy)[0]
    answer = command("vault", "erase", number, "-w", demo_copy.workspace, "--yes")
    assert answer.code == 2
    assert "--requester" in answer.err
    assert state(demo_copy.workspace) == before


def test_an_erasure_asks_before_it_erases_for_good(command, demo_copy, monkeypatch):
    number, _ = customers(demo_copy)[0]
    asked = []

    def decline(question: str, abort: bool) -> None:
        asked.append(question)
        raise typer.Abort

    monkeypatch.setattr("typer.confirm", decline)
    answer = command("vault", "erase", number, "-w", demo_copy.workspace, "--requester", "2026-7")
    assert (answer.code, asked) == (1, ["Erase for good?"])
    assert "Would be erased" in answer.out
    people = command("vault", "status", "-w", demo_copy.workspace, "--json").rows[0]["people"]
    assert people == len(customers(demo_copy))


def test_erasing_nobody_says_so(command, demo_copy):
    answer = command("vault", "erase", "nobody", "-w", demo_copy.workspace, "--yes", "--requester", "1")
    assert answer.code != 0
    assert "No such customer" in answer.err


def test_an_audit_that_was_tampered_with_is_found_out(command, workspace, locked_copy):
    assert "unbroken" in command("audit", "verify", "-w", workspace).out
    database = sqlite3.connect(workspace / "ledger.db")
    triggers = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
    ).fetchall()
    for (name,) in triggers:
        database.execute(f'DROP TRIGGER "{name}"')
    database.execute("UPDATE audit SET actor = 'somebody else'")
    database.commit()
    database.close()
    answer = command("audit", "verify", "-w", workspace, "--json")
    assert answer.code == 1
    assert [(row["code"], row["severity"]) for row in answer.rows] == [("audit.changed", "critical")]
    assert command("doctor", "-w", workspace).code == 1


def test_an_unbroken_chain_is_an_empty_list_as_json(command, workspace):
    answer = command("audit", "verify", "-w", workspace, "--json")
    assert (answer.code, answer.rows) == (0, [])
    assert command("audit", "list", "-w", workspace).out == "Nothing was recorded yet.\n"


def test_no_entry_and_no_run_holds_a_name(demo):
    names = {name for _, name in customers(demo)}
    with opened(demo.workspace) as session:
        told = str(session.ledger.audit.entries(1000)) + str(session.ledger.runs.recent(1000))
    assert [name for name in names if name in told] == []
