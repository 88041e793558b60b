"""The examination of an engine: what any place for tables must do before a utility's data may live in it.

`examine_engine` runs every check on fresh workspaces and answers with findings; an engine passes when there are none.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from gridloop.domain.errors import LookAhead, WriterNotOwner
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.interval import CivilDay
from gridloop.domain.reading import Channel
from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.readings import reading_units, scan_units
from gridloop.engine.workspace import Workspace
from gridloop.testing.readings import day_vector, reading_rows, utc

MakeLake = Callable[[Workspace], Lake]
JANUARY = date(2025, 1, 31)
FEBRUARY = date(2025, 2, 1)


@dataclass(frozen=True, slots=True)
class EngineCheck:
    """One demand on an engine.

    Attributes:
        code: stable identifier.
        demand: what must hold, one sentence.
        run: raises AssertionError, or any error, when it does not.
    """

    code: str
    demand: str
    run: Callable[[Workspace, MakeLake], None]


def examine_engine(make_lake: MakeLake, folder: Path, only: Collection[str] = ()) -> list[Finding]:
    """Run all checks.

    Args:
        make_lake: opens the engine under examination on a workspace.
        folder: empty scratch folder.
        only: codes of the checks to run; all when empty.

    Returns:
        One finding per failed check; empty when the engine passes.
    """
    findings = []
    for check in (c for c in CHECKS if not only or c.code in only):
        workspace = Workspace.create(
            folder / check.code.replace(".", "_"), zone="Asia/Shanghai", currency="CNY", buckets=4
        )
        try:
            check.run(workspace, make_lake)
        except Exception as error:  # whatever an engine fails with, it is a finding
            evidence = {"error": f"{type(error).__name__}: {error}"}
            findings.append(Finding(check.code, check.demand, evidence, Severity.CRITICAL))
    return findings


def _customers(*rows: tuple[str, str, int]) -> pa.Table:
    """Rows of `customer`: (id, class, day of January 2025 on which it became known)."""
    return pa.table(
        {
            "customer_id": [r[0] for r in rows],
            "customer_class": [r[1] for r in rows],
            "available_at": pa.array([utc(2025, 1, r[2]) for r in rows], pa.timestamp("us", tz="UTC")),
        }
    )


def _keeps_rows(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    lake.writer(Stage.DATA).append("customer", _customers(("c-1", "shop", 1), ("c-2", "farm", 2)))
    lake.writer(Stage.DATA).append("customer", _customers(("c-3", "office", 3)))
    lake.close()
    rows = make_lake(workspace).view().arrow("customer").sort_by("customer_id").to_pylist()
    assert [(r["customer_id"], r["customer_class"]) for r in rows] == [
        ("c-1", "shop"),
        ("c-2", "farm"),
        ("c-3", "office"),
    ], rows


def _keeps_readings(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    values = [None, -5, 0, 2_000_000_000, *range(20)]
    rows = [day_vector(f"m-{i}", day, values) for i in range(9) for day in (JANUARY, FEBRUARY)]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    stored = (
        lake.view().arrow("reading").sort_by([("meter_id", "ascending"), ("day", "ascending")]).to_pylist()
    )
    assert len(stored) == 18, len(stored)
    assert all(row["wh"] == values for row in stored), stored[0]["wh"]
    cubes = list(scan_units(reading_units(lake.view(), Channel.IMPORT_WH), lambda unit: unit.cube()))
    assert sum(len(c.meters) for c in cubes) == 18
    for cube in cubes:
        index = (JANUARY if cube.first_day.month == 1 else FEBRUARY) - cube.first_day
        line = cube.wh[0, index.days]
        assert np.isnan(line[0]), line
        assert line[1:4].tolist() == [-5.0, 0.0, 2e9], line
        assert np.isnan(line[24]), "a 24-hour day has no 25th hour"


def _clock_changes(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    zone = "Europe/London"
    days = {date(2013, 3, 31): 46, date(2013, 10, 27): 50, date(2013, 6, 1): 48}
    rows = [
        day_vector("m-1", day, list(range(count)), zone=zone, interval_minutes=30)
        for day, count in days.items()
    ]
    lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    for unit in reading_units(lake.view(), Channel.IMPORT_WH):
        cube = unit.cube()
        for day, count in days.items():
            if (day.year, day.month) == (cube.first_day.year, cube.first_day.month):
                index = (day - cube.first_day).days
                assert cube.slots[index] == count == CivilDay(day, zone).interval_count(30)
                assert int(np.isfinite(cube.wh[0, index]).sum()) == count


def _owner(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    try:
        lake.writer(Stage.INSIGHT).append("customer", _customers(("c-1", "shop", 1)))
    except WriterNotOwner:
        assert not lake.view().exists("customer"), "rows of a refused writer were kept"
        return
    raise AssertionError("a stage wrote a table that it does not own")


def _knowledge_time(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    writer = lake.writer(Stage.DATA)
    writer.append("customer", _customers(("c-1", "unknown", 1), ("c-1", "shop", 20), ("c-2", "farm", 25)))
    view = lake.view()
    early = {
        r["customer_id"]: r["customer_class"]
        for r in view.arrow("customer", as_of=utc(2025, 1, 10)).to_pylist()
    }
    assert early == {"c-1": "unknown"}, early
    late = {r["customer_id"]: r["customer_class"] for r in view.arrow("customer").to_pylist()}
    assert late == {"c-1": "shop", "c-2": "farm"}, late
    try:
        view.at(utc(2025, 1, 10)).arrow("customer", as_of=utc(2025, 1, 11))
    except LookAhead:
        return
    raise AssertionError("a look past as_of was allowed")


def _revised_readings(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    first, revised, edited = [1] * 24, [2] * 24, [3] * 24
    writer = lake.writer(Stage.DATA)
    writer.append_readings([reading_rows([day_vector("m-1", JANUARY, first, available_at=utc(2025, 2, 2))])])
    later = [
        day_vector("m-1", JANUARY, revised, available_at=utc(2025, 2, 9)),
        day_vector("m-1", JANUARY, edited, available_at=utc(2025, 2, 9), revision=1, quality=[20] * 24),
    ]
    writer.append_readings([reading_rows(later)])
    expected = {utc(2025, 2, 5): 1.0, utc(2025, 2, 9): 3.0}
    for as_of, value in expected.items():
        (unit,) = reading_units(lake.view(), Channel.IMPORT_WH, as_of=as_of)
        cube = unit.cube()
        assert cube.wh[0, 30, 0] == value, (as_of, cube.wh[0, 30, 0])
    assert lake.view().count("reading") == 3, "a revision replaced what it revises"
    (unit,) = reading_units(lake.view(), Channel.IMPORT_WH, as_of=utc(2025, 2, 1))
    assert not unit.cube().meters, "a reading was seen before it was available"


def _restore(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    writer = lake.writer(Stage.DATA)
    writer.append("customer", _customers(("c-1", "shop", 1)))
    published = lake.heads()
    before = lake.view(published).digests()
    writer.append("customer", _customers(("c-2", "farm", 2)))
    writer.append("account", _accounts())
    assert lake.view(published).digests() == before, "a reader saw what was not published"
    lake.restore(published)
    assert lake.heads() == published, lake.heads()
    assert lake.view().digests() == before
    writer.append("customer", _customers(("c-3", "farm", 2)))
    assert lake.view().count("customer") == 2, "what was undone came back"


def _accounts() -> pa.Table:
    known = pa.array([utc(2025, 1, 1)], pa.timestamp("us", tz="UTC"))
    return pa.table(
        {"account_id": ["a-1"], "customer_id": ["c-1"], "status": ["open"], "available_at": known}
    )


def _digest(workspace: Workspace, make_lake: MakeLake) -> None:
    other = Workspace.create(
        workspace.root.with_name(f"{workspace.root.name}_b"), zone="UTC", currency="GBP", buckets=4
    )
    one, two = make_lake(workspace), make_lake(other)
    rows = _customers(*[(f"c-{i}", "shop", 1 + i % 9) for i in range(50)])
    one.writer(Stage.DATA).append("customer", rows)
    for part in (rows.slice(25), rows.slice(0, 25)):
        two.writer(Stage.DATA).append("customer", part)
    assert one.view().digest("customer") == two.view().digest("customer"), "the digest depends on the files"
    two.writer(Stage.DATA).append("customer", rows.slice(0, 1))
    assert one.view().digest("customer") != two.view().digest("customer"), "a doubled row is not seen"


def _upsert_replace_delete(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    writer = lake.writer(Stage.DATA)
    writer.append("customer", _customers(("c-1", "shop", 1), ("c-2", "farm", 2)))
    writer.upsert("customer", _customers(("c-2", "office", 2), ("c-3", "public", 3)))
    held = {r["customer_id"]: r["customer_class"] for r in lake.view().arrow("customer").to_pylist()}
    assert held == {"c-1": "shop", "c-2": "office", "c-3": "public"}, held
    assert writer.delete("customer", {"customer_id": ["c-1"]}) == 1
    assert lake.view().count("customer") == 2
    writer.replace("customer", _customers(("c-9", "shop", 1)))
    assert [r["customer_id"] for r in lake.view().arrow("customer").to_pylist()] == ["c-9"]


def _compaction(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    writer = lake.writer(Stage.DATA)
    for week in range(4):
        days = [FEBRUARY + timedelta(days=7 * week + d) for d in range(7)]
        rows = [day_vector(f"m-{i}", day, [i] * 24) for i in range(5) for day in days]
        writer.append_readings([reading_rows(rows)])
    before, published = lake.view().digest("reading"), lake.heads()
    content = lake.contents(published)
    done = lake.maintenance("compaction").compact("reading")
    assert done.files_after < done.files_before, done
    assert lake.view().digest("reading") == before
    assert lake.contents(lake.heads()) == content, "readers would take compacted rows for new ones"
    assert lake.view(published).digest("reading") == before, "an earlier snapshot can no longer be read"
    assert lake.maintenance("retention").purge_history() > 0
    assert lake.view().digest("reading") == before


def _moved(workspace: Workspace, make_lake: MakeLake) -> None:
    lake = make_lake(workspace)
    lake.writer(Stage.DATA).append("customer", _customers(("c-1", "shop", 1)))
    lake.writer(Stage.DATA).append_readings([reading_rows([day_vector("m-1", JANUARY, [1] * 24)])])
    before = lake.view().digests()
    lake.close()
    moved = workspace.root.with_name(f"{workspace.root.name}_moved")
    shutil.move(workspace.root, moved)
    there = make_lake(Workspace.open(moved))
    assert there.view().digests() == before
    there.writer(Stage.DATA).append("customer", _customers(("c-2", "farm", 1)))
    assert there.view().count("customer") == 2


CHECKS: tuple[EngineCheck, ...] = (
    EngineCheck(
        "engine.keeps_rows", "Rows that were written are read again, after closing too.", _keeps_rows
    ),
    EngineCheck(
        "engine.keeps_readings",
        "Missing, negative, zero and large readings come back unchanged.",
        _keeps_readings,
    ),
    EngineCheck("engine.clock_changes", "Days of 23 and 25 hours keep all their intervals.", _clock_changes),
    EngineCheck("engine.owner", "Only the owner stage writes a table.", _owner),
    EngineCheck(
        "engine.knowledge_time",
        "as_of shows what was known then, and no look past it is allowed.",
        _knowledge_time,
    ),
    EngineCheck(
        "engine.revised_readings",
        "A revised reading is appended; as_of shows the one known then.",
        _revised_readings,
    ),
    EngineCheck("engine.restore", "What was not published is undone, and readers never see it.", _restore),
    EngineCheck("engine.digest", "The content digest sees every row once and nothing else.", _digest),
    EngineCheck(
        "engine.upsert_replace_delete", "Rows are replaced and removed by key.", _upsert_replace_delete
    ),
    EngineCheck(
        "engine.compaction",
        "Compaction changes files, never rows, and keeps history until it is purged.",
        _compaction,
    ),
    EngineCheck("engine.moved", "A workspace folder may be moved.", _moved),
)
"""Every demand on an engine, in the order in which they are examined."""
