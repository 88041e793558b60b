"""Why a row is refused, and how it is kept: sealed, with its reason, never dropped (docs/conventions.md §2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SEALED_ROWS_PER_FILE = 20_000
"""Rows of one file that are sealed one by one; beyond it a row is named by its number in the landed file."""


class Reason(StrEnum):
    """Reason codes; `REASONS` has the sentence of each."""

    MALFORMED_ROW = "malformed_row"
    BLANK_ID = "blank_id"
    BAD_ID = "bad_id"
    UNKNOWN_METER = "unknown_meter"
    UNKNOWN_CHANNEL = "unknown_channel"
    UNPARSABLE_STAMP = "unparsable_stamp"
    STAMP_NONEXISTENT = "stamp_nonexistent"
    STAMP_AMBIGUOUS = "stamp_ambiguous"
    DAY_OUT_OF_WINDOW = "day_out_of_window"
    DAY_AFTER_ARRIVAL = "day_after_arrival"
    MISALIGNED_STAMP = "misaligned_stamp"
    MISSING_VALUE = "missing_value"
    EMPTY_ROW = "empty_row"
    UNPARSABLE_VALUE = "unparsable_value"
    NON_FINITE = "non_finite"
    NEGATIVE_ON_CHANNEL = "negative_on_channel"
    IMPLAUSIBLE_VALUE = "implausible_value"
    ABOVE_CONNECTION_LIMIT = "above_connection_limit"
    UNIT_SUSPECT = "unit_suspect"
    SURPLUS_INTERVALS = "surplus_intervals"
    MISSING_REQUIRED = "missing_required"
    NOT_IN_VALUE_SET = "not_in_value_set"
    OUT_OF_RANGE = "out_of_range"


REASONS: dict[Reason, str] = {
    Reason.MALFORMED_ROW: "the row does not have the columns that the header names",
    Reason.BLANK_ID: "the id is blank",
    Reason.BAD_ID: "the id does not look like an id of this source",
    Reason.UNKNOWN_METER: "the meter is not in the meter table",
    Reason.UNKNOWN_CHANNEL: "the channel is none that Gridloop knows",
    Reason.UNPARSABLE_STAMP: "the day or instant cannot be read",
    Reason.STAMP_NONEXISTENT: "the local time does not exist: clocks went forward over it",
    Reason.STAMP_AMBIGUOUS: "the local time occurs twice that day and the source does not say which is meant",
    Reason.DAY_OUT_OF_WINDOW: "the day lies outside the period of this source",
    Reason.DAY_AFTER_ARRIVAL: "the day lies after the row arrived",
    Reason.MISALIGNED_STAMP: "the stamp does not lie on an interval boundary",
    Reason.MISSING_VALUE: "the row carries no value",
    Reason.EMPTY_ROW: "the row carries no value at all",
    Reason.UNPARSABLE_VALUE: "the value cannot be read as the type it should have",
    Reason.NON_FINITE: "the value is not a finite number",
    Reason.NEGATIVE_ON_CHANNEL: "the value is negative on a channel that only counts up",
    Reason.IMPLAUSIBLE_VALUE: "the value lies outside the plausible range of this source",
    Reason.ABOVE_CONNECTION_LIMIT: "the energy exceeds what the connection can carry",
    Reason.UNIT_SUSPECT: "the meter's median day is 100 times or more beyond the usual range: wrong unit suspected",
    Reason.SURPLUS_INTERVALS: "there are more intervals than the civil day has",
    Reason.MISSING_REQUIRED: "a required value is absent",
    Reason.NOT_IN_VALUE_SET: "the value is not one of the allowed ones",
    Reason.OUT_OF_RANGE: "the value lies outside its allowed range",
}
"""One phrase for people per reason."""


@dataclass(slots=True)
class RowVerdicts:
    """Per-row reason of one batch; the first reason a row gets stays.

    Attributes:
        codes: int16[n], 0 for a good row, else 1 + the index into `found`.
        found: the reasons met so far, each with what exactly (such as the column; never a value).
    """

    codes: NDArray[np.int16]
    found: list[tuple[Reason, str]] = field(default_factory=list)

    @classmethod
    def good(cls, rows: int) -> RowVerdicts:
        """Verdicts of a batch in which nothing has been found yet."""
        return cls(np.zeros(rows, np.int16))

    def refuse(self, mask: NDArray[np.bool_], reason: Reason, detail: str = "") -> None:
        """Give `reason` to the rows of `mask` that have none yet."""
        fresh = mask & (self.codes == 0)
        if fresh.any():
            if (reason, detail) not in self.found:
                self.found.append((reason, detail))
            self.codes[fresh] = self.found.index((reason, detail)) + 1

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Rows without a reason."""
        good: NDArray[np.bool_] = self.codes == 0
        return good


@dataclass(slots=True)
class QuarantineBook:
    """Collects the quarantined rows of one file.

    Args:
        seal: turns rows as JSON into sealed texts; None where no vault is at hand.
    """

    seal: Callable[[list[str]], list[str]] | None
    rows: list[int] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    intervals: list[int] = field(default_factory=list)
    sealed: list[str | None] = field(default_factory=list)
    _sealed_rows: int = 0

    def add(
        self,
        reason: Reason,
        source_rows: NDArray[np.int64],
        intervals: NDArray[np.int64],
        content: pa.Table | None,
        detail: str = "",
    ) -> None:
        """Record rows refused for one reason.

        Args:
            reason: why.
            source_rows: 0-based row numbers in the file.
            intervals: how many intervals of each row are refused.
            content: the rows themselves, in the same order; None where they could not be read.
            detail: what exactly, such as the column; never a value.
        """
        count = len(source_rows)
        text = REASONS[reason] + (f" ({detail})" if detail else "")
        self.rows += source_rows.tolist()
        self.codes += [reason.value] * count
        self.details += [text] * count
        self.intervals += intervals.tolist()
        room = max(0, SEALED_ROWS_PER_FILE - self._sealed_rows) if self.seal else 0
        kept = [] if content is None else content.slice(0, min(room, count)).to_pylist()
        self.sealed += self._sealed(kept)
        self._sealed_rows += len(kept)
        self.sealed += [None] * (count - len(kept))

    def add_text(self, source_row: int, intervals: int, text: str) -> None:
        """Record a row that could not be split into columns."""
        self.rows.append(source_row)
        self.codes.append(Reason.MALFORMED_ROW.value)
        self.details.append(REASONS[Reason.MALFORMED_ROW])
        self.intervals.append(intervals)
        self.sealed += self._sealed([{"text": text}])

    def _sealed(self, rows: list[dict[str, object]]) -> list[str] | list[None]:
        if self.seal is None:
            return [None] * len(rows)
        present = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return self.seal([json.dumps(row, default=str, ensure_ascii=False) for row in present])

    def __len__(self) -> int:
        return len(self.rows)

    def summary(self) -> dict[str, tuple[int, int, str]]:
        """Rows, intervals and the phrase of each reason code, in the order of `Reason`."""
        found: dict[str, tuple[int, int, str]] = {}
        for code, intervals in zip(self.codes, self.intervals, strict=True):
            rows, held, text = found.get(code, (0, 0, REASONS[Reason(code)]))
            found[code] = (rows + 1, held + intervals, text)
        return {reason.value: found[reason.value] for reason in Reason if reason.value in found}

    def table(self, file_id: str, recipe: str, role: str, received_us: int) -> pa.Table:
        """Rows of the table `quarantine`; one row per source row and reason, intervals added up."""
        merged: dict[tuple[int, str], int] = {}
        kept: list[int] = []
        totals: list[int] = []
        for index, key in enumerate(zip(self.rows, self.codes, strict=True)):
            if key in merged:
                totals[merged[key]] += self.intervals[index]
            else:
                merged[key] = len(kept)
                kept.append(index)
                totals.append(self.intervals[index])
        count = len(kept)
        columns: dict[str, pa.Array] = {
            "file_id": pa.array([file_id] * count, pa.string()),
            "recipe": pa.array([recipe] * count, pa.string()),
            "role": pa.array([role] * count, pa.string()),
            "source_row": _take(self.rows, kept, pa.int64()),
            "reason_code": _take(self.codes, kept, pa.string()),
            "reason": _take(self.details, kept, pa.string()),
            "intervals": pa.array(totals, pa.int64()),
            "row_sealed": _take(self.sealed, kept, pa.string()),
            "available_at": pa.array([received_us] * count, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        }
        return pa.table(columns)


def _take(values: Iterable[object], kept: list[int], kind: pa.DataType) -> pa.Array:
    held = list(values)
    return pa.array([held[index] for index in kept], kind)
