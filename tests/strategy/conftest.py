"""Streets to be measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridloop.engine.lake import Lake
from gridloop.engine.workspace import Workspace
from gridloop.testing.homes import Street


@pytest.fixture
def street(tmp_path: Path) -> Street:
    """An empty street in Shanghai."""
    workspace = Workspace.create(tmp_path / "w", zone="Asia/Shanghai", currency="CNY", buckets=3)
    return Street(Lake(workspace), "Asia/Shanghai")


@pytest.fixture
def london_street(tmp_path: Path) -> Street:
    """An empty street in London."""
    workspace = Workspace.create(tmp_path / "l", zone="Europe/London", currency="GBP", buckets=3)
    return Street(Lake(workspace), "Europe/London")
