"""Features at a point of knowledge: what was not known then is not described."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from gridloop.domain.table import Stage
from gridloop.engine.lake import Lake
from gridloop.engine.workspace import Workspace
from gridloop.insight.features.extract import extract_features
from gridloop.testing.readings import day_vector, reading_rows, utc


def test_before_the_first_reading_was_known_nobody_is_described(tmp_path: Path) -> None:
    lake = Lake(Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=1))
    row = day_vector("m-1", date(2025, 1, 31), [1] * 24)
    lake.writer(Stage.DATA).append_readings([reading_rows([row])])

    early = extract_features(lake.view().at(utc(2020, 1, 1)))

    assert (early.rows.num_rows, early.meters, early.findings) == (0, 0, ())
