"""What a day-vector of readings holds besides its values: channels, interval lengths and per-value quality codes."""

from __future__ import annotations

from enum import IntEnum, StrEnum

INTERVAL_MINUTES = (5, 10, 15, 30, 60)
"""Interval lengths a reading may have, in minutes."""

MISSING_WH = -(2**31)
"""Sentinel for a missing value where a layout has no null; translated inside the engine, never seen outside it."""


class Channel(StrEnum):
    """What a value measures; the unit is in the name (Wh or varh per interval). Net is signed, nothing is clipped."""

    IMPORT_WH = "import_wh"
    EXPORT_WH = "export_wh"
    NET_WH = "net_wh"
    IMPORT_VARH = "import_varh"
    EXPORT_VARH = "export_varh"


class ReadingQuality(IntEnum):
    """Where a value comes from. From 20 on the value is an estimate that replaced a missing or rejected one."""

    MEASURED = 0
    ESTIMATED_BY_SOURCE = 1
    SUSPECT_SPIKE = 10
    SUSPECT_ZERO_RUN = 11
    SUSPECT_STUCK = 12
    ESTIMATED_LINEAR = 20
    ESTIMATED_SIMILAR_DAY = 21
    ESTIMATED_PROFILE = 22


FIRST_ESTIMATE = ReadingQuality.ESTIMATED_LINEAR
"""Codes from this one on mark values that no meter measured."""
