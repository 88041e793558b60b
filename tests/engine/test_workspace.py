"""A workspace tells what is wrong with it, moves with its folder and has one writer at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gridloop.domain.errors import (
    UsageError,
    WorkspaceExists,
    WorkspaceLocked,
    WorkspaceNotFound,
    WorkspaceVersion,
)
from gridloop.engine.workspace import SCHEMA_VERSION, Workspace


def _make(folder: Path) -> Workspace:
    return Workspace.create(folder, zone="Europe/London", currency="GBP", buckets=4)


def test_what_was_set_is_found_again(tmp_path: Path) -> None:
    made = Workspace.create(
        tmp_path / "w", zone="Asia/Shanghai", currency="CNY", name='Lin"he \\ 临禾', buckets=4
    )

    assert Workspace.open(tmp_path / "w").config == made.config
    assert made.ledger_url == f"sqlite:///{tmp_path / 'w' / 'ledger.db'}"


def test_a_second_workspace_never_overwrites_the_first(tmp_path: Path) -> None:
    first = _make(tmp_path / "w")

    with pytest.raises(WorkspaceExists):
        _make(tmp_path / "w")
    assert Workspace.open(tmp_path / "w").config.id == first.config.id


def test_a_folder_without_settings_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceNotFound) as told:
        Workspace.open(tmp_path)

    assert "gridloop init" in str(told.value)
    assert told.value.exit_code == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bukets = 4", "Did you mean 'buckets'"),
        ("buckets = 0", "impossible value"),
        ('zone = "Europe/Londn"', "Did you mean 'Europe/London'"),
        ("= 3", "cannot be read as TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, said: str) -> None:
    workspace = _make(tmp_path / "w")
    path = workspace.root / "gridloop.toml"
    name = line.split(" = ")[0]
    kept = [text for text in path.read_text().splitlines() if not text.startswith(f"{name} =")]
    path.write_text("\n".join([*kept, line]))

    with pytest.raises(UsageError) as told:
        Workspace.open(workspace.root)
    assert said in str(told.value)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, SCHEMA_VERSION - 1])
def test_another_version_is_refused_with_the_way_out(tmp_path: Path, version: int) -> None:
    workspace = _make(tmp_path / "w").with_settings(schema_version=version)

    with pytest.raises(WorkspaceVersion):
        Workspace.open(workspace.root)


def test_a_second_writer_is_told_who_holds_the_workspace(tmp_path: Path) -> None:
    workspace = _make(tmp_path / "w")
    code = (
        "import sys; from gridloop.engine.workspace import Workspace\n"
        f"with Workspace.open({str(workspace.root)!r}).lock(command='import lcl'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WorkspaceLocked) as told, workspace.lock(command="run"):
            pass
        holder.kill()

    assert told.value.evidence["pid"] == holder.pid
    assert told.value.evidence["command"] == "import lcl"
    with workspace.lock(command="run", wait_seconds=5):
        assert "run" in (workspace.root / ".lock").read_text()
