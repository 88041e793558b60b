"""Each thing that can be wrong with a workspace is one finding that says how to mend it."""

from __future__ import annotations

import shutil
import sqlite3
from collections import namedtuple
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from gridloop.apps import doctor
from gridloop.apps.wiring import opened
from gridloop.domain.errors import GridloopError
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Stage
from gridloop.ledger.store import Ledger

Usage = namedtuple("Usage", "total used free")


def wrong(folder: Path) -> list[Finding]:
    """What doctor finds wrong; a full disk of the machine that runs the tests is not asked about."""
    return [f for f in doctor.examine(folder) if f.severity is not Severity.INFO and f.code != "doctor.disk"]


@pytest.fixture
def workspace(session):
    """A new workspace's folder."""
    return session.workspace.root


def test_a_sound_workspace_has_one_good_word_on_each_part(workspace):
    assert wrong(workspace) == []
    codes = {finding.code.removeprefix("doctor.") for finding in doctor.examine(workspace)}
    assert codes >= {"python", "packages", "disk", "workspace", "ledger", "audit", "vault", "tables", "lock"}


def test_the_good_words_hold_the_numbers(demo):
    texts = {finding.code: finding.text for finding in doctor.examine(demo.workspace)}
    assert texts["doctor.workspace"] == "Workspace 'demo': Asia/Shanghai, CNY, 4 buckets"
    assert texts["doctor.ledger"].startswith("The ledger opens; ")
    assert texts["doctor.tables"].endswith(" tables, all as published")


def test_a_folder_without_workspace_is_the_only_thing_said_of_it(tmp_path):
    (finding,) = wrong(tmp_path / "nowhere")
    assert (finding.code, finding.severity) == ("doctor.workspace", Severity.ERROR)
    assert "gridloop init" in finding.text
    assert "doctor.vault" not in {f.code for f in doctor.examine(tmp_path / "nowhere")}


def test_damaged_settings_are_named(workspace):
    (workspace / "gridloop.toml").write_text("id = ")
    (finding,) = wrong(workspace)
    assert "cannot be read as TOML" in finding.text


def test_a_setting_that_is_none_is_named(workspace):
    with (workspace / "gridloop.toml").open("a") as file:
        file.write("currancy = 'CNY'\n")
    (finding,) = wrong(workspace)
    assert "'currancy'" in finding.text
    assert "'currency'" in finding.text


def test_a_missing_package_is_named(workspace, monkeypatch):
    def version(name: str) -> str:
        if name == "duckdb":
            raise PackageNotFoundError
        return "1"

    monkeypatch.setattr(doctor, "version", version)
    (finding,) = wrong(workspace)
    assert (finding.code, finding.evidence) == ("doctor.packages", {"missing": ["duckdb"]})
    assert "make setup" in finding.text


def test_a_disk_with_little_room_is_a_warning(workspace, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: Usage(10**12, 10**12, 1_500_000_000))
    (finding,) = [f for f in doctor.examine(workspace) if f.code == "doctor.disk"]
    assert (finding.severity, finding.evidence) == (Severity.WARNING, {"free_mb": 1500})


def test_a_lost_key_is_an_error_with_ways_out(workspace, session):
    session.vault.keys.path.unlink()
    (finding,) = wrong(workspace)
    assert (finding.code, finding.severity) == ("doctor.vault", Severity.ERROR)
    assert "Ways out:" in finding.text


def test_a_ledger_of_a_newer_version_is_an_error(workspace):
    database = sqlite3.connect(workspace / "ledger.db")
    database.execute("UPDATE ledger_version SET version_num = '9999'")
    database.commit()
    database.close()
    (finding,) = [finding for finding in wrong(workspace) if finding.code == "doctor.ledger"]
    assert "newer" in finding.text


def test_what_a_killed_run_left_behind_is_a_warning_until_it_is_mended(demo_copy, regions):
    with opened(demo_copy.workspace) as session:
        session.lake.writer(Stage.DATA).append("region", regions("half-written"))
    (finding,) = wrong(demo_copy.workspace)
    assert (finding.code, finding.evidence) == ("doctor.unpublished", {"tables": ["region"]})
    assert "gridloop doctor --mend" in finding.text
    doctor.mend_workspace(demo_copy.workspace)
    assert wrong(demo_copy.workspace) == []


def test_what_another_run_is_just_writing_is_not_called_damage(demo_copy, regions):
    with opened(demo_copy.workspace) as session, session.workspace.lock(command="a long import"):
        session.lake.writer(Stage.DATA).append("region", regions("being-written"))
        assert wrong(demo_copy.workspace) == []
        texts = {finding.code: finding.text for finding in doctor.examine(demo_copy.workspace)}
    assert "a long import" in texts["doctor.lock"]
    assert "region" in texts["doctor.tables"]


def test_tables_without_their_ledger_are_never_mended_away(demo_copy):
    (demo_copy.workspace / "ledger.db").unlink()
    with Ledger.open(f"sqlite:///{demo_copy.workspace / 'ledger.db'}") as ledger:
        ledger.upgrade()
    with pytest.raises(GridloopError, match="their ledger was lost"):
        doctor.mend_workspace(demo_copy.workspace)
    with opened(demo_copy.workspace) as session:
        assert session.lake.view().count("customer") >= 12


@pytest.mark.parametrize("part", ["lake/catalogue.db", "ledger.db", "vault/vault.db"])
def test_a_damaged_database_is_a_finding_not_a_crash(demo_copy, part):
    for path in demo_copy.workspace.glob(f"{part}*"):
        path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    assert [finding for finding in wrong(demo_copy.workspace) if finding.severity.rank >= Severity.ERROR.rank]


def test_a_stray_file_is_removed_by_mending(demo_copy):
    stray = demo_copy.workspace / "lake" / "gridloop" / "customer" / "data" / "stray.parquet"
    stray.write_bytes(b"")
    doctor.mend_workspace(demo_copy.workspace)
    assert not stray.exists()
    assert wrong(demo_copy.workspace) == []


def test_published_tables_that_are_gone_are_critical(demo_copy):
    database = sqlite3.connect(demo_copy.workspace / "lake" / "catalogue.db")
    database.execute("DELETE FROM iceberg_tables WHERE table_name = 'customer'")
    database.commit()
    database.close()
    (finding,) = wrong(demo_copy.workspace)
    assert (finding.code, finding.severity) == ("doctor.tables", Severity.CRITICAL)
    assert finding.evidence == {"tables": ["customer"]}


def test_a_table_without_its_metadata_is_an_error(demo_copy):
    shutil.rmtree(demo_copy.workspace / "lake" / "gridloop" / "customer" / "metadata")
    (finding,) = wrong(demo_copy.workspace)
    assert (finding.code, finding.severity) == ("doctor.lake", Severity.ERROR)
    assert "'customer'" in finding.text


def test_a_broken_audit_chain_is_critical(workspace, session):
    for number in range(3):
        session.ledger.audit.record("tester", "test.done", f"test:{number}")
    database = sqlite3.connect(workspace / "ledger.db")
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{name}"')
    database.execute("DELETE FROM audit WHERE sequence = 2")
    database.commit()
    database.close()
    (finding,) = wrong(workspace)
    assert (finding.code, finding.severity) == ("audit.gap", Severity.CRITICAL)


def test_a_moved_workspace_is_sound(demo_copy, tmp_path):
    moved = tmp_path / "elsewhere" / "workspace"
    moved.parent.mkdir()
    shutil.move(demo_copy.workspace, moved)
    assert wrong(moved) == []
    with opened(moved) as session:
        view = session.published()
        assert view.count("customer") >= 12
        view.close()


def test_migrating_a_current_workspace_changes_nothing(demo_copy, state):
    before = state(demo_copy.workspace)
    doctor.migrate_workspace(demo_copy.workspace)
    assert state(demo_copy.workspace) == before
