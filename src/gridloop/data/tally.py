"""What happened to the rows of one file while it is being read: counters, quarantined rows and findings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.accounting import RowAccount
from gridloop.data.quarantine import QuarantineBook, RowVerdicts
from gridloop.domain.finding import Finding


@dataclass(slots=True)
class FileTally:
    """Counts of one file; `account` turns them into a `RowAccount`.

    Attributes:
        number: of the file in the run.
        bytes: size of its content.
        counts: by name of the account's counters.
        findings: what a person should know about the file.
        conflicts: rows that contradict another row of the same knowledge time.
    """

    number: int
    file_id: str
    name: str
    bytes: int
    recipe: str
    role: str
    book: QuarantineBook
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    conflicts: int = 0

    def count(self, **more: int) -> None:
        """Add to counters."""
        for name, value in more.items():
            self.counts[name] = self.counts.get(name, 0) + int(value)

    def refuse_rows(
        self,
        verdicts: RowVerdicts,
        source_rows: NDArray[np.int64],
        intervals: NDArray[np.int64],
        table: pa.Table,
    ) -> None:
        """Quarantine the rows that have a reason, whole, and count them.

        Args:
            verdicts: of each row.
            source_rows: int64[n], their numbers.
            intervals: int64[n], how many intervals each row holds.
            table: the rows.
        """
        for number, (reason, detail) in enumerate(verdicts.found, start=1):
            chosen = np.flatnonzero(verdicts.codes == number)
            content = table.take(pa.array(chosen))
            self.book.add(reason, source_rows[chosen], intervals[chosen], content, detail)
        refused = ~verdicts.kept
        self.count(rows_quarantined=int(refused.sum()), intervals_quarantined=int(intervals[refused].sum()))

    def account(self) -> RowAccount:
        """The balanced account of the file.

        Raises:
            AccountingError: it does not balance.
        """
        return RowAccount(self.file_id, self.recipe, self.role, **self.counts).checked()
