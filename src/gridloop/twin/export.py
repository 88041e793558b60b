"""One export of the county, month by month: readings, bills, and the truth about both."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gridloop.twin.billing import BillFiles, bills_of_block, periods_of_block, read_registers
from gridloop.twin.contracts import Contracts
from gridloop.twin.readings import ReadingFiles, clean_rows
from gridloop.twin.simulation import Delivery, Month, Simulation
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
            sources: folder with `readings` and `billing`; None writes none.
            truth: folder of the truth; None writes none.
            progress: told the share done and the month's name.
        """
        readings = ReadingFiles(
            self.simulation, self.delivery, None if sources is None else sources / "readings"
        )
        ending = "_continued" if self.delivery.continued else ""
        months = self.delivery.months
        with ExitStack() as stack:
            known = None if truth is None else stack.enter_context(TruthFiles(truth, self.simulation, ending))
            for number, month in enumerate(months, start=1):
                self._write_month(month, readings, None if sources is None else sources / "billing", known)
                if progress is not None:
                    progress(number / len(months), month.name)

    def _write_month(
        self, month: Month, readings: ReadingFiles, billing: Path | None, truth: TruthFiles | None
    ) -> None:
        simulation, contracts = self.simulation, self.contracts
        enrolled = {} if self.responses is None else self.responses.enrolments
        readings.begin(month)
        with ExitStack() as stack:
            bills = None if billing is None else stack.enter_context(BillFiles(billing, contracts))
            for block in simulation.blocks():
                net = simulation.net_wh(block, month, self.responses)
                registers = read_registers(net, periods_of_block(simulation, contracts, block, month))
                if bills is not None:
                    for issued in bills_of_block(
                        simulation, contracts, block, month, net, registers, enrolled
                    ):
                        bills.add(month, issued)
                rows = clean_rows(simulation, block, month, net, self.delivery.first)
                if truth is not None:
                    truth.add_registers(block, month, registers)
                    truth.add_rows(rows)
                planted = readings.add(rows)
                if truth is not None:
                    truth.add_planted(planted)
        readings.end(month)
