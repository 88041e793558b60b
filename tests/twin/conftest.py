"""Two small counties, written once: one as utilities export it, and one whose dirt is thick enough to count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from gridloop.twin.county import County, DirtRates, TwinSettings


@dataclass(frozen=True)
class Written:
    """A county and where its files lie."""

    county: County
    sources: Path
    truth: Path


@pytest.fixture(scope="session")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    """150 premises over 92 days with ten times the usual rare dirt."""
    folder = tmp_path_factory.mktemp("dirty")
    dirt = DirtRates(
        unknown_meter=0.004, impossible_date=0.004, negative=0.004, unit_error=0.004, class_wrong=0.1,
        customer_duplicate=0.05, position_missing=0.1, transformer_missing=0.05,
    )  # fmt: skip
    county = County(TwinSettings(customers=150, days=92, seed=11, end=date(2025, 3, 31), dirt=dirt))
    county.write_sources(folder / "sources", truth=folder / "truth")
    yield Written(county, folder / "sources", folder / "truth")


@pytest.fixture(scope="session")
def year() -> County:
    """600 premises over a year, without files."""
    return County(TwinSettings(customers=600, days=365, seed=5))
