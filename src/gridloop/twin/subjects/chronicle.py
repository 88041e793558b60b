"""Calls every subject once a month: with the energies and bills of each block, then with the month as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.billing import IssuedBill
from gridloop.twin.contracts import Contracts
from gridloop.twin.settings import CUTOFF_DAYS
from gridloop.twin.simulation import Delivery, Month, Simulation
from gridloop.twin.subjects.applications import Applications
from gridloop.twin.subjects.assets import Assets
from gridloop.twin.subjects.charging import Charging
from gridloop.twin.subjects.files import SubjectFiles
from gridloop.twin.subjects.geography import write_geography
from gridloop.twin.subjects.inspections import Inspections
from gridloop.twin.subjects.outages import Outages
from gridloop.twin.subjects.payments import Payments
from gridloop.twin.subjects.statistics import Statistics
from gridloop.twin.subjects.supply import Supply
from gridloop.twin.subjects.tickets import Tickets
from gridloop.twin.subjects.visits import Interactions

MONTHS_BACK = 4
"""Whole months before an export of which something may still become known in it: a bill paid three months late."""


@dataclass
class Chronicle:
    """What one export tells beside energy; a context that closes its files.

    Args:
        simulation, contracts: the county.
        delivery: which days.
        sources, truth: folders; None writes none.
    """

    simulation: Simulation
    contracts: Contracts
    delivery: Delivery
    sources: Path | None
    truth: Path | None

    def __enter__(self) -> Chronicle:
        return self

    def __exit__(self, *reason: object) -> None:
        self._files.close()

    def wants(self, *subjects: str) -> bool:
        """Whether any of these subjects is asked for."""
        return bool(set(subjects) & set(self.simulation.settings.subjects))

    @property
    def needs_bills(self) -> bool:
        """Whether bills must be known for the subjects."""
        return self.wants("payments", "service")

    @property
    def months_before(self) -> tuple[Month, ...]:
        """The months that an earlier export told, of which this one may have the end; none where nothing lasts."""
        earlier = [each for each in self.simulation.months if each.end <= self.delivery.months[0].begin]
        wanted = self.delivery.continued and self.wants("payments", "service", "charging", "assets")
        return tuple(earlier[-MONTHS_BACK:]) if wanted else ()

    def begin(self, month: Month) -> None:
        """Rows that follow come of this month."""
        self._files.begin(month, telling=month in self.delivery.months)

    def add(self, block: slice, month: Month, drawn: NDArray[np.int32], bills: list[IssuedBill]) -> None:
        """What follows from the energies that flow, int32 [premises of the block, days, slots] Wh, and the bills."""
        if self.wants("payments"):
            self._payments.write(month, bills, self._files)
        if self.wants("service"):
            self._tickets.add(month, bills)
        if self.wants("supply"):
            self._supply.add(block, month, drawn, self._files)
        if self.wants("thefts"):
            recorded = self.simulation.recorded(drawn, block, month)
            missed = (drawn.astype(np.int64) - recorded).sum(axis=(1, 2))
            self._inspections.tell(block, month, missed, self._files)

    def end(self, month: Month) -> None:
        """What happened in the month, and close its files."""
        if self.wants("service", "assets"):
            outages = self._outages.of_month(month)
            self._outages.write(outages, self._files, self.wants("service"), self.wants("assets"))
            if self.wants("service"):
                self._tickets.write(month, outages, self._files)
                self._applications.write(month, self._files)
                self._inspections.write(month, self._files)
            if self.wants("assets"):
                self._assets.write_month(month, self._files)
        if self.wants("channel"):
            self._interactions.write(month, self._files)
        if self.wants("charging"):
            self._charging.write_month(month, self._files)
        self._files.end()

    def write_archives(self) -> None:
        """What does not come month by month."""
        last = date.fromordinal(self.delivery.cutoff - CUTOFF_DAYS)
        if self.sources is not None:
            archive = self.sources / "archive"
            if self.wants("assets"):
                self._assets.write_archives(archive)
            if self.wants("charging"):
                self._charging.write_archives(archive)
            if self.wants("statistics"):
                Statistics(self.simulation).write(archive, last)
            if self.wants("geography"):
                write_geography(archive, self.simulation.settings)
        if self.truth is not None and not self.delivery.continued and self.wants("assets"):
            self._assets.write_truth(self.truth)

    @cached_property
    def _files(self) -> SubjectFiles:
        names = dict(self.simulation.settings.names)
        return SubjectFiles(self.delivery, self.sources, self.truth, names)

    @cached_property
    def _payments(self) -> Payments:
        return Payments(self.simulation.settings.seed, self.simulation.premises, self.contracts)

    @cached_property
    def _assets(self) -> Assets:
        return Assets(self.simulation)

    @cached_property
    def _outages(self) -> Outages:
        return Outages(self.simulation, self._assets)

    @cached_property
    def _tickets(self) -> Tickets:
        return Tickets(self.simulation, self.contracts)

    @cached_property
    def _applications(self) -> Applications:
        return Applications(self.simulation, self.contracts)

    @cached_property
    def _inspections(self) -> Inspections:
        return Inspections(self.simulation)

    @cached_property
    def _supply(self) -> Supply:
        return Supply(self.simulation)

    @cached_property
    def _interactions(self) -> Interactions:
        return Interactions(self.simulation, self.contracts)

    @cached_property
    def _charging(self) -> Charging:
        return Charging(self.simulation, self.contracts)
