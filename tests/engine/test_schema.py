"""Rows are brought to a table's declaration exactly, and refusals never quote what may be somebody's name."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gridloop.domain.errors import SchemaMismatch
from gridloop.domain.tables import table
from gridloop.engine.schema import conform
from gridloop.testing.readings import utc

STAMP = pa.timestamp("us", tz="UTC")


def _customers(**columns: pa.Array) -> pa.Table:
    known = pa.array([utc(2025, 1, 1)], STAMP)
    return pa.table({"customer_id": ["c-1"], "customer_class": ["shop"], "available_at": known} | columns)


def test_a_stamp_without_zone_is_no_instant() -> None:
    naive = pa.array([utc(2025, 1, 1).replace(tzinfo=None)], pa.timestamp("us"))

    with pytest.raises(SchemaMismatch, match="available_at") as told:
        conform(table("customer"), _customers(available_at=naive))

    assert told.value.evidence["reason"] == "a stamp without a zone is no instant; convert it to UTC"


def test_a_stamp_in_another_zone_stays_the_same_instant() -> None:
    local = pa.array([utc(2025, 1, 1)], pa.timestamp("us", tz="Asia/Shanghai"))

    rows = conform(table("customer"), _customers(available_at=local))

    assert rows.column("available_at").to_pylist() == [utc(2025, 1, 1)]


def test_a_refusal_does_not_quote_the_value() -> None:
    with pytest.raises(SchemaMismatch, match="since") as told:
        conform(table("customer"), _customers(since=pa.array(["王小明 O'Brien 13800001111"])))

    assert "小明" not in str(told.value)
    assert "1380" not in str(told.value)
    assert "Failed to parse string" in str(told.value)
