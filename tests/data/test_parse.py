"""Columns are read whole; what cannot be read is marked and never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from gridloop.data.parse import parse_column, to_instants
from gridloop.data.recipe import ColumnType, SourceColumn, Stamps


def read(values, kind, **declared):
    parsed = parse_column(pa.array(values), SourceColumn(type=kind, **declared))
    return parsed.values.to_pylist(), parsed.bad.tolist()


def test_numbers_keep_what_can_be_read():
    values, bad = read(["1.5", " 2 ", "", None, "x", "1e3", "1_000"], ColumnType.NUMBER)
    assert values == [1.5, 2.0, None, None, None, 1000.0, None]
    assert bad == [False, False, False, False, True, False, True]


def test_decimals_are_exact():
    assert read(["0.1", "-12345678.123456"], ColumnType.DECIMAL)[0] == [
        Decimal("0.100000000"),
        Decimal("-12345678.123456000"),
    ]


def test_booleans_have_several_spellings():
    assert read(["Y", "n", "TRUE", "0", "maybe", ""], ColumnType.BOOLEAN) == (
        [True, False, True, False, None, None],
        [False, False, False, False, True, False],
    )


def test_dates_and_instants_with_a_format():
    assert read(["03/04/2025", "31/02/2025"], ColumnType.DATE, format="%d/%m/%Y") == (
        [date(2025, 4, 3), None],
        [False, True],
    )


def test_offsets_are_applied_even_where_they_differ():
    values, bad = read(["2025-03-01T08:00:00+08:00", "2025-03-01T00:00:00Z"], ColumnType.INSTANT)
    assert values == [datetime(2025, 3, 1)] * 2 and bad == [False, False]


def test_one_bad_stamp_does_not_spoil_the_others():
    values, bad = read(["2025-03-01 00:00:00", "no", "2025-03-01 00:30"], ColumnType.INSTANT)
    assert values == [datetime(2025, 3, 1), None, datetime(2025, 3, 1, 0, 30)]
    assert bad == [False, True, False]


def test_nanosecond_stamps_of_parquet_are_cut_to_microseconds():
    column = pa.array([1_700_000_000_000_000_123], pa.timestamp("ns"))
    parsed = parse_column(column, SourceColumn(type=ColumnType.INSTANT))
    assert parsed.values.cast(pa.int64()).to_pylist() == [1_700_000_000_000_000]


@pytest.mark.parametrize(("which", "hour"), [("first", 0), ("second", 1)])
def test_an_ambiguous_local_stamp_follows_its_rule(which, hour):
    stamps = Stamps(written_in="local", ambiguous=which, evidence="made so for this test and nothing else")
    parsed = parse_column(pa.array(["2025-10-26 01:15:00"]), SourceColumn(type=ColumnType.INSTANT))
    instants = to_instants(parsed, zone="Europe/London", stamps=stamps, has_zone=False)
    assert instants.ambiguous.tolist() == [True]
    assert datetime.fromtimestamp(instants.us[0] / 1e6, UTC) == datetime(2025, 10, 26, hour, 15, tzinfo=UTC)
