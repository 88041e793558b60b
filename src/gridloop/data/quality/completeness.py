"""How complete and how timely each meter was on each day (S84, S85)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gridloop.domain.interval import CivilDay
from gridloop.domain.reading import FIRST_ESTIMATE, ReadingQuality
from gridloop.kernels.detectors import MISSING_CODE

if TYPE_CHECKING:
    from gridloop.data.quality.history import History, MeterBlock

HOUR_US = 3_600_000_000
EPOCH = date(1970, 1, 1).toordinal()


def expected_days(
    block: MeterBlock, history: History, installed: dict[str, tuple[date | None, date | None]]
) -> npt.NDArray[np.bool_]:
    """Days on which a meter should have been read: bool[meters, days].

    From its first delivered day to its removal, or to the last
    day on which any meter was read: a meter that falls silent stays expected. One that changed its interval length or
    zone is expected here up to the last day it delivered this one.
    """
    first = np.where(history.delivered.any(axis=1), history.delivered.argmax(axis=1), block.days)
    last = np.full(len(block.meters), block.days)
    for position, meter in enumerate(block.meters):
        _, end = installed.get(meter, (None, None))
        if end is not None:
            last[position] = min(last[position], max(0, (end - block.first_day).days))
        if meter in block.changed:
            last[position] = min(last[position], block.days - int(history.delivered[position, ::-1].argmax()))
    days = np.arange(block.days)
    return (days >= first[:, None]) & (days < last[:, None])


def completeness_rows(
    block: MeterBlock,
    history: History,
    wh: npt.NDArray[np.float32],
    codes: npt.NDArray[np.uint8],
    expected: npt.NDArray[np.bool_],
) -> pa.Table:
    """Rows of table `completeness` for the expected days of a block.

    Args:
        block, history: the meters and what was delivered.
        wh, codes: float32 and uint8[meters, days, width], values and codes after estimation.
        expected: from `expected_days`.
    """
    inside = np.arange(wh.shape[2]) < history.slots[:, None]
    measured = np.isfinite(history.delivered_wh) & inside
    counts = {
        "present": measured.sum(axis=2),
        "estimated": ((codes >= FIRST_ESTIMATE) & (codes != MISSING_CODE) & inside).sum(axis=2),
        "suspect": ((codes >= ReadingQuality.SUSPECT_SPIKE) & (codes < FIRST_ESTIMATE) & inside).sum(axis=2),
        "zero": ((history.delivered_wh == 0) & inside).sum(axis=2),
    }
    meter, day = np.nonzero(expected)
    zone = block.units[0].zone
    ends = [CivilDay(block.first_day + timedelta(days=d), zone).end.timestamp() for d in range(block.days)]
    late = (history.available_at_us[meter, day] - np.array(ends)[day] * 1e6) / HOUR_US
    late[history.available_at_us[meter, day] < 0] = np.nan
    ids = pa.DictionaryArray.from_arrays(pa.array(meter.astype(np.int32)), pa.array(list(block.meters)))
    columns = {
        "meter_id": ids.cast(pa.string()),
        "channel": pa.repeat(pa.scalar(block.units[0].channel.value), len(meter)),
        "day": pa.array((day + block.first_day.toordinal() - EPOCH).astype(np.int32)).cast(pa.date32()),
        "expected": pa.array(history.slots[day].astype(np.int32)),
    }
    columns |= {name: pa.array(count[meter, day].astype(np.int32)) for name, count in counts.items()}
    return pa.table(columns | {"late_hours": pa.array(late, from_pandas=True)})
