"""`init` makes a whole workspace or none; `doctor` says what is wrong with one."""

from __future__ import annotations

import tomllib

from gridloop.apps.wiring import opened


def test_init_makes_a_workspace_whose_vault_and_ledger_open(command, workspace_path):
    answer = command(
        "init", workspace_path, "--zone", "Europe/London", "--currency", "GBP", "--name", "north"
    )
    assert (answer.code, answer.err) == (0, "")
    assert "back it up" in answer.out
    with opened(workspace_path) as session:
        assert session.workspace.config.zone == "Europe/London"
        assert session.vault.count_people() == 0
        assert session.ledger.runs.published() == {}


def test_init_does_not_touch_a_workspace_that_is_there(command, workspace_path):
    command("init", workspace_path)
    settings = (workspace_path / "gridloop.toml").read_text()
    answer = command("init", workspace_path, "--zone", "Europe/London")
    assert answer.code == 2
    assert "already is a workspace" in answer.err
    assert (workspace_path / "gridloop.toml").read_text() == settings


def test_a_zone_that_is_none_is_refused_with_the_nearest_one(command, workspace_path):
    answer = command("init", workspace_path, "--zone", "Asia/Shangai")
    assert answer.code == 2
    assert "'Asia/Shanghai'" in answer.err
    assert not workspace_path.exists()


def test_a_setting_with_an_impossible_value_is_named(command, workspace_path):
    answer = command("init", workspace_path, "--currency", "yuan")
    assert answer.code == 2
    assert "'currency'" in answer.err


def test_a_key_within_the_workspace_is_refused_and_leaves_no_half_made_workspace(command, workspace_path):
    answer = command("init", workspace_path, "--keys-folder", workspace_path / "keys")
    assert answer.code == 2
    assert "inside the workspace that it protects" in answer.err
    assert command("init", workspace_path).code == 0
    assert command("vault", "status", "-w", workspace_path).code == 0


def test_a_keys_folder_given_relative_to_here_is_found_from_anywhere(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("init", "w", "--keys-folder", "cabinet").code == 0
    monkeypatch.chdir("/")
    settings = tomllib.loads((tmp_path / "w" / "gridloop.toml").read_text())
    assert settings["keys_folder"] == str(tmp_path / "cabinet")
    assert command("vault", "status", "-w", tmp_path / "w").code == 0


def test_doctor_finds_nothing_wrong_with_a_new_workspace(command, workspace_path):
    command("init", workspace_path)
    answer = command("doctor", "-w", workspace_path, "--json")
    assert answer.code == 0
    assert {row["code"] for row in answer.rows if row["severity"] != "info"} <= {"doctor.disk"}


def test_doctor_fails_where_there_is_no_workspace_and_says_how_to_make_one(command, tmp_path):
    answer = command("doctor", "-w", tmp_path)
    assert answer.code == 1
    assert "gridloop init" in answer.out


def test_the_workspace_may_be_named_by_the_environment(command, workspace_path, monkeypatch):
    command("init", workspace_path, "--name", "by-environment")
    monkeypatch.setenv("GRIDLOOP_WORKSPACE", str(workspace_path))
    assert "'by-environment'" in command("doctor").out


def test_a_workspace_of_a_newer_gridloop_is_left_alone(command, workspace_path):
    command("init", workspace_path)
    path = workspace_path / "gridloop.toml"
    path.write_text(path.read_text().replace("schema_version = 1", "schema_version = 99"))
    answer = command("run", "-w", workspace_path)
    assert answer.code == 1
    assert "newer Gridloop" in answer.err


def test_doctor_migrates_a_current_workspace_to_itself(command, workspace_path):
    command("init", workspace_path)
    assert command("doctor", "--migrate", "--mend", "-w", workspace_path).code == 0
