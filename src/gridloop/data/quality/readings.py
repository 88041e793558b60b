"""Validation of readings: doubt every value by its meter's habit, estimate short gaps, say all of it.

What was delivered is never changed. An edited day is appended as a revision whose quality codes name every suspect
and every estimate; it is known from the moment on at which the newest reading that it was judged by was known, so a
look at an earlier point of knowledge sees what was delivered (docs/conventions.md §11).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gridloop.data.quality.completeness import completeness_rows, expected_days
from gridloop.data.quality.events import MeterFinding, meter_findings
from gridloop.data.quality.history import History, MeterBlock, load_history, meter_blocks
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.reading import Channel
from gridloop.domain.tables import table
from gridloop.engine.readings import scan_units
from gridloop.engine.schema import arrow_schema
from gridloop.engine.spool import Spool, gathered
from gridloop.kernels.detectors import MISSING_CODE
from gridloop.kernels.validation import EventKind

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView
    from gridloop.engine.writer import LakeWriter

EPOCH = date(1970, 1, 1).toordinal()
EXACT_WH = 2**24
"""Wh an interval that a cube holds exactly (16.8 MWh); a day with a larger value stays as it was delivered."""


@dataclass(frozen=True)
class ValidationReport:
    """What validation did: counts by name, and findings of warning or worse, gravest first."""

    counts: Mapping[str, int]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Judged:
    completeness: pa.Table
    edited: pa.Table
    findings: list[MeterFinding]
    counts: Mapping[str, int]


def validate_readings(
    view: LakeView,
    writer: LakeWriter,
    *,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> ValidationReport:
    """Judge every channel's readings and write `completeness`, `quality_finding` and revisions of `reading`.

    Running it again on the same readings changes nothing: edited days that are already so are not appended anew.

    Args:
        view: the published tables.
        writer: of the data stage.
        threads: blocks of meters worked on at once.
        progress: told (blocks done, blocks in all).
    """
    limits, installed = _capacities(view), _installed(view)
    found: list[MeterFinding] = []
    counts: dict[str, int] = {"readings": 0, "estimated": 0, "suspect": 0, "missing": 0, "edited_days": 0}
    blocks = [
        block
        for channel in (Channel.IMPORT_WH, Channel.NET_WH, Channel.EXPORT_WH)
        for block in meter_blocks(view, channel)
    ]

    def completeness(edited: Spool) -> Iterator[pa.Table]:
        """Rows of `completeness`, block by block; edited days, by bucket, and findings are kept for later."""
        scanned = scan_units(
            blocks, lambda block: _judge(block, limits, installed), threads=threads, progress=progress
        )
        for block, judged in zip(blocks, scanned, strict=True):
            edited.add(judged.edited, block.units[0].bucket)
            found.extend(judged.findings)
            for name, number in judged.counts.items():
                counts[name] += number
            yield judged.completeness

    with view.spool() as edited:
        if blocks or view.exists("completeness"):
            writer.replace("completeness", gathered(completeness(edited)))
        if edited.groups():  # a batch becomes one file per month: a whole bucket at a time, or files multiply
            writer.append_readings(pa.concat_tables(edited.tables(bucket)) for bucket in edited.groups())
    _write_findings(view, writer, found)
    counts["findings"] = len(found)
    ordered = sorted((m.finding for m in found), key=lambda f: (-f.severity.rank, f.code, f.subject or ""))
    return ValidationReport(counts, tuple(f for f in ordered if f.severity.rank >= Severity.WARNING.rank))


def _judge(
    block: MeterBlock, limits: Mapping[str, float], installed: dict[str, tuple[date | None, date | None]]
) -> _Judged:
    from gridloop.kernels.estimation import estimate_missing
    from gridloop.kernels.validation import validate_readings as judge

    unit = block.units[0]
    history = load_history(block)
    expected = expected_days(block, history, installed)
    per_interval = 1000 * unit.interval_minutes / 60
    validation = judge(
        history.delivered_wh,
        history.slots,
        unit.interval_minutes,
        capacity_wh=np.array([limits.get(meter, np.nan) * per_interval for meter in block.meters]),
        quality=history.delivered_quality,
        negative_allowed=unit.channel is Channel.NET_WH,
    )
    estimate = estimate_missing(
        history.delivered_wh,
        validation.codes,
        history.slots,
        unit.interval_minutes,
        day_kind=_weekdays(block),
    )
    rows = completeness_rows(block, history, estimate.wh, estimate.codes, expected)
    inside = np.arange(estimate.wh.shape[2]) < history.slots[:, None]
    codes = np.where(inside, estimate.codes, np.uint8(MISSING_CODE))
    edited = _edited_rows(block, history, estimate.wh, codes)
    counts = {
        "readings": int(np.isfinite(history.delivered_wh).sum()),
        "estimated": int(estimate.estimated_linear.sum() + estimate.estimated_similar_day.sum()),
        "suspect": int(((codes >= 10) & (codes < 20)).sum()),
        "missing": int((expected[:, :, None] & inside & ~np.isfinite(history.delivered_wh)).sum()),
        "edited_days": edited.num_rows,
    }
    return _Judged(rows, edited, list(_of_expected_days(block, history, expected, validation.events)), counts)


def _of_expected_days(
    block: MeterBlock, history: History, expected: npt.NDArray[np.bool_], events: npt.NDArray[np.void]
) -> Iterator[MeterFinding]:
    """Findings about days on which the meter should have been read: a removed meter's silence is no finding.

    Nor is a gap from the start of the data set's first day or to the end of its last: there its files were cut.
    """
    if len(events):
        gap = (events["kind"] >= EventKind.GAP_SHORT) & (events["kind"] <= EventKind.EARLY_END)
        one_day = events["first_day"] == events["last_day"]
        at_start = (events["first_day"] == 0) & (events["first_position"] == 0)
        at_end = (events["last_day"] == block.days - 1) & (events["last_position"] == history.slots[-1] - 1)
        whole = events["intervals"] >= history.slots[events["first_day"]]
        cut = gap & one_day & (at_start | at_end) & ~whole
        events = events[expected[events["meter"], events["first_day"]] & ~cut]
    return meter_findings(block, events)


def _weekdays(block: MeterBlock) -> npt.NDArray[np.int8]:
    return ((block.first_day.weekday() + np.arange(block.days)) % 7).astype(np.int8)


def _edited_rows(
    block: MeterBlock, history: History, wh: npt.NDArray[np.float32], codes: npt.NDArray[np.uint8]
) -> pa.Table:
    """Day-vectors whose values or codes differ from what readers see today, as rows of `reading`."""
    marked = codes.copy()
    marked[codes == MISSING_CODE] = 0
    held = history.latest_quality if history.latest_quality is not None else np.zeros(1, dtype=np.uint8)
    same = (wh == history.latest_wh) | (np.isnan(wh) & np.isnan(history.latest_wh))
    changed = history.delivered & ~(same & (marked == held)).all(axis=2)
    changed &= ~(np.abs(history.delivered_wh) > EXACT_WH).any(axis=2)
    meter, day = np.nonzero(changed)
    known = np.maximum(history.available_at_us, history.latest_available_at_us).max(axis=1, initial=-1)[meter]
    again = history.latest_available_at_us[meter, day] == known
    revision = np.where(again, history.latest_revision[meter, day] + 1, 1)
    unit = block.units[0]
    lines, offsets = _flat(wh[meter, day], history.slots[day])
    flags, _ = _flat(marked[meter, day].astype(np.float32), history.slots[day])
    ids = pa.DictionaryArray.from_arrays(pa.array(meter.astype(np.int32)), pa.array(list(block.meters)))
    absent = ~np.isfinite(lines)
    values = pa.array(np.where(absent, 0, lines).astype(np.int32), mask=absent)
    quality = pa.array(flags.astype(np.int32), mask=absent)
    return pa.table(
        {
            "meter_id": ids.cast(pa.string()),
            "channel": pa.repeat(pa.scalar(unit.channel.value), len(meter)),
            "day": pa.array((day + block.first_day.toordinal() - EPOCH).astype(np.int32)).cast(pa.date32()),
            "zone": pa.repeat(pa.scalar(unit.zone), len(meter)),
            "interval_minutes": pa.repeat(pa.scalar(unit.interval_minutes, pa.int32()), len(meter)),
            "available_at": pa.array(known, pa.timestamp("us", tz="UTC")),
            "revision": pa.array(revision.astype(np.int32)),
            "wh": pa.ListArray.from_arrays(pa.array(offsets), values),
            "quality": pa.ListArray.from_arrays(pa.array(offsets), quality),
        }
    )


def _flat(
    rows: npt.NDArray[np.float32], slots: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Rows cut to their day's slots, one after the other, with the offset of each."""
    inside = np.arange(rows.shape[1]) < slots[:, None]
    return rows[inside], np.r_[0, np.cumsum(slots)].astype(np.int32)


def _write_findings(view: LakeView, writer: LakeWriter, found: Iterable[MeterFinding]) -> None:
    """Put the readings' findings in the place of the earlier ones; those of other rules stay."""
    run_at = datetime.now(UTC)
    rows = [
        {
            "finding_id": _identity(m),
            "rule": m.finding.code,
            "dimension": m.dimension,
            "table_name": "reading",
            "subject": m.finding.subject,
            "day_from": m.day_from,
            "day_to": m.day_to,
            "severity": m.finding.severity.value,
            "count": m.count,
            "text": m.finding.text,
            "evidence": json.dumps(dict(m.finding.evidence), sort_keys=True),
            "run_at": run_at,
        }
        for m in found
    ]
    kept, held = [], view.exists("quality_finding")
    if held:
        kept = [r for r in view.arrow("quality_finding").to_pylist() if not r["rule"].startswith("reading.")]
    if rows or held:
        schema = arrow_schema(table("quality_finding"))
        writer.replace("quality_finding", pa.Table.from_pylist([*kept, *rows], schema=schema))


def _identity(found: MeterFinding) -> str:
    channel = found.finding.evidence.get("channel")
    words = f"{found.finding.code}|reading|{found.finding.subject}|{channel}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _capacities(view: LakeView) -> dict[str, float]:
    """kVA of each meter's connection, where known; taken as kW, for no power factor exceeds one."""
    if not (view.exists("meter") and view.exists("service_point")):
        return {}
    points = {
        r["service_point_id"]: r["capacity_kva"]
        for r in view.arrow("service_point", columns=["service_point_id", "capacity_kva"]).to_pylist()
    }
    meters = view.arrow("meter", columns=["meter_id", "service_point_id"]).to_pylist()
    found = {m["meter_id"]: points.get(m["service_point_id"]) for m in meters}
    return {meter: kva for meter, kva in found.items() if kva is not None}


def _installed(view: LakeView) -> dict[str, tuple[date | None, date | None]]:
    """First day and the day after the last on which each meter stood anywhere; open ends are None."""
    if not view.exists("meter_history"):
        return {}
    spans: dict[str, tuple[date | None, date | None]] = {}
    rows = view.arrow("meter_history", columns=["meter_id", "valid_from", "valid_to"]).to_pylist()
    for row in sorted(rows, key=lambda r: (r["meter_id"], r["valid_from"] or date.min)):
        earlier = spans.get(row["meter_id"])
        start = earlier[0] if earlier else row["valid_from"]
        spans[row["meter_id"]] = (start, row["valid_to"])
    return spans
