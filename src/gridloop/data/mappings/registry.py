"""The functions a recipe may name, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.data.mappings.catalogue import MAPPINGS
from gridloop.data.quarantine import RowVerdicts
from gridloop.data.recipe import Feed, Recipe, SourceFile
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.finding import Finding


@dataclass(frozen=True, slots=True)
class MappingInput:
    """What a mapping function gets.

    Attributes:
        table: all rows of the file, CSV columns as text.
        feed: the declaration that names the function, with its `settings`.
        verdicts: where rows are refused.
    """

    table: pa.Table
    recipe: Recipe
    file: SourceFile
    feed: Feed
    verdicts: RowVerdicts


@dataclass(frozen=True, slots=True)
class MappedRows:
    """What a mapping function gives.

    Attributes:
        tables: canonical table to its rows and int64[n], the source row of each; -1 for a row with none.
        findings: what it found, such as rows it repaired.
    """

    tables: dict[str, tuple[pa.Table, NDArray[np.int64]]]
    findings: list[Finding] = field(default_factory=list)


MappingFunction = Callable[[MappingInput], MappedRows]


def mapping_function(name: str) -> MappingFunction:
    """The function of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in MAPPINGS:
        raise UsageError(f"There is no mapping function {name!r}.", ways_out=did_you_mean(name, MAPPINGS))
    found: MappingFunction = getattr(import_module(MAPPINGS[name]), name)
    return found
