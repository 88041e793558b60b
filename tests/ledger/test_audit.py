"""Whoever changes the audit trail is found out, and the database makes it hard to begin with."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from sqlalchemy import insert, text, update

from gridloop.domain.errors import LedgerConflict
from gridloop.domain.finding import Severity
from gridloop.ledger.audit import GENESIS, AuditHead
from gridloop.ledger.redaction import PersonalDataRefused
from gridloop.ledger.schema import TABLES
from gridloop.ledger.store import Ledger

AUDIT = TABLES["audit"]


@pytest.fixture
def trail(ledger, clock):
    """A trail of five entries."""
    for number in range(5):
        ledger.audit.record(
            "li", "data.import", f"file:{number}", {"rows": number, "share": 0.1, "部门": "营销"}
        )
        clock.later(seconds=1)
    return ledger


def forge(ledger, *statements):
    """Change the trail with the triggers out of the way, as somebody with all rights could."""
    with ledger._database.write() as connection:
        if connection.dialect.name == "sqlite":
            for name in ("update", "delete", "gap"):
                connection.execute(text(f"DROP TRIGGER audit_refuses_{name}"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(statement)


def codes(findings):
    return [(finding.code, finding.evidence["sequence"]) for finding in findings]


def test_an_entry_is_read_back_as_it_was_written(trail):
    entry = trail.audit.entries(1)[0]
    assert (entry.sequence, entry.actor, entry.action, entry.subject) == (5, "li", "data.import", "file:4")
    assert entry.details == {"rows": 4, "share": 0.1, "部门": "营销"}
    assert len(trail.audit.entries(subject="file:2")) == 1


def test_the_hash_is_what_the_documentation_says(ledger):
    ledger.audit.record("li", "data.import", "file:0", {"rows": 1})
    plain = {
        "sequence": 1,
        "at": "2026-07-01T08:00:00.123456+00:00",
        "actor": "li",
        "action": "data.import",
        "subject": "file:0",
        "details": {"rows": 1},
        "previous_hash": "0" * 64,
    }
    written = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    assert ledger.audit.head() == AuditHead(1, sha256(written.encode()).hexdigest())


def test_an_untouched_trail_is_whole(trail):
    assert trail.audit.verify() == []
    assert trail.audit.verify(trail.audit.head()) == []


def test_an_empty_trail_is_whole(ledger):
    assert ledger.audit.head() == AuditHead(0, GENESIS)
    assert ledger.audit.verify(ledger.audit.head()) == []


@pytest.mark.parametrize(
    "change",
    [update(AUDIT).values(actor="zhao"), AUDIT.delete(), AUDIT.delete().where(AUDIT.c.sequence == 5)],
)
def test_the_database_refuses_changes(trail, change):
    with pytest.raises(LedgerConflict, match="rule"), trail._database.write() as connection:
        connection.execute(change)
    assert trail.audit.verify() == []


def test_the_database_refuses_to_replace_or_skip_an_entry(trail, clock):
    entry = trail.audit.entries(1)[0]
    row = {name: getattr(entry, name) for name in AUDIT.c.keys()}  # noqa: SIM118
    replacing = insert(AUDIT)
    if trail._database.engine.dialect.name == "sqlite":
        replacing = replacing.prefix_with("OR REPLACE")
    for changed in ({"actor": "zhao"}, {"sequence": 9, "hash": "x"}):
        with pytest.raises(LedgerConflict, match="rule"), trail._database.write() as connection:
            connection.execute(replacing, {**row, **changed})
    assert trail.audit.entries(1) == [entry]


@pytest.mark.postgres
def test_the_trail_cannot_be_emptied_at_once(postgres_ledger_template, new_postgres_database):
    with Ledger.open(new_postgres_database(postgres_ledger_template)) as ledger:
        ledger.audit.record("li", "data.import", "file:0")
        with pytest.raises(LedgerConflict, match="rule"), ledger._database.write() as connection:
            connection.execute(text("TRUNCATE audit"))


def test_a_changed_entry_is_found(trail):
    forge(trail, update(AUDIT).where(AUDIT.c.sequence == 3).values(actor="zhao"))
    findings = trail.audit.verify()
    assert codes(findings) == [("audit.changed", 3)]
    assert findings[0].severity is Severity.CRITICAL


def test_changed_details_are_found(trail):
    forge(trail, update(AUDIT).where(AUDIT.c.sequence == 2).values(details={"rows": 1, "share": 0.2}))
    assert codes(trail.audit.verify()) == [("audit.changed", 2)]


def test_a_removed_entry_is_found(trail):
    forge(trail, AUDIT.delete().where(AUDIT.c.sequence == 2))
    assert codes(trail.audit.verify()) == [("audit.gap", 3)]


def test_a_rehashed_entry_breaks_the_chain_behind_it(trail):
    forge(trail, update(AUDIT).where(AUDIT.c.sequence == 3).values(hash="f" * 64))
    assert ("audit.broken_chain", 4) in codes(trail.audit.verify())


def test_a_cut_off_end_is_found_by_a_head_noted_elsewhere(trail):
    head = trail.audit.head()
    forge(trail, AUDIT.delete().where(AUDIT.c.sequence == 5))
    assert trail.audit.verify() == []
    assert codes(trail.audit.verify(head)) == [("audit.cut_off", 5)]


def test_a_trail_written_anew_is_found_by_a_head_noted_elsewhere(trail):
    head = trail.audit.head()
    forge(trail, AUDIT.delete())
    for number in range(5):
        trail.audit.record("zhao", "data.import", f"file:{number}")
    assert trail.audit.verify() == []
    assert codes(trail.audit.verify(head)) == [("audit.rewritten", 5)]


def test_personal_data_is_refused_and_not_repeated_in_the_error(ledger):
    for subject, details in (
        ("customer:zhang@example.com", {}),
        ("customer:7", {"contacts": [{"to": "13912345678"}]}),
        ("customer:7", {"13912345678": 1}),
    ):
        with pytest.raises(PersonalDataRefused) as told:
            ledger.audit.record("li", "vault.read", subject, details)
        assert "139" not in str(told.value)
        assert "zhang" not in str(told.value)
    assert ledger.audit.head().sequence == 0


def test_keys_that_json_turns_into_text_are_hashed_as_they_are_read_back(ledger):
    ledger.audit.record("li", "data.import", "file:0", {"by_hour": {1: 2, 10: 3}, "pair": (1, 2.5e30)})
    assert ledger.audit.entries(1)[0].details == {"by_hour": {"1": 2, "10": 3}, "pair": [1, 2.5e30]}
    assert ledger.audit.verify() == []


def test_entries_of_many_processes_make_one_chain(url, at_once):
    program = """
with Ledger.open(url) as ledger:
    for number in range(25):
        head = ledger.audit.record("job", "test.append", f"entry:{number}")
print(head.sequence)
"""
    assert max(int(line) for line in at_once(3, program, url)) == 75
    with Ledger.open(url) as ledger:
        assert ledger.audit.head().sequence == 75
        assert ledger.audit.verify() == []
