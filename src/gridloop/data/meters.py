"""The meters of one run by number, with what the archive knows of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.identity import Identities
from gridloop.data.parse import plain
from gridloop.domain.ids import identifier_fault

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

NO_METER = -1
"""Number of a blank meter id."""

BAD_METER = -2
"""Number of a text that cannot be an id (docs/conventions.md §4)."""


class MeterBook:
    """Numbers meters as they appear.

    Args:
        identities: gives the id that enters the lake.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._number: dict[str, int] = {}
        self._by_canonical: dict[str, int] = {}
        self._archive: dict[str, tuple[int, float]] | None = None
        self._known: list[bool] = []
        self._interval: list[int] = []
        self._capacity: list[float] = []
        self._canonical: list[str] = []

    def read_archive(self, view: LakeView) -> None:
        """Learn interval length and connected capacity from `meter` and `service_point`, the latest of each."""
        meters = view.arrow("meter", columns=["meter_id", "service_point_id", "interval_minutes"])
        points = view.arrow("service_point", columns=["service_point_id", "capacity_kva"])
        capacity = dict(
            zip(
                points.column("service_point_id").to_pylist(),
                points.column("capacity_kva").to_pylist(),
                strict=True,
            )
        )
        self._archive = {}
        for meter_id, point, minutes in zip(*(meters.column(i).to_pylist() for i in range(3)), strict=True):
            kva = capacity.get(point)
            self._archive[meter_id] = (int(minutes), float("nan") if kva is None else float(kva))

    def numbers(self, column: pa.ChunkedArray | pa.Array) -> NDArray[np.int32]:
        """The number of each source id; `NO_METER` or `BAD_METER` where there is none; blanks around it are cut."""
        encoded = plain(column).cast(pa.string()).dictionary_encode()
        words = [word.strip() for word in encoded.dictionary.to_pylist()]
        fresh = [
            word for word in dict.fromkeys(words) if word not in self._number and not identifier_fault(word)
        ]
        for word, canonical in zip(fresh, self._identities.of_list("meter_id", fresh), strict=True):
            self._add(word, canonical)
        lost = [BAD_METER if word else NO_METER for word in words]
        known = [self._number.get(word, number) for word, number in zip(words, lost, strict=True)]
        lookup = np.array([*known, NO_METER], np.int32)
        indices = np.asarray(encoded.indices.fill_null(len(words)))
        numbers: NDArray[np.int32] = lookup[indices]
        return numbers

    def _add(self, source: str | None, canonical: str) -> int:
        number = self._by_canonical.setdefault(canonical, len(self._canonical))
        if number == len(self._canonical):
            entry = self._archive.get(canonical) if self._archive is not None else None
            self._canonical.append(canonical)
            self._known.append(entry is not None)
            self._interval.append(entry[0] if entry is not None else 0)
            self._capacity.append(entry[1] if entry is not None else float("nan"))
        if source is not None:
            self._number[source] = number
        return number

    def __len__(self) -> int:
        return len(self._canonical)

    @property
    def ids(self) -> pa.Array:
        """Canonical id by number."""
        return pa.array(self._canonical, pa.string())

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the archive has the meter, by number."""
        return np.array(self._known, np.bool_)

    @property
    def interval_minutes(self) -> NDArray[np.int32]:
        """Interval length by number; 0 where not known."""
        return np.array(self._interval, np.int32)

    @property
    def capacity_kva(self) -> NDArray[np.float64]:
        """Connected capacity by number; NaN where not known."""
        return np.array(self._capacity, np.float64)

    def numbers_of_canonical(self, ids: pa.ChunkedArray | pa.Array) -> NDArray[np.int32]:
        """The number of each canonical id, such as the lake holds; ids not met so far get one."""
        encoded = plain(ids).dictionary_encode()
        numbers = np.array([self._add(None, word) for word in encoded.dictionary.to_pylist()], np.int32)
        return numbers[np.asarray(encoded.indices)] if len(encoded) else np.zeros(0, np.int32)
