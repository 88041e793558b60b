"""The rule book: what good data is beyond the declarations of the tables, as data, and the settings of a check."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridloop.domain.declared_files import read_declared
from gridloop.domain.errors import UsageError
from gridloop.domain.finding import Severity


class CheckSettings(BaseModel):
    """Thresholds of a check of all tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    now: datetime | None = Field(
        default=None,
        description="The present, aware; the newest knowledge in the workspace itself when not given.",
    )
    examples: int = Field(default=5, ge=0, description="Keys of faulty rows shown with a finding, at most.")
    grace: float = Field(
        default=2.0,
        ge=1,
        description="Promised update intervals after which rows count as late or a table as stale.",
    )
    late_share: float = Field(
        default=0.02, ge=0, le=1, description="Share of late rows from which it is a warning."
    )
    batch_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="A day with less than this share of the usual rows lacks a batch.",
    )
    batch_units: int = Field(
        default=5,
        ge=1,
        description="Fewest meters expected on a day for a missing batch to be told from a silent meter.",
    )
    batch_runs: int = Field(default=20, ge=1, description="Missing batches told per series, longest first.")
    refused_share: float = Field(
        default=0.005,
        ge=0,
        le=1,
        description="Share of quarantined rows of a recipe from which it is a warning.",
    )
    refused_share_error: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of quarantined rows of a recipe from which it is an error.",
    )
    money_tolerance: Decimal = Field(
        default=Decimal("0.01"),
        ge=0,
        description="Difference between a bill and its lines that is rounding, in currency.",
    )


class Line(BaseModel):
    """Base of every line of the rule book: frozen, and a key it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(Line):
    """Two columns of a row in their order."""

    first: str = Field(description="Column that comes first; any table that has both columns is judged.")
    last: str = Field(description="Column that comes last; a row without it has an open end.")
    apart: bool = Field(default=False, description="Whether the two must differ.")


class Form(Line):
    """The form of a text column."""

    column: str = Field(description="Column; any table that has it is judged.")
    pattern: str = Field(description="Regular expression of the whole value.")
    means: str = Field(
        description="What is wrong with a value that does not match, as the end of a sentence."
    )


class Overlap(Line):
    """Spans of which only one may hold at a time."""

    table: str = Field(description="Table of the spans.")
    per: tuple[str, ...] = Field(description="Columns within whose values spans must not overlap.")
    first: str = Field(description="Column of the first day, inclusive.")
    last: str = Field(description="Column of the last day, exclusive; null is an open end.")
    severity: Severity = Field(default=Severity.ERROR, description="How grave an overlap is.")
    means: str = Field(description="What overlaps, as a sentence after the number of rows.")


class Agree(Line):
    """The same fact in two tables."""

    table: str = Field(description="Table that is judged.")
    column: str = Field(description="Its column.")
    counterpart: str = Field(alias="with", description="The other `table.column`.")
    match: str = Field(description="Column by which rows of both belong together.")
    open: str | None = Field(default=None, description="Only rows in which this column is null are judged.")


class Expected(Line):
    """A column that may be unknown, but ought not to be."""

    table: str = Field(description="Table.")
    column: str = Field(description="Column.")
    lacking: float = Field(ge=0, le=1, description="Share of rows that may lack it before it is a warning.")
    unknown: tuple[str, ...] = Field(default=(), description="Values that say nothing.")


class Linked(Line):
    """Rows that another table should point to."""

    table: str = Field(description="Table whose rows are looked at, by the first column of its key.")
    by: str = Field(description="`table.column` that should point to them.")


class Series(Line):
    """A table that grows by the day."""

    table: str = Field(description="Table.")
    at: str = Field(description="Column with the day or instant that a row is about.")
    exclusive: bool = Field(
        default=False, description="Whether that day is the first after what a row is about."
    )
    unit: str = Field(description="Column with the thing that is observed.")
    kinds: tuple[str, ...] = Field(default=(), description="Columns that split the series of one thing.")
    only: dict[str, str] = Field(default={}, description="Values of columns to which lateness is limited.")
    foretold: bool = Field(default=False, description="Whether rows may be known before what they are about.")
    daily: bool = Field(default=False, description="Whether a day without its rows is a missing batch.")


class RuleBook(Line):
    """All lines by family; see docs/methods/data-quality.md."""

    order: tuple[Order, ...] = Field(default=(), description="Columns in their order.")
    form: tuple[Form, ...] = Field(default=(), description="Forms of text columns.")
    overlap: tuple[Overlap, ...] = Field(default=(), description="Spans that exclude each other.")
    agree: tuple[Agree, ...] = Field(default=(), description="Facts that stand in two tables.")
    expected: tuple[Expected, ...] = Field(default=(), description="Columns that ought to be known.")
    linked: tuple[Linked, ...] = Field(default=(), description="Rows that should be pointed to.")
    series: tuple[Series, ...] = Field(default=(), description="Tables that grow by the day.")


def book_path(workspace: Path | None = None) -> Path:
    """File of the rule book in force: the workspace's own `rules/quality.yaml`, or the shipped one."""
    shipped = Path(str(files("gridloop") / "library" / "rules" / "quality.yaml"))
    own = None if workspace is None else workspace / "rules" / shipped.name
    return own if own is not None and own.is_file() else shipped


def load_book(workspace: Path | None = None) -> RuleBook:
    """The shipped rule book, or the workspace's own `rules/quality.yaml` in its place.

    Args:
        workspace: root folder of a workspace, if one is open.

    Raises:
        UsageError: the file is not YAML, or a line has an unknown key or a wrong value.
    """
    path = book_path(workspace)
    try:
        return RuleBook.model_validate(read_declared(path) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).replace("\n", " ")
        raise UsageError(f"Rule book {path.name!r} cannot be read.", evidence={"reason": reason}) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"Rule book {path.name!r} is not valid: {first['msg']}.",
            evidence={"at": place, "problems": error.error_count()},
            ways_out=("docs/methods/data-quality.md lists every key.",),
        ) from error
