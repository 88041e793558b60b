"""Opened workspaces are lent again as long as their settings are those of the file."""

from __future__ import annotations

import pytest

from gridloop.apps.web.sessions import Sessions
from gridloop.domain.errors import UsageError
from gridloop.engine.workspace import SETTINGS_FILE, Workspace


@pytest.fixture
def sessions(village):
    made = Sessions(village, "ann")
    yield made
    made.close()


def test_a_session_is_lent_again_and_never_to_two(sessions):
    with sessions.borrow() as (one, _), sessions.borrow() as (other, _):
        assert one is not other
    with sessions.borrow() as (again, _):
        assert again in (one, other)


def test_settings_that_were_written_are_seen_by_the_next_even_when_one_was_lent_meanwhile(sessions, village):
    with sessions.borrow() as (before, _):
        Workspace.open(village).with_settings(playbooks=("tou-shift",))
        with sessions.borrow() as (now, _):
            assert now.workspace.config.playbooks == ("tou-shift",)
    with sessions.borrow() as (after, _):
        assert after is not before
        assert after.workspace.config.playbooks == ("tou-shift",)
    assert sessions.workspace.config.playbooks == ("tou-shift",)


def test_settings_that_cannot_be_read_are_told_and_a_mended_file_works_again(sessions, village):
    path = village / SETTINGS_FILE
    good = path.read_text(encoding="utf-8")
    path.write_text("id = ", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(UsageError), sessions.borrow():
            pass
    path.write_text(good, encoding="utf-8")
    with sessions.borrow() as (session, _):
        assert session.workspace.config.name
