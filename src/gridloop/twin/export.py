"""One export of the county, month by month: readings, bills, and the truth about both."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gridloop.twin.billing import BillFiles, IssuedBill, bills_of_block, periods_of_block, read_registers
from gridloop.twin.contracts import Contracts
from gridloop.twin.readings import ReadingFiles, clean_rows
from gridloop.twin.simulation import Delivery, Month, Simulation
from gridloop.twin.subjects.chronicle import Chronicle
from gridloop.twin.truth import TruthFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridloop.twin.responses import Responses


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported.

    Attributes:
        simulation, contracts: the county.
        delivery: which days.
        responses: what people changed because of messages; None for nothing.
    """

    simulation: Simulation
    contracts: Contracts
    delivery: Delivery
    responses: Responses | None = None

    def write(
        self, sources: Path | None, truth: Path | None, progress: Callable[[float, str], None] | None
    ) -> None:
        """Write months in order with flat memory.

        Args:
            sources: folder with `readings` and `billing`, where the subjects add theirs; None writes none.
            truth: folder of the truth; None writes none.
            progress: told the share done and the month's name.
        """
        readings = ReadingFiles(
            self.simulation, self.delivery, None if sources is None else sources / "readings"
        )
        ending = "_continued" if self.delivery.continued else ""
        months = self.delivery.months
        with ExitStack() as stack:
            chronicle = stack.enter_context(
                Chronicle(self.simulation, self.contracts, self.delivery, sources, truth)
            )
            chronicle.write_archives()
            for month in chronicle.months_before:
                self._retell(month, chronicle)
            known = None if truth is None else stack.enter_context(TruthFiles(truth, self.simulation, ending))
            outlets = _Outlets(readings, None if sources is None else sources / "billing", known, chronicle)
            for number, month in enumerate(months, start=1):
                self._write_month(month, outlets)
                if progress is not None:
                    progress(number / len(months), month.name)

    def _retell(self, month: Month, chronicle: Chronicle) -> None:
        """A month that an earlier export told, for what is known of it only now."""
        chronicle.begin(month)
        for block in self.simulation.blocks():
            drawn = self.simulation.drawn_wh(block, month)
            net = self.simulation.recorded(drawn, block, month)
            registers = read_registers(net, periods_of_block(self.simulation, self.contracts, block, month))
            bills = bills_of_block(self.simulation, self.contracts, block, month, net, registers, {})
            chronicle.add(block, month, drawn, list(bills))
        chronicle.end(month)

    def _write_month(self, month: Month, outlets: _Outlets) -> None:
        simulation, contracts, truth = self.simulation, self.contracts, outlets.truth
        enrolled = {} if self.responses is None else self.responses.enrolments
        outlets.readings.begin(month)
        outlets.chronicle.begin(month)
        with ExitStack() as stack:
            files = (
                None
                if outlets.billing is None
                else stack.enter_context(BillFiles(outlets.billing, contracts))
            )
            for block in simulation.blocks():
                drawn = simulation.drawn_wh(block, month, self.responses)
                net = simulation.recorded(drawn, block, month)
                registers = read_registers(net, periods_of_block(simulation, contracts, block, month))
                bills: list[IssuedBill] = []
                if files is not None or outlets.chronicle.needs_bills:
                    bills += bills_of_block(simulation, contracts, block, month, net, registers, enrolled)
                if files is not None:
                    for issued in bills:
                        files.add(month, issued)
                rows = clean_rows(simulation, block, month, net, self.delivery.first)
                if truth is not None:
                    truth.add_registers(block, month, registers)
                    truth.add_rows(rows)
                planted = outlets.readings.add(rows)
                if truth is not None:
                    truth.add_planted(planted)
                outlets.chronicle.add(block, month, drawn, bills)
        outlets.readings.end(month)
        outlets.chronicle.end(month)


@dataclass(frozen=True, slots=True)
class _Outlets:
    """Where a month goes; None writes none."""

    readings: ReadingFiles
    billing: Path | None
    truth: TruthFiles | None
    chronicle: Chronicle
