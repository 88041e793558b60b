"""Calls every subject once a month: with the energies and bills of each block, then with the month as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gridloop.twin.billing import IssuedBill
from gridloop.twin.contracts import Contracts
from gridloop.twin.simulation import Delivery, Month, Simulation
from gridloop.twin.subjects.files import SubjectFiles
from gridloop.twin.subjects.payments import Payments

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
        return self.wants("payments")

    @property
    def months_before(self) -> tuple[Month, ...]:
        """The months that an earlier export told, of which this one may have the end; none where nothing lasts."""
        earlier = [each for each in self.simulation.months if each.end <= self.delivery.months[0].begin]
        wanted = self.delivery.continued and self.needs_bills
        return tuple(earlier[-MONTHS_BACK:]) if wanted else ()

    def begin(self, month: Month) -> None:
        """Rows that follow come of this month."""
        self._files.begin(month, telling=month in self.delivery.months)

    def add(self, block: slice, month: Month, bills: list[IssuedBill]) -> None:
        """What follows from the bills of a block."""
        if self.wants("payments"):
            self._payments.write(month, bills, self._files)

    def end(self, month: Month) -> None:
        """What happened in the month, and close its files."""
        self._files.end()

    @cached_property
    def _files(self) -> SubjectFiles:
        names = dict(self.simulation.settings.names)
        return SubjectFiles(self.delivery, self.sources, self.truth, names)

    @cached_property
    def _payments(self) -> Payments:
        return Payments(self.simulation.settings.seed, self.simulation.premises, self.contracts)
