"""The tables in the database are those of the catalogue, and versions never mix."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import inspect, text

from gridloop.domain.errors import WorkspaceVersion
from gridloop.domain.table import Kind
from gridloop.domain.tables import CATALOGUE
from gridloop.ledger import revision
from gridloop.ledger.database import Database
from gridloop.ledger.schema import SPECS, VERSION_TABLE, build_metadata
from gridloop.ledger.store import Ledger


def description(database: Database) -> dict[str, object]:
    """Everything about the tables of a database that can be read back from it."""
    inspector = inspect(database.engine)

    def plain(rows: list[dict[str, object]]) -> list[str]:
        return sorted(str(spelled(row)) for row in rows)

    return {
        name: {
            "columns": plain(inspector.get_columns(name)),
            "key": inspector.get_pk_constraint(name),
            "references": plain(inspector.get_foreign_keys(name)),
            "unique": plain(inspector.get_unique_constraints(name)),
            "checks": plain(inspector.get_check_constraints(name)),
            "indexes": plain(inspector.get_indexes(name)),
        }
        for name in inspector.get_table_names()
        if name != VERSION_TABLE
    }


def spelled(value: object) -> object:
    """The value with everything in it as text, so that two of them can be compared."""
    if isinstance(value, dict):
        return {name: spelled(inner) for name, inner in sorted(value.items())}
    return [str(inner) for inner in value] if isinstance(value, list) else str(value)


def created(specs, empty_url) -> dict[str, object]:
    database = Database(empty_url)
    build_metadata(specs).create_all(database.engine)
    found = description(database)
    database.close()
    return found


def migrated(url) -> dict[str, object]:
    database = Database(url)
    found = description(database)
    database.close()
    return found


@pytest.fixture
def pair(request, tmp_path, new_postgres_database):
    """Urls of an empty database and of a migrated ledger of the same kind."""
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}" for name in ("empty.db", "ledger.db")]
    else:
        urls = [new_postgres_database(None), new_postgres_database(None)]
    with Ledger.open(urls[1]) as ledger:
        ledger.upgrade()
    return urls


both = pytest.mark.parametrize(
    "pair", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@both
def test_migrations_and_catalogue_agree(pair):
    empty, ledger = pair
    assert migrated(ledger) == created(SPECS, empty)


@both
def test_a_planted_drift_is_seen(pair):
    empty, ledger = pair
    product = SPECS["product"]
    kinds = tuple(
        replace(column, values=(*column.values, "barter")) if column.name == "product_kind" else column
        for column in product.columns
    )
    planted = {**SPECS, "product": replace(product, columns=kinds)}
    assert migrated(ledger) != created(planted, empty)


def test_every_table_of_the_ledger_that_is_not_only_planned_is_kept():
    assert {"job_run", "plan", "approval", "campaign", "assignment", "send", "response", "audit"} <= set(
        SPECS
    )
    assert "dr_event" in CATALOGUE
    assert "dr_event" not in SPECS


def test_a_column_kind_that_the_ledger_does_not_keep_is_no_silent_text():
    product = SPECS["product"]
    lists = replace(product, columns=(replace(product.columns[0], kind=Kind.INT_LIST),), key=("product_id",))
    with pytest.raises(KeyError):
        build_metadata({"product": lists})


def test_an_empty_ledger_can_be_opened_but_not_used(empty_url):
    with Ledger.open(empty_url) as ledger:
        assert ledger.revision is None
        with pytest.raises(WorkspaceVersion) as told:
            ledger.runs.published()
    assert "no tables yet" in str(told.value)
    assert "doctor --migrate" in str(told.value)


def test_upgrading_twice_changes_nothing_the_second_time(empty_url):
    with Ledger.open(empty_url) as ledger:
        assert ledger.upgrade() == ("0001", "0002")
        assert ledger.upgrade() == ()
        assert ledger.revision == revision.newest() == "0002"
        assert ledger.runs.published() == {}


def test_a_newer_ledger_is_refused(url):
    database = Database(url)
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    database.close()
    with pytest.raises(WorkspaceVersion) as told:
        Ledger.open(url)
    assert "newer Gridloop" in str(told.value)
    assert "9999" in str(told.value)


def test_an_older_ledger_says_how_to_migrate(url, monkeypatch):
    monkeypatch.setattr(revision, "newest", lambda: "0003")
    with Ledger.open(url) as ledger, pytest.raises(WorkspaceVersion) as told:
        ledger.audit.head()
    assert "older Gridloop" in str(told.value)
    assert "doctor --migrate" in str(told.value)


def test_a_migration_that_fails_half_way_leaves_nothing(empty_url, monkeypatch):
    script = revision._scripts().get_revision("0001").module
    monkeypatch.setattr(script, "_create_send", lambda: 1 / 0)
    with Ledger.open(empty_url) as ledger:
        with pytest.raises(ZeroDivisionError):
            ledger.upgrade()
        assert ledger.revision is None
        assert inspect(ledger._database.engine).get_table_names() == []
        monkeypatch.undo()
        assert ledger.upgrade() == ("0001", "0002")


def test_two_processes_upgrade_at_once_and_one_does_it(empty_url, at_once):
    program = "with Ledger.open(url) as ledger: print(ledger.upgrade())"
    assert sorted(at_once(2, program, empty_url)) == ["('0001', '0002')", "()"]
