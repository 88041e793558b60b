"""A county of a year with everything that it tells, written once."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gridloop.twin.county import County, TwinSettings
from gridloop.twin.settings import SUBJECTS


@dataclass(frozen=True)
class Told:
    """A county and its files."""

    county: County
    sources: Path
    truth: Path

    def rows(self, pattern: str) -> list[dict[str, str]]:
        """All rows of the CSV files of that pattern."""
        found = []
        for path in sorted(self.sources.glob(pattern)):
            with path.open(encoding="utf-8", newline="") as stream:
                found += list(csv.DictReader(stream))
        return found

    def known(self, name: str) -> list[dict[str, Any]]:
        """The rows of a truth file."""
        rows: list[dict[str, Any]] = pq.read_table(self.truth / f"{name}.parquet").to_pylist()
        return rows


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """500 premises over 365 days, thefts among them."""
    folder = tmp_path_factory.mktemp("told")
    settings = TwinSettings(customers=500, days=365, seed=2, end=date(2025, 12, 31), subjects=SUBJECTS)
    County(settings).write_sources(folder / "sources", truth=folder / "truth")
    yield Told(County(settings), folder / "sources", folder / "truth")
