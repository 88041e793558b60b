"""The engine passes its examination, and engines that are wrong in one way each fail it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gridloop.domain.finding import Severity
from gridloop.domain.table import Stage, TableSpec
from gridloop.engine.lake import Lake
from gridloop.engine.view import LakeView
from gridloop.engine.workspace import Workspace
from gridloop.engine.writer import LakeWriter
from gridloop.testing.engine_kit import CHECKS, examine_engine


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_the_engine_meets_every_demand(check: Any, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=4)
    check.run(workspace, Lake)


class _ClippingWriter(LakeWriter):
    """Clips negative readings at zero."""

    def append_readings(self, batches: Any) -> int:
        def clipped(rows: pa.Table) -> pa.Table:
            lists = [
                [None if v is None else max(v, 0) for v in line] for line in rows.column("wh").to_pylist()
            ]
            column = rows.column_names.index("wh")
            return rows.set_column(column, "wh", pa.array(lists, rows.schema.field("wh").type))

        return super().append_readings(clipped(batch) for batch in batches)


class _Clips(Lake):
    def writer(self, stage: Stage) -> LakeWriter:
        return _ClippingWriter(self, stage)


class _HasNoOwner(Lake):
    def check_owner(self, name: str, stage: Stage) -> TableSpec:
        return self.spec(name)


class _NeverUndoes(Lake):
    def restore(self, manifest: Mapping[str, int]) -> list[str]:
        return []


class _SeesHeads(Lake):
    def view(self, manifest: Mapping[str, int] | None = None) -> LakeView:
        return super().view(None)


class _ForgetfulView(LakeView):
    def checked(self, as_of: datetime | None) -> datetime | None:
        return as_of


class _LooksAhead(Lake):
    def view(self, manifest: Mapping[str, int] | None = None) -> LakeView:
        return _ForgetfulView(self, dict(self.heads() if manifest is None else manifest))


class _CoarseView(LakeView):
    def digest(self, name: str) -> str:
        return str(len(pc.unique(self.arrow(name, history=True).column(0))))


class _DigestsKeysOnly(Lake):
    def view(self, manifest: Mapping[str, int] | None = None) -> LakeView:
        return _CoarseView(self, dict(self.heads() if manifest is None else manifest))


class _LosesWriter(LakeWriter):
    """Keeps only the last batch that was appended."""

    def append(self, name: str, rows: pa.Table) -> int | None:
        return self.replace(name, rows)


class _Loses(Lake):
    def writer(self, stage: Stage) -> LakeWriter:
        return _LosesWriter(self, stage)


@pytest.mark.parametrize(
    ("broken", "caught_by"),
    [
        (_Clips, "engine.keeps_readings"),
        (_HasNoOwner, "engine.owner"),
        (_NeverUndoes, "engine.restore"),
        (_SeesHeads, "engine.restore"),
        (_LooksAhead, "engine.knowledge_time"),
        (_DigestsKeysOnly, "engine.digest"),
        (_Loses, "engine.keeps_rows"),
    ],
)
def test_an_engine_that_is_wrong_in_one_way_fails_the_check_for_it(
    broken: type[Lake], caught_by: str, tmp_path: Path
) -> None:
    (finding,) = examine_engine(broken, tmp_path, only=[caught_by])

    assert finding.code == caught_by
    assert finding.severity is Severity.CRITICAL


def test_the_examination_of_a_broken_engine_names_what_fails_and_nothing_else(tmp_path: Path) -> None:
    failed = [finding.code for finding in examine_engine(_Clips, tmp_path)]

    assert failed == ["engine.keeps_readings"]


def test_an_engine_that_fails_with_any_error_gets_a_finding_and_not_a_crash(tmp_path: Path) -> None:
    def broken(workspace: Workspace) -> Lake:
        raise OSError("no such disk")

    findings = examine_engine(broken, tmp_path, only=["engine.keeps_rows", "engine.moved"])

    assert [f.code for f in findings] == ["engine.keeps_rows", "engine.moved"]
    assert findings[0].evidence == {"error": "OSError: no such disk"}
