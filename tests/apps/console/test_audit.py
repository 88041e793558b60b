"""The audit trail on the screen: paged, linked, and loud when somebody changed it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from gridloop.apps.wiring import opened


def test_entries_stand_newest_first_and_the_chain_is_verified(planned, site_of):
    with site_of(planned) as site:
        answer = site.get("/audit.json").json()
        numbers = [row["sequence"] for row in answer["rows"]]
        assert numbers == sorted(numbers, reverse=True) and numbers[-1] == 1
        assert answer["facts"]["whole"] is True
        page = site.page("/audit").text
        assert "The chain is whole" in page and 'href="/plans/plan-' in page


def test_a_page_of_the_trail_holds_fifty_entries(planned, site_of):
    with opened(planned) as session:
        for number in range(60):
            session.ledger.audit.record("ann", "test.noted", f"thing:{number}")
    with site_of(planned) as site:
        first = site.get("/audit.json").json()["rows"]
        second = site.get("/audit.json?first=50").json()["rows"]
    assert len(first) == 50
    assert second[0]["sequence"] == first[-1]["sequence"] - 1


def test_one_subject_is_found_alone(planned, site_of):
    with site_of(planned) as site:
        (plan,) = site.get("/campaigns.json").json()["rows"]
        rows = site.get(f"/audit.json?subject=plan:{plan['plan']}").json()["rows"]
        assert rows and {row["subject"] for row in rows} == {f"plan:{plan['plan']}"}
        assert "没有该对象的记录" in site.page("/audit?subject=plan:none", "zh").text


def test_a_changed_entry_raises_an_alarm(planned, site_of):
    with closing(sqlite3.connect(planned / "ledger.db")) as connection, connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        connection.execute("UPDATE audit SET actor = 'somebody' WHERE sequence = 1")
    with site_of(planned) as site:
        facts = site.get("/audit.json").json()["facts"]
        assert facts["whole"] is False
        assert {one["code"] for one in facts["faults"]} == {"audit.changed"}
        page = site.page("/audit").text
        assert "ALARM" in page and 'role="alert"' in page and "The chain is whole" not in page
