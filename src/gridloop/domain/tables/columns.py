"""Small constructors, so that a table of the catalogue reads as a table (docs/conventions.md §5).

Every constructor takes the name and the English and Chinese label first. `null` is the meaning of an absent
value; a column without it must always hold one. Numbers always carry a unit: a bare number or count has the
unit `1`; where the unit differs by row, `@column` names the column of the row that tells it.
"""

from __future__ import annotations

from dataclasses import replace

from gridloop.domain.table import Column, Kind, Label, Privacy, Stage, Store, TableSpec

UNITLESS = "1"
"""Unit of counts, ordinals, shares between 0 and 1 and other bare numbers."""

CURRENCY = "currency"
"""Unit of money: the one currency of the workspace, unless the table has a `currency` column."""


def key_id(name: str, en: str, zh: str, references: str | None = None, null: str | None = None) -> Column:
    """An identifier; `references` is the `table.column` it points to, if it is defined elsewhere."""
    return Column(
        name, Kind.STRING, Label(en, zh), nullable=null is not None, null_means=null, references=references
    )


def text(
    name: str, en: str, zh: str, null: str | None = None, *, privacy: Privacy = Privacy.INTERNAL
) -> Column:
    """Free text, a name or an open code."""
    return Column(
        name, Kind.STRING, Label(en, zh), privacy=privacy, nullable=null is not None, null_means=null
    )


def one_of(name: str, en: str, zh: str, values: str, null: str | None = None) -> Column:
    """One of a closed set of codes, written `"a|b|c"`."""
    return Column(
        name,
        Kind.STRING,
        Label(en, zh),
        nullable=null is not None,
        null_means=null,
        values=tuple(values.split("|")),
    )


def flag(name: str, en: str, zh: str, null: str | None = None) -> Column:
    """True or false."""
    return Column(name, Kind.BOOL, Label(en, zh), nullable=null is not None, null_means=null)


def whole(
    name: str,
    en: str,
    zh: str,
    unit: str = UNITLESS,
    null: str | None = None,
    minimum: float | None = 0,
    maximum: float | None = None,
) -> Column:
    """A whole number of 32 bits in `unit`; not negative unless `minimum` says so."""
    return Column(
        name,
        Kind.INT,
        Label(en, zh),
        unit,
        nullable=null is not None,
        null_means=null,
        minimum=minimum,
        maximum=maximum,
    )


def long(
    name: str,
    en: str,
    zh: str,
    unit: str = UNITLESS,
    null: str | None = None,
    minimum: float | None = 0,
) -> Column:
    """A whole number of 64 bits in `unit`; not negative unless `minimum` says so."""
    return Column(
        name, Kind.LONG, Label(en, zh), unit, nullable=null is not None, null_means=null, minimum=minimum
    )


def number(
    name: str,
    en: str,
    zh: str,
    unit: str,
    null: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Column:
    """A number of 64 bits in `unit`."""
    return Column(
        name,
        Kind.DOUBLE,
        Label(en, zh),
        unit,
        nullable=null is not None,
        null_means=null,
        minimum=minimum,
        maximum=maximum,
    )


def money(name: str, en: str, zh: str, null: str | None = None, unit: str = CURRENCY) -> Column:
    """An exact amount of money, signed (docs/conventions.md §3); `unit` may be a price, `currency/kWh`."""
    return Column(name, Kind.MONEY, Label(en, zh), unit, nullable=null is not None, null_means=null)


def day(name: str, en: str, zh: str, null: str | None = None) -> Column:
    """A civil day."""
    return Column(name, Kind.DATE, Label(en, zh), nullable=null is not None, null_means=null)


def instant(name: str, en: str, zh: str, null: str | None = None, *, volatile: bool = False) -> Column:
    """A UTC instant; `volatile` for wall-clock stamps that a content digest leaves out."""
    return Column(
        name, Kind.INSTANT, Label(en, zh), nullable=null is not None, null_means=null, volatile=volatile
    )


def document(name: str, en: str, zh: str, null: str | None = None) -> Column:
    """A JSON document."""
    return Column(name, Kind.JSON, Label(en, zh), nullable=null is not None, null_means=null)


def personal(name: str, en: str, zh: str, null: str | None = None) -> Column:
    """Text that identifies a person; allowed in tables of the vault only (docs/conventions.md §7)."""
    return text(name, en, zh, null, privacy=Privacy.PERSONAL)


def undigested(column: Column) -> Column:
    """The same column, left out of content digests: it differs between two runs over the same input."""
    return replace(column, volatile=True)


def available_at(*, volatile: bool = False) -> Column:
    """When the row became known (docs/conventions.md §1)."""
    return instant("available_at", "Available at", "可用时刻", volatile=volatile)


def share(name: str, en: str, zh: str, null: str | None = None) -> Column:
    """A share or probability between 0 and 1."""
    return number(name, en, zh, UNITLESS, null, 0, 1)


def latitude() -> Column:
    """Degrees north, WGS 84."""
    return number("latitude", "Latitude", "纬度", "deg", "not located", -90, 90)


def longitude() -> Column:
    """Degrees east, WGS 84."""
    return number("longitude", "Longitude", "经度", "deg", "not located", -180, 180)


def planned(
    name: str, subject: str, store: Store, owner: Stage, key: tuple[str, ...], en: str, zh: str
) -> TableSpec:
    """A table that only the roadmap fills: name, key and owner, no columns; no code may write it yet."""
    return TableSpec(name, subject, store, owner, key, Label(en, zh), planned=True)
