"""Row accounting: what came in equals what was accepted, superseded and quarantined (docs/conventions.md §2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridloop.domain.errors import AccountingError


@dataclass(frozen=True, slots=True)
class RowAccount:
    """Counts of one file in one role, in source rows and in intervals.

    A row of several intervals is accepted when at least one of them is; intervals are counted one by one. Missing
    intervals never came in: they are the gaps within delivered days.
    """

    file_id: str
    recipe: str
    role: str
    rows_in: int = 0
    rows_accepted: int = 0
    rows_superseded: int = 0
    rows_quarantined: int = 0
    intervals_in: int = 0
    intervals_accepted: int = 0
    intervals_superseded: int = 0
    intervals_quarantined: int = 0
    intervals_missing: int = 0

    def checked(self) -> RowAccount:
        """Itself, if it balances.

        Raises:
            AccountingError: in ≠ accepted + superseded + quarantined, in rows or in intervals.
        """
        for unit in ("rows", "intervals"):
            came = int(getattr(self, f"{unit}_in"))
            parts = {
                fate: int(getattr(self, f"{unit}_{fate}"))
                for fate in ("accepted", "superseded", "quarantined")
            }
            if came != sum(parts.values()) or min(parts.values()) < 0:
                raise AccountingError(
                    f"The {unit} of role {self.role!r} do not balance; nothing was published.",
                    evidence={"file": self.file_id[:12], "in": came, **parts},
                    ways_out=("Report it: this is a defect of the import, not of the file.",),
                )
        return self

    def __add__(self, other: RowAccount) -> RowAccount:
        """Counts of both, under this account's name."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return RowAccount(self.file_id, self.recipe, self.role, **counts)

    def counts(self) -> Mapping[str, int]:
        """The numbers by name."""
        return {name: int(getattr(self, name)) for name in COUNTS}


FATES = ("in", "accepted", "superseded", "quarantined")
"""What can be said of a row or an interval that came."""

COUNTS = (*(f"rows_{fate}" for fate in FATES), *(f"intervals_{fate}" for fate in FATES), "intervals_missing")
"""Names of the counters."""
