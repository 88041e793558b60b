"""Numbers of customers by column: what every model is fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.errors import SchemaMismatch

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """A customer a row.

    Attributes:
        names: of the columns.
        values: float64[customers, columns]; NaN for unknown.
    """

    names: tuple[str, ...]
    values: Float64

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[np.generic]]) -> Columns:
        """From arrays of equal length."""
        return cls(tuple(columns), np.column_stack([np.asarray(c, np.float64) for c in columns.values()]))

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, chosen: NDArray[np.generic]) -> Columns:
        """The same columns of some customers, by bool or index."""
        return Columns(self.names, self.values[chosen])

    def only(self, names: Iterable[str]) -> Columns:
        """Some columns, in the order asked for.

        Raises:
            SchemaMismatch: a column is absent.
        """
        asked = tuple(names)
        if missing := [name for name in asked if name not in self.names]:
            raise SchemaMismatch("Columns that the model needs are absent.", evidence={"missing": missing})
        return Columns(asked, self.values[:, [self.names.index(name) for name in asked]])

    def column(self, name: str) -> Float64:
        """float64[customers] of one column."""
        return self.only((name,)).values[:, 0]
