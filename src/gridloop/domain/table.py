"""How a canonical table is declared, as data; all else about it is generated from this (docs/conventions.md §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Column types. INSTANT is UTC with microseconds, DATE a civil day, MONEY decimal(18, 6) in the one currency."""

    STRING = "string"
    BOOL = "bool"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    MONEY = "money"
    DATE = "date"
    INSTANT = "instant"
    JSON = "json"
    INT_LIST = "int_list"
    DOUBLE_LIST = "double_list"


class Privacy(StrEnum):
    """Who may see a column. PERSONAL is kept in the vault only; SECRET never leaves it."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SECRET = "secret"


class Store(StrEnum):
    """Where a table lives."""

    LAKE = "lake"
    LEDGER = "ledger"
    VAULT = "vault"


class Stage(StrEnum):
    """Who owns a table: the only principal the engine lets write it."""

    DATA = "data"
    INSIGHT = "insight"
    STRATEGY = "strategy"
    REACH = "reach"
    EVALUATION = "evaluation"
    SECURITY = "security"
    APPS = "apps"


@dataclass(frozen=True, slots=True)
class Label:
    """A name for people, in English and Chinese."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: snake_case, the field's standard term.
        kind: type.
        label: for people, in English and Chinese.
        unit: SI or currency unit of a number (`Wh`, `kW`, `degC`, `currency`, `percent`); None where it has none.
        privacy: who may see it.
        nullable: whether a row may lack it, and then `null_means` says what that means.
        null_means: the meaning of an absent value, one phrase.
        references: `table.column` this column points to.
        values: the closed set of values, if it is one.
        minimum, maximum: the range outside of which a value is rejected.
        volatile: run ids and wall-clock stamps that a content digest leaves out.
    """

    name: str
    kind: Kind
    label: Label
    unit: str | None = None
    privacy: Privacy = Privacy.INTERNAL
    nullable: bool = False
    null_means: str | None = None
    references: str | None = None
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    volatile: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One canonical table.

    Attributes:
        name: singular noun.
        subject: the group it belongs to (`party`, `metering` …).
        store: lake, ledger or vault.
        owner: the one stage that writes it.
        key: columns that identify a row; `available_at` is part of it wherever a value can arrive late or be revised.
        columns: in order; empty for a planned table.
        label: for people.
        update_frequency: promised, ISO 8601 duration (`P1D`) or `event`.
        retention: ISO 8601 duration, or `forever` with the reason in the dictionary.
        partition: columns, or `month(column)`, that split its files.
        clustered: columns its files are sorted by, so that the rows of one thing are found without reading all.
        planned: declared by name, key and owner only; no code may write it yet.
    """

    name: str
    subject: str
    store: Store
    owner: Stage
    key: tuple[str, ...]
    label: Label
    columns: tuple[Column, ...] = ()
    update_frequency: str = "P1D"
    retention: str = "P10Y"
    partition: tuple[str, ...] = ()
    clustered: tuple[str, ...] = ()
    planned: bool = False

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def bitemporal(self) -> bool:
        """Whether rows are revised by appending a later `available_at`."""
        return "available_at" in self.key
