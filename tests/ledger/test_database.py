"""Values come back as they went in, and trouble with the database is told in words."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from gridloop.domain.errors import (
    InvalidInterval,
    LedgerConflict,
    ServiceMissing,
    StorageFull,
    UsageError,
)
from gridloop.ledger.approvals import Approval
from gridloop.ledger.audit import AuditEntry
from gridloop.ledger.campaigns import Assignment, Campaign
from gridloop.ledger.database import Database, LedgerUnreadable
from gridloop.ledger.messages import Send
from gridloop.ledger.plans import Plan, PlanContent
from gridloop.ledger.responses import Response
from gridloop.ledger.runs import JobRun
from gridloop.ledger.schema import SPECS, TABLES
from gridloop.ledger.store import Ledger

PRODUCT = TABLES["product"]


def product(product_id, **values):
    """A row of the table `product`."""
    return {
        "product_id": product_id,
        "name": "峰谷电价",
        "product_kind": "tariff",
        "status": "draft",
        "terms": {},
        "valid_from": datetime(2026, 7, 1).date(),
        "created_at": datetime(2026, 7, 1, tzinfo=UTC),
        **values,
    }


def test_sqlite_is_set_up_to_lose_nothing(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.upgrade()
        with ledger._database.read() as connection:
            found = {
                name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
            }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 30000,
    }


def test_a_closed_ledger_is_one_file(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.upgrade()
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]


def test_values_come_back_as_they_went_in(ledger):
    @settings(max_examples=20)
    @given(
        millionths=st.integers(-(10**17), 10**17),
        at=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)),
        offset=st.integers(-720, 720),
    )
    def check(millionths, at, offset):
        amount = Decimal(millionths).scaleb(-6)
        instant = at.replace(tzinfo=timezone(timedelta(minutes=offset)))
        with ledger._database.engine.connect() as connection:
            connection.execute(insert(PRODUCT), product("p", unit_cost=amount, created_at=instant))
            row = connection.execute(select(PRODUCT)).one()
            connection.rollback()
        assert row.unit_cost == amount
        assert row.created_at == instant
        assert row.created_at.tzinfo is UTC

    check()


@pytest.mark.parametrize("amount", [0.1, Decimal("0.0000001"), Decimal("1e12"), Decimal("nan")])
def test_money_that_is_not_exact_is_refused(ledger, amount):
    with pytest.raises(UsageError, match="Money"), ledger._database.write() as connection:
        connection.execute(insert(PRODUCT), product("p", unit_cost=amount))


def test_a_time_without_a_zone_is_refused(ledger):
    with pytest.raises(InvalidInterval, match="without a zone"), ledger._database.write() as connection:
        connection.execute(insert(PRODUCT), product("p", created_at=datetime(2026, 7, 1)))


@pytest.mark.parametrize("values", [{"status": "sold"}, {"name": None}])
def test_the_rules_of_the_catalogue_hold_in_the_database(ledger, values):
    with pytest.raises(LedgerConflict, match="rule") as told, ledger._database.write() as connection:
        connection.execute(insert(PRODUCT), product("p", **values))
    assert "峰谷电价" not in str(told.value)


def test_a_block_that_fails_writes_nothing(ledger):
    with pytest.raises(ZeroDivisionError), ledger._database.write() as connection:
        connection.execute(insert(PRODUCT), product("p"))
        raise ZeroDivisionError
    with ledger._database.read() as connection:
        assert connection.execute(select(PRODUCT)).all() == []


@pytest.mark.parametrize(
    ("record", "table", "apart"),
    [
        (JobRun, "job_run", set()),
        (Approval, "approval", set()),
        (Campaign, "campaign", set()),
        (Send, "send", set()),
        (AuditEntry, "audit", set()),
        (Assignment, "assignment", {"campaign_id", "assigned_at"}),
        (Response, "response", {"recorded_at"}),
    ],
)
def test_records_have_the_fields_of_the_catalogue(record, table, apart):
    fields = {field.name for field in dataclasses.fields(record)}
    assert fields | apart == {column.name for column in SPECS[table]}


def test_a_plan_and_its_content_have_the_fields_of_the_catalogue():
    fields = {field.name for kind in (Plan, PlanContent) for field in dataclasses.fields(kind)} - {"content"}
    assert fields == {column.name for column in SPECS["plan"]}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/database", "ledger.db", ""])
def test_a_url_that_cannot_hold_a_ledger_is_refused(url):
    with pytest.raises(UsageError) as told:
        Ledger.open(url)
    assert "postgresql://" in str(told.value)


def test_a_file_that_is_no_ledger_is_told(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 100)
    with pytest.raises(LedgerUnreadable, match="damaged"):
        Ledger.open(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"not a database")


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(LedgerUnreadable, match="cannot be opened"):
        Ledger.open(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.db'}")


def test_a_server_that_does_not_answer_is_told_without_the_password(tmp_path):
    with pytest.raises(ServiceMissing) as told:
        Ledger.open(f"postgresql://li:secret@/ledger?host={tmp_path}")
    assert "secret" not in str(told.value)
    assert "does not answer" in str(told.value)


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path):
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.upgrade()
        with ledger._database.read() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
        run_id = ledger.runs.start("import", "data", "d", "v", {})
        with pytest.raises(StorageFull, match="no room"):
            ledger.runs.succeed(run_id, {"reading": 1}, {"note": "x" * 100_000})
        assert ledger.runs.run(run_id).outcome == "running"
        assert ledger.runs.published() == {}


def test_a_writer_that_waits_too_long_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("gridloop.ledger.database.WAIT_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url) as ledger, Ledger.open(url) as other:
        ledger.upgrade()
        with (
            ledger._database.write(),
            pytest.raises(LedgerConflict, match="too long"),
            other._database.write(),
        ):
            pass


def test_readers_do_not_wait_for_a_writer(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(url) as ledger, Ledger.open(url) as other:
        ledger.upgrade()
        with ledger._database.write() as connection:
            connection.execute(insert(PRODUCT), product("p"))
            assert other.runs.published() == {}


def test_a_url_is_shown_without_its_password():
    assert "secret" not in Database("postgresql://li:secret@host/ledger").shown
