"""The door to the synthetic county.

    county = County(TwinSettings(customers=2000, days=400, seed=1))
    county.write_sources(folder, truth=elsewhere)

Sources are what a utility's systems would export, with their dirt. Truth goes to another folder, and
nothing reads it but a comparison.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gridloop.domain.errors import StorageFull, UsageError
from gridloop.twin.archive import Archive, ArchiveFault
from gridloop.twin.billing import BillFiles, bills_of_block, periods_of_block, read_registers
from gridloop.twin.contracts import Contracts, draw_contracts
from gridloop.twin.readings import ReadingFiles, clean_rows
from gridloop.twin.settings import DirtRates, TwinSettings
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.surroundings import (
    write_calendar,
    write_consents,
    write_network,
    write_price_sheet,
    write_weather,
)
from gridloop.twin.truth import TruthFiles, write_archive_faults, write_hidden_attributes

__all__ = ["County", "DirtRates", "TwinSettings"]

FOLDERS = ("archive", "personal", "weather", "billing", "readings")
"""Folders of the sources."""

_BY_DATE = ("weather/weather_*.csv", "billing/bill_*.csv", "readings/readings_*.parquet")

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
            folder: created if absent; what an earlier county left in its five folders is replaced. The formats are
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
            for name in FOLDERS:
                (sources / name).mkdir(parents=True, exist_ok=True)
            for (
                pattern
            ) in _BY_DATE:  # another window would leave months behind that this county does not have
                for old in sources.glob(pattern):
                    old.unlink()
            faults = self._write_archives(sources)
            write_weather(sources / "weather", self.simulation)
            if truth is not None:
                self._write_fixed_truth(Path(truth), faults)
            self._stream(sources, None if truth is None else Path(truth), progress)

    def write_truth(self, folder: str | Path, progress: Progress | None = None) -> None:
        """Write the truth alone; it is computed anew, so it does not matter whether sources were written before."""
        truth = Path(folder)
        with tempfile.TemporaryDirectory() as scratch:
            self._write_fixed_truth(truth, self._archive.write(Path(scratch), Path(scratch)))
        self._stream(None, truth, progress)

    def _write_archives(self, sources: Path) -> list[ArchiveFault]:
        archive, simulation = sources / "archive", self.simulation
        write_network(archive, self.settings, simulation.network)
        write_calendar(archive, simulation)
        write_price_sheet(archive)
        write_consents(archive, self.settings, self.contracts)
        return self._archive.write(archive, sources / "personal")

    @property
    def _archive(self) -> Archive:
        simulation = self.simulation
        return Archive(self.settings, simulation.premises, simulation.network, self.contracts)

    def _write_fixed_truth(self, truth: Path, faults: list[ArchiveFault]) -> None:
        write_hidden_attributes(truth, self.simulation, self.contracts)
        write_archive_faults(truth, faults)

    def _stream(self, sources: Path | None, truth: Path | None, progress: Progress | None) -> None:
        readings = ReadingFiles(self.simulation, None if sources is None else sources / "readings")
        with ExitStack() as stack:
            known = None if truth is None else stack.enter_context(TruthFiles(truth, self.simulation))
            for number, month in enumerate(self.simulation.months, start=1):
                self._write_month(month, readings, None if sources is None else sources / "billing", known)
                if progress is not None:
                    progress(number / len(self.simulation.months), month.name)

    def _write_month(
        self, month: Month, readings: ReadingFiles, billing: Path | None, truth: TruthFiles | None
    ) -> None:
        simulation, contracts = self.simulation, self.contracts
        readings.begin(month)
        with ExitStack() as stack:
            bills = None if billing is None else stack.enter_context(BillFiles(billing, contracts))
            for block in simulation.blocks():
                net = simulation.net_wh(block, month)
                registers = read_registers(net, periods_of_block(simulation, contracts, block, month))
                if bills is not None:
                    for issued in bills_of_block(simulation, contracts, block, month, registers):
                        bills.add(month, issued)
                rows = clean_rows(simulation, block, month, net)
                if truth is not None:
                    truth.add_registers(block, month, registers)
                    truth.add_rows(rows)
                planted = readings.add(rows)
                if truth is not None:
                    truth.add_planted(planted)
        readings.end(month)


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
