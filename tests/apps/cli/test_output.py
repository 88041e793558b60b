"""What a command prints can be read: by people, by programs, and by spreadsheets without harm."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gridloop.apps.cli.output import (
    BLOCKS,
    ProgressLine,
    Style,
    cell,
    guarded,
    plain,
    print_error,
    say,
    show_findings,
    show_rows,
    sparkline,
)
from gridloop.domain.errors import KeyLost
from gridloop.domain.finding import Finding, Severity

TEXT, JSON, CSV = Style(), Style("json"), Style("csv")


def test_the_lowest_value_is_the_lowest_block_and_the_highest_the_highest():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([10, 10.4, 17]) == "▁▁█"


def test_a_missing_value_is_a_blank_and_does_not_scale_the_line():
    assert sparkline([1, None, 2, float("nan")]) == "▁ █ "
    assert sparkline([None, float("nan")]) == ""


def test_a_flat_line_is_drawn_at_the_bottom():
    assert sparkline([5, 5, 5]) == "▁▁▁"
    assert sparkline([0]) == "▁"


@example([0.0, -2.2250738585e-313])
@given(st.lists(st.none() | st.floats(-1e12, 1e12), min_size=1))
def test_a_sparkline_has_one_sign_per_value_and_keeps_their_order(values):
    line = sparkline(values)
    known = [(value, sign) for value, sign in zip(values, line, strict=False) if value is not None]
    assert len(line) in (len(values), 0)
    assert [BLOCKS.index(sign) for _, sign in sorted(known)] == sorted(BLOCKS.index(s) for _, s in known)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (True, "yes"),
        (False, "no"),
        (1234567, "1,234,567"),
        (0.123456, "0.1235"),
        (12345.6, "12,346"),
        (-0.0, "0"),
        (float("nan"), "–"),
        (Decimal("12.50"), "12.50"),
        (date(2025, 3, 30), "2025-03-30"),
        (datetime(2025, 3, 30, 1, tzinfo=UTC), "2025-03-30T01:00:00+00:00"),
        ({"a": 1}, '{"a": 1}'),
        (Severity.WARNING, "warning"),
        ("谷段", "谷段"),
    ],
)
def test_a_cell_is_written_as_people_read_it(value, shown):
    assert cell(value) == shown


ROWS = [
    {
        "day": date(2025, 2, 28),
        "amount": Decimal("10.10"),
        "share": float("nan"),
        "text": "[bold]谷[/]",
        "n": 1,
    },
    {"day": None, "amount": Decimal("-3"), "share": float("inf"), "text": None, "n": 2},
]


def test_rows_as_json_are_valid_json_whatever_they_hold(capsys):
    show_rows(ROWS, JSON)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == [
        {"day": "2025-02-28", "amount": "10.10", "share": None, "text": "[bold]谷[/]", "n": 1},
        {"day": None, "amount": "-3", "share": None, "text": None, "n": 2},
    ]


def test_no_rows_are_an_empty_array_as_json_nothing_as_csv_and_a_sentence_as_text(capsys):
    show_rows([], JSON, empty="Nothing.")
    assert capsys.readouterr().out == "[]\n"
    show_rows([], CSV, empty="Nothing.")
    assert capsys.readouterr().out == ""
    show_rows([], TEXT, empty="Nothing.")
    assert capsys.readouterr().out == "Nothing.\n"
    show_rows([], Style(quiet=True), empty="Nothing.")
    assert capsys.readouterr().out == ""


def test_rows_as_csv_have_a_head_and_read_back(capsys):
    show_rows(ROWS, CSV)
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert read[0] == {"day": "2025-02-28", "amount": "10.10", "share": "", "text": "[bold]谷[/]", "n": "1"}
    assert read[1]["amount"] == "-3"


def test_rows_as_text_show_every_value_and_no_markup(capsys):
    show_rows(ROWS[:1], TEXT, title="Amounts")
    shown = capsys.readouterr().out
    assert [word for word in ("Amounts", "day", "2025-02-28", "10.10", "–", "谷") if word not in shown] == []


@given(st.text(max_size=20))
def test_no_csv_cell_of_text_is_a_formula(text):
    assert not str(guarded(text)).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert str(guarded(text)).removeprefix("'") == text.removeprefix("'")


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(), st.floats(allow_nan=False))
def test_a_negative_number_is_still_a_number_in_csv(money, count, share):
    assert Decimal(str(guarded(money))) == money
    assert guarded(count) == count
    assert guarded(share) in (share, None)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_whatever_a_row_holds_becomes_standard_json(value):
    json.loads(json.dumps(plain(value), allow_nan=False))


GRAVE = Finding("reading.spike", "A spike of 9 kW [m-1].", {"peak_w": 9000}, Severity.ERROR, "reading", "m-1")
SMALL = Finding("rate.accuracy", "All holds.", severity=Severity.INFO)


def test_findings_are_printed_gravest_first_with_what_is_left_out(capsys):
    show_findings([SMALL, GRAVE, SMALL], TEXT, most=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["error", "A", "spike", "of", "9", "kW", "[m-1].", "reading.spike"]
    assert "All holds." in lines[1]
    assert lines[2].split() == ["…", "and", "1", "more"]


def test_findings_as_json_are_all_there_with_their_evidence(capsys):
    show_findings([SMALL, GRAVE], JSON, most=1)
    first, second = json.loads(capsys.readouterr().out)
    assert first["code"] == "reading.spike"
    assert first["evidence"] == {"peak_w": 9000}
    assert (second["severity"], second["subject"]) == ("info", None)


def test_an_error_goes_to_stderr_with_evidence_and_ways_out(capsys):
    print_error(KeyLost("No key [x].", evidence={"file": "k [1]"}, ways_out=("Put it back.",)), TEXT)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "Error: No key [x].",
        "  file: k [1]",
        "  Ways out:",
        "    • Put it back.",
    ]


def test_progress_without_a_terminal_is_a_plain_line_at_begin_and_end(capsys):
    line = ProgressLine(TEXT, every_seconds=3600)
    for done in range(1, 101):
        line("reading", done, 100)
    line("checking", 0, 0)
    assert capsys.readouterr().err.splitlines() == ["reading: 1/100", "reading: 100/100", "checking: 0"]


def test_progress_on_a_terminal_is_one_line_that_is_overwritten(capsys):
    line = ProgressLine(TEXT)
    line.terminal = True
    line("reading", 1, 2)
    line("reading", 2, 2)
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "░" in shown
    assert shown.endswith("█" * 24 + " 2/2\n")


def test_quiet_progress_says_nothing(capsys):
    ProgressLine(Style(quiet=True))("reading", 1, 1)
    assert capsys.readouterr() == ("", "")


def test_what_looks_like_markup_in_data_is_printed_as_it_is(capsys):
    show_rows([{"name": "[/z] [bold]x[/bold]"}], Style(color=False))
    say("a [/b] sentence", Style(color=False))

    assert "[/z] [bold]x[/bold]" in (printed := capsys.readouterr().out)
    assert "a [/b] sentence" in printed
