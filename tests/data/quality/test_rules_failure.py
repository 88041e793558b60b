"""A rule that could not run is a finding of its own, never a pass; a broken rule book is refused."""

from __future__ import annotations

import json

import pytest

from gridloop.data.quality import rules
from gridloop.data.quality.book import RuleBook, load_book
from gridloop.data.quality.rule import Check, Dimension, row_rule
from gridloop.domain.errors import GridloopError, UsageError

TABLES = ("customer", "account", "region")


def broken_expression(rows, tables):
    """Asks for a column that is not there."""
    return rows["no_such_column"] > 1


def broken_in_the_engine(rows, tables):
    """Only the engine sees that this text is no number, and it quotes the text."""
    return rows.customer_id.cast("int64") > 1


def refuses(tables):
    """A check that answers with an error after half its work."""
    yield from ()
    raise GridloopError("The scale of 'Li Wei' is broken.")


@pytest.mark.parametrize("fault", [broken_expression, broken_in_the_engine])
def test_a_rule_that_fails_is_an_error_and_the_others_still_run(utility, tmp_path, monkeypatch, fault):
    of_table = rules.rules_of
    extra = row_rule("range.broken", Dimension.ACCURACY, "customer", "{failing} are broken.", fault)
    monkeypatch.setattr(
        rules,
        "rules_of",
        lambda name, tables: of_table(name, tables) + ((extra,) if name == "customer" else ()),
    )
    utility.keep(TABLES)["customer"][0]["customer_class"] = "palace"
    report, rows = utility.check(tmp_path / "workspace")
    assert report.counts["could_not_run"] == 1
    assert {(f.code, f.table) for f in report.findings} == {
        ("rule.could_not_run", "customer"),
        ("values.customer_class", "customer"),
    }
    (row,) = [r for r in rows if r["rule"] == "rule.could_not_run"]
    assert (row["severity"], row["subject"]) == ("error", "range.broken")
    assert row["text"] == (
        "Rule range.broken of table customer could not run, so nothing is known about what it demands."
    )
    assert "C00" not in row["evidence"], "the reason quotes a row"


def test_a_check_that_fails_is_an_error(utility, tmp_path, monkeypatch):
    check = Check("timeliness.broken", Dimension.TIMELINESS, "region", refuses)
    monkeypatch.setattr(rules, "checks_of", lambda name, tables: (check,) if name == "region" else ())
    report, rows = utility.keep(TABLES).check(tmp_path / "workspace")
    assert [f.code for f in report.findings] == ["rule.could_not_run"]
    (row,) = [r for r in rows if r["rule"] == "rule.could_not_run"]
    assert json.loads(row["evidence"]) == {
        "rule": "timeliness.broken",
        "error": "GridloopError",
        "reason": "The scale of … is broken.",
    }


def test_an_empty_workspace_has_nothing_to_check(utility, tmp_path):
    lake = utility.keep(()).write(tmp_path / "workspace")
    report = rules.check_tables(lake.view(), lake.writer(rules.table("quality_finding").owner))
    assert dict(report.counts) == {
        "tables": 0, "rules": 0, "could_not_run": 0, "judgements": 0, "findings": 0,
    }  # fmt: skip
    assert not lake.view().exists("quality_finding")
    lake.close()


def test_the_shipped_rule_book_names_only_tables_and_columns_that_exist():
    from gridloop.domain.tables import CATALOGUE

    book = load_book()
    pairs = [(line.table, line.column) for line in (*book.expected, *book.agree)]
    pairs += [(line.table, name) for line in book.overlap for name in (*line.per, line.first, line.last)]
    pairs += [(line.table, name) for line in book.series for name in (line.at, line.unit, *line.kinds)]
    pairs += [
        tuple(text.split("."))
        for text in (*(a.counterpart for a in book.agree), *(x.by for x in book.linked))
    ]
    missing = [(name, column) for name, column in pairs if column not in {c.name for c in CATALOGUE[name]}]
    assert missing == []
    columns = {c.name for spec in CATALOGUE.values() for c in spec}
    assert {name for line in book.order for name in (line.first, line.last)} <= columns
    assert {line.column for line in book.form} <= columns


def test_a_workspace_puts_its_own_rule_book_in_the_place_of_the_shipped_one(tmp_path):
    (tmp_path / "rules").mkdir()
    path = tmp_path / "rules" / "quality.yaml"
    path.write_text("order:\n  - {first: opened, last: closed}\n", encoding="utf-8")
    assert load_book(tmp_path) == RuleBook.model_validate({"order": [{"first": "opened", "last": "closed"}]})
    path.write_text("order:\n  - {first: opened, lst: closed}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"Rule book 'quality.yaml' is not valid") as refused:
        load_book(tmp_path)
    assert refused.value.evidence["problems"] == 2
    path.write_text("order: [", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        load_book(tmp_path)
