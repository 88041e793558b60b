"""Small builders of day-vectors for tests and conformance kits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from gridloop.domain.interval import CivilDay


def day_vector(meter_id: str, day: date, wh: Sequence[int | None], **changes: Any) -> dict[str, Any]:
    """One row of `reading` without its bucket: hourly import in Asia/Shanghai, known a day after the day's end.

    Args:
        meter_id, day, wh: the meter, its civil day and its values in Wh, None for missing.
        **changes: other values for `zone`, `interval_minutes`, `channel`, `available_at`, `revision`, `quality`.
    """
    row = {
        "zone": "Asia/Shanghai",
        "interval_minutes": 60,
        "channel": "import_wh",
        "revision": 0,
        "quality": None,
    }
    row |= {"meter_id": meter_id, "day": day, "wh": list(wh)} | changes
    return {"available_at": CivilDay(day, str(row["zone"])).end + timedelta(days=1)} | row


def reading_rows(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Day-vectors as the Arrow table that `LakeWriter.append_readings` takes."""
    schema = pa.schema(
        [
            ("meter_id", pa.string()),
            ("channel", pa.string()),
            ("day", pa.date32()),
            ("zone", pa.string()),
            ("interval_minutes", pa.int32()),
            ("available_at", pa.timestamp("us", tz="UTC")),
            ("revision", pa.int32()),
            ("wh", pa.list_(pa.field("element", pa.int32()))),
            ("quality", pa.list_(pa.field("element", pa.int32()))),
        ]
    )
    return pa.Table.from_pylist(list(rows), schema=schema)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An aware UTC datetime."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
