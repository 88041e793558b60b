from __future__ import annotations

import pytest

from gridloop.domain.table import Column, Kind, Label, Stage, Store, TableSpec

KEY = Column("meter_id", Kind.STRING, Label("Meter", "电表"))
KNOWN = Column("available_at", Kind.INSTANT, Label("Available at", "可用时刻"))


def spec(key, *columns):
    """A lake table of the data stage."""
    return TableSpec("meter", "metering", Store.LAKE, Stage.DATA, key, Label("Meter", "电表"), columns)


def test_a_table_is_revised_when_its_key_holds_knowledge_time():
    assert spec(("meter_id", "available_at"), KEY, KNOWN).bitemporal
    assert not spec(("meter_id",), KEY, KNOWN).bitemporal


def test_columns_are_found_by_name_and_listed_in_order():
    meter = spec(("meter_id",), KEY, KNOWN)
    assert meter.column("meter_id") is KEY
    assert list(meter) == [KEY, KNOWN]
    with pytest.raises(KeyError, match="meter has no column day"):
        meter.column("day")
