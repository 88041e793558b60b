"""The door to the synthetic county.

    county = County(TwinSettings(customers=2000, days=400, seed=1))
    county.write_sources(folder, truth=elsewhere)

Sources are what a utility's systems would export, with their dirt. Truth goes to another folder, and
nothing reads it but a comparison.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gridloop.domain.errors import StorageFull, UsageError
from gridloop.twin.archive import Archive, ArchiveFault
from gridloop.twin.contracts import Contracts, draw_contracts
from gridloop.twin.export import Export
from gridloop.twin.responses import Enrolment
from gridloop.twin.settings import DirtRates, TwinSettings
from gridloop.twin.simulation import Delivery, Simulation
from gridloop.twin.surroundings import (
    write_calendar,
    write_consents,
    write_network,
    write_price_sheet,
    write_weather,
)
from gridloop.twin.truth import write_archive_faults, write_hidden_attributes, write_responses

if TYPE_CHECKING:
    from gridloop.twin.answers import Answers

__all__ = ["County", "DirtRates", "TwinSettings"]

FOLDERS = ("archive", "personal", "weather", "billing", "readings")
"""Folders of the sources."""

_NOT_OF_EVERY_COUNTY = (
    "weather/weather_*.csv",
    "billing/*_20*.csv",
    "readings/readings_*.parquet",
    *(f"{folder}/*_20*.csv" for folder in ("service", "network", "channel")),
    *(f"archive/{name}.csv" for name in ("supplier", "asset", "ev_charger", "der_unit")),
    *(f"archive/{name}.csv" for name in ("population", "economy", "map_feature")),
    "archive/geography.geojson",
)
"""Files that another window or other subjects would leave behind."""

Progress = Callable[[float, str], None]
"""Called with the share done (0–1) and what was just finished."""


@dataclass(frozen=True)
class County:
    """One synthetic county.

    Args:
        settings: equal settings give equal files.
    """

    settings: TwinSettings

    @cached_property
    def simulation(self) -> Simulation:
        """The clean county behind the files; tests and comparisons may look, no stage may."""
        return Simulation(self.settings)

    @cached_property
    def contracts(self) -> Contracts:
        """Who holds which premises when."""
        return draw_contracts(self.settings, self.simulation.premises)

    def write_sources(
        self, folder: str | Path, progress: Progress | None = None, *, truth: str | Path | None = None
    ) -> None:
        """Write the source files, month by month with flat memory.

        Args:
            folder: created if absent; what an earlier county left in its folders is replaced. The formats are
                in docs/methods/twin.md.
            progress: told after every month.
            truth: also write the truth there, in the same pass.

        Raises:
            UsageError: truth would lie inside the sources, or the other way round.
            StorageFull: the disk has no room.
        """
        sources = Path(folder)
        if truth is not None:
            _require_apart(sources, Path(truth))
        with _room_on_disk(sources):
            self._clear(sources)
            faults = self._write_archives(sources, self.simulation.first_export, {})
            if truth is not None:
                self._write_fixed_truth(Path(truth), faults)
            self._first_export.write(sources, None if truth is None else Path(truth), progress)

    def write_continuation(
        self,
        folder: str | Path,
        answers: Answers | None = None,
        progress: Progress | None = None,
        *,
        truth: str | Path | None = None,
    ) -> None:
        """Write source files for the days after the window, to be imported after the first ones.

        Readings, bills, weather and calendar are those of the new days; archives say again what they said, and what
        enrolments changed. A month that the window cut is billed as a whole.

        Args:
            folder: another folder than that of the first files; created if absent, an earlier continuation is replaced.
            answers: what people do about messages; None for nothing.
            progress: told after every month.
            truth: also write the truth of these days there, in files of their own, and who changed what.

        Raises:
            UsageError: there are no such days, the folder holds the first files, or truth would lie inside it.
            StorageFull: the disk has no room.
        """
        sources, delivery = Path(folder), self.simulation.continuation
        self._require_new_days(sources, delivery)
        if truth is not None:
            _require_apart(sources, Path(truth))
        responses = None if answers is None else answers.responses()
        with _room_on_disk(sources):
            self._clear(sources)
            self._write_archives(sources, delivery, {} if responses is None else responses.enrolments)
            if truth is not None and responses is not None:
                Path(truth).mkdir(parents=True, exist_ok=True)
                write_responses(Path(truth), self.simulation, self.contracts, responses)
            Export(self.simulation, self.contracts, delivery, responses).write(
                sources, None if truth is None else Path(truth), progress
            )

    def write_truth(self, folder: str | Path, progress: Progress | None = None) -> None:
        """Write the truth alone; it is computed anew, so it does not matter whether sources were written before."""
        truth = Path(folder)
        with tempfile.TemporaryDirectory() as scratch:
            self._write_fixed_truth(truth, self._archive({}).write(Path(scratch), Path(scratch)))
        self._first_export.write(None, truth, progress)

    @property
    def _first_export(self) -> Export:
        return Export(self.simulation, self.contracts, self.simulation.first_export)

    def _clear(self, sources: Path) -> None:
        """What another county left that this one does not have would be taken for its own."""
        for name in FOLDERS:
            (sources / name).mkdir(parents=True, exist_ok=True)
        for pattern in _NOT_OF_EVERY_COUNTY:
            for old in sources.glob(pattern):
                old.unlink()

    def _require_new_days(self, sources: Path, delivery: Delivery) -> None:
        if not delivery.months:
            raise UsageError(
                "The county does not go on after its last day.",
                evidence={"last day": self.settings.end, "continued_days": self.settings.continued_days},
                ways_out=("Ask for a county with continued_days above 0.",),
            )
        first = sources / "readings" / f"readings_{self.simulation.months[0].name}.parquet"
        if first.exists():
            raise UsageError(
                "The folder holds the county's first files, which the days after them must not replace.",
                evidence={"folder": str(sources)},
                ways_out=("Give another folder.",),
            )

    def _write_archives(
        self, sources: Path, delivery: Delivery, enrolments: Mapping[int, Enrolment]
    ) -> list[ArchiveFault]:
        archive, simulation = sources / "archive", self.simulation
        days = range(delivery.first - self.settings.start.toordinal(), delivery.months[-1].end)
        write_network(archive, self.settings, simulation.network)
        write_calendar(archive, simulation, days)
        write_price_sheet(archive)
        write_consents(archive, self.settings, self.contracts)
        write_weather(sources / "weather", simulation, days, delivery.year_label)
        return self._archive(enrolments).write(archive, sources / "personal")

    def _archive(self, enrolments: Mapping[int, Enrolment]) -> Archive:
        simulation = self.simulation
        return Archive(self.settings, simulation.premises, simulation.network, self.contracts, enrolments)

    def _write_fixed_truth(self, truth: Path, faults: list[ArchiveFault]) -> None:
        write_hidden_attributes(truth, self.simulation, self.contracts)
        write_archive_faults(truth, faults)


@contextmanager
def _room_on_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StorageFull(
            "The disk has no room for the county's files.",
            evidence={"folder": str(folder)},
            ways_out=(
                "Free some space and write again: the same seed gives the same files.",
                "Ask for fewer days.",
            ),
        ) from error


def _require_apart(sources: Path, truth: Path) -> None:
    a, b = sources.resolve(), truth.resolve()
    if a == b or a in b.parents or b in a.parents:
        raise UsageError(
            "Truth must lie outside the source files, or a stage could read it.",
            evidence={"sources": str(sources), "truth": str(truth)},
            ways_out=("Give the truth a folder of its own beside the sources.",),
        )
