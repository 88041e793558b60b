"""A session opens each part when it is first used, and closes what it opened."""

from __future__ import annotations

import pytest

from gridloop.apps.demo_folders import DemoCounty
from gridloop.apps.keys import restore_key
from gridloop.apps.wiring import Session, create, opened, synthetic_county
from gridloop.domain.errors import KeyLost, UsageError, WorkspaceExists, WorkspaceNotFound
from gridloop.security.backup import export_key

SETTINGS = {"zone": "Asia/Shanghai", "currency": "CNY"}


def test_a_session_opens_vault_and_ledger_only_when_asked(session, workspace_path):
    fresh = Session(session.workspace)
    assert not {"vault", "ledger"} & set(fresh.__dict__)
    fresh.ledger.runs.published()
    assert "ledger" in fresh.__dict__
    fresh.close()
    assert "ledger" not in fresh.__dict__


def test_without_the_key_the_tables_can_still_be_read(session, workspace_path):
    session.vault.keys.path.unlink()
    with opened(workspace_path) as fresh:
        assert fresh.published().snapshots == {}
        with pytest.raises(KeyLost):
            _ = fresh.vault


def test_a_folder_that_is_no_workspace_is_not_opened(tmp_path):
    with pytest.raises(WorkspaceNotFound), opened(tmp_path):
        pytest.fail("it was opened")


def test_a_workspace_is_not_made_over_another(session, workspace_path):
    with pytest.raises(WorkspaceExists):
        create(workspace_path, **SETTINGS)
    assert Session(session.workspace).workspace.config.id == session.workspace.config.id


def test_a_workspace_that_could_not_be_made_whole_is_none(workspace_path):
    with pytest.raises(UsageError, match="inside the workspace"):
        create(workspace_path, **SETTINGS, keys_folder=str(workspace_path / "keys"))
    with pytest.raises(WorkspaceNotFound), opened(workspace_path):
        pytest.fail("half a workspace was opened")
    create(workspace_path, **SETTINGS).close()


def test_a_ledger_that_cannot_be_reached_leaves_no_workspace(workspace_path):
    with pytest.raises(Exception, match=r"ledger|sqlite|database"):
        create(workspace_path, **SETTINGS, ledger_url="sqlite:////no/such/folder/ledger.db")
    assert not (workspace_path / "gridloop.toml").exists()
    create(workspace_path, **SETTINGS).close()


def test_a_key_comes_back_to_the_folder_that_the_settings_name(workspace_path, tmp_path):
    session = create(workspace_path, **SETTINGS, keys_folder=str(tmp_path / "cabinet"))
    key = session.vault.keys.path
    copy = export_key(session.vault.keys, "correct horse battery staple", tmp_path / "copy.key")
    session.close()
    key.unlink()
    assert key.parent == tmp_path / "cabinet"
    assert restore_key(workspace_path, copy, "correct horse battery staple") == key
    with opened(workspace_path) as again:
        assert again.vault.count_people() == 0


def test_the_county_is_as_large_as_asked():
    county = synthetic_county(DemoCounty(customers=7, days=3, seed=5, continued_days=2))
    assert (county.settings.customers, county.settings.days, county.settings.seed) == (7, 3, 5)
