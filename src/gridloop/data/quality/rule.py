"""What a rule is: a sentence about good data and the query for the rows that break it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gridloop.data.quality.book import CheckSettings, RuleBook
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.interval import CivilDay
from gridloop.domain.table import Kind, Stage, TableSpec

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from gridloop.engine.view import LakeView

UNJUDGED = ("quality_finding",)
"""Tables of the data stage that are results of checks themselves."""

EVERY_TABLE = "workspace"
"""Name that stands for all tables in a finding about them together."""

SURPLUS = "_surplus"
"""Column by which a query of offending rows says how many rows each of its lines stands for."""

LIST_KINDS = (Kind.INT_LIST, Kind.DOUBLE_LIST)

FAMILIES = frozenset(
    """agree bill blank calendar finite form identifier import intake key known linked order overlap plausible range
    rate reading reference reference_unfilled required rule timeliness values zone""".split()  # noqa: SIM905 - a list of 24 lines
)
"""What the name of a rule may begin with, before its first dot; docs/methods/data-quality.md tells of each."""


class Dimension(StrEnum):
    """Dimensions of data quality (S75–S85)."""

    ACCURACY = "accuracy"
    CONSISTENCY = "consistency"
    TIMELINESS = "timeliness"
    COMPLETENESS = "completeness"
    UNIQUENESS = "uniqueness"


class Tables:
    """The published tables as rules see them.

    Args:
        view: what to read.
        book: the rule book.
        settings: thresholds.
    """

    def __init__(self, view: LakeView, book: RuleBook, settings: CheckSettings) -> None:
        self.view = view
        self.book = book
        self.settings = settings
        self._rows: dict[str, ir.Table] = {}
        self._revisions: dict[str, ir.Table] = {}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Published tables of the data stage, results of checks left out."""
        specs = self.view.lake.specs
        return tuple(
            name
            for name, spec in specs.items()
            if spec.owner is Stage.DATA and name not in UNJUDGED and self.view.exists(name)
        )

    def spec(self, name: str) -> TableSpec:
        """The declaration of a table."""
        return self.view.lake.spec(name)

    def has(self, reference: str) -> bool:
        """Whether a `table` or `table.column` can be read."""
        table, _, column = reference.partition(".")
        return table in self.names and (not column or any(c.name == column for c in self.spec(table)))

    def rows(self, name: str) -> ir.Table:
        """The rows in force, the latest of each; of day-vectors every row without its lists.

        The lists are judged value by value elsewhere (validation of readings), and reading them would cost minutes.
        """
        spec = self.spec(name)
        if any(column.kind in LIST_KINDS for column in spec):
            return self.revisions(name)
        if name not in self._rows:
            self._rows[name] = self.view.table(name)
        return self._rows[name]

    def revisions(self, name: str) -> ir.Table:
        """Every revision, without list columns."""
        if name not in self._revisions:
            scalar = [c.name for c in self.spec(name) if c.kind not in LIST_KINDS]
            self._revisions[name] = self.view.table(name, history=True).select(*scalar)
        return self._revisions[name]

    @cached_property
    def now(self) -> datetime | None:
        """The present: the setting, or what the data itself says; None where nothing is known.

        That is the newest time that any observed series is about, as far as it was known by then: late rows about an
        old day, or a calendar known years ahead, do not move the clock. Without such a series, the newest knowledge.
        """
        if self.settings.now is not None:
            return self.settings.now
        newest = self.newest
        observed = [s.table for s in self.book.series if not s.foretold and newest.get(s.table) is not None]
        reached = [min(newest[name], self.reaches[name]) for name in observed if name in self.reaches]
        return max(reached or newest.values(), default=None)

    @cached_property
    def newest(self) -> dict[str, datetime]:
        """When the newest row of each table became known; tables with a wall-clock stamp are left out."""
        known = [name for name in self.names if self.spec(name).bitemporal]
        values = {name: self.revisions(name).available_at.max().to_pyarrow().as_py() for name in known}
        return {name: value for name, value in values.items() if value is not None}

    @cached_property
    def reaches(self) -> dict[str, datetime]:
        """The end of the newest time that each series of the rule book is about; days end in the workspace's zone."""
        found: dict[str, datetime] = {}
        for series in self.book.series:
            if series.table in self.names:
                value = self.revisions(series.table)[series.at].max().to_pyarrow().as_py()
                if isinstance(value, datetime):
                    found[series.table] = value
                elif value is not None:
                    day = CivilDay(value, self.view.lake.workspace.config.zone)
                    found[series.table] = day.start if series.exclusive else day.end
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One demand on the rows of a table.

    Attributes:
        code: stable identifier, `family.what`.
        dimension: of quality.
        table: whose rows are judged.
        severity: how grave a breach is; a share of breaches up to `tolerance` is only told (INFO).
        text: sentence with the fields failing, rows, share, table.
        offending: the rows that break the rule; a column `_surplus` says how many rows a line stands for.
        fault: true where a row breaks the rule; rules that have it are counted together in one pass over the table.
        thresholds: numbers of the rule, for the evidence.
        tolerance: share of rows that may break it before `severity` holds.
        shows_keys: whether keys of offending rows may stand in the evidence.
    """

    code: str
    dimension: Dimension
    table: str
    severity: Severity
    text: str
    offending: Callable[[Tables], ir.Table]
    fault: Callable[[ir.Table, Tables], ir.BooleanValue] | None = None
    thresholds: Mapping[str, object] = field(default_factory=dict)
    tolerance: float = 0.0
    shows_keys: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many rows one rule judged and how many of them break it; a part of the rate of its dimension."""

    dimension: Dimension
    table: str
    rows: int
    failing: int


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as table `quality_finding` keeps it."""

    finding: Finding
    dimension: Dimension
    count: int
    day_from: date | None = None
    day_to: date | None = None

    @property
    def finding_id(self) -> str:
        """The same for the same rule, table, subject and first day, whenever it is found."""
        what = self.finding
        words = f"{what.code}|{what.table}|{what.subject or ''}|{self.day_from or ''}"
        return hashlib.sha256(words.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Check:
    """One demand that is not about single rows: it answers with findings and parts of rates.

    Attributes:
        code: stable identifier of its first or only finding.
        dimension: of quality.
        table: table concerned.
        run: does it.
    """

    code: str
    dimension: Dimension
    table: str
    run: Callable[[Tables], Iterable[Found | Verdict]]


def row_rule(
    code: str,
    dimension: Dimension,
    table: str,
    text: str,
    fault: Callable[[ir.Table, Tables], ir.BooleanValue],
    severity: Severity = Severity.ERROR,
    **more: Any,
) -> Rule:
    """A rule that judges each row by itself; `more` are further attributes of `Rule`."""

    def offending(tables: Tables) -> ir.Table:
        rows = tables.rows(table)
        return rows.filter(fault(rows, tables).fill_null(False))

    return Rule(code, dimension, table, severity, text, offending, fault, **more)


def number(count: int | float) -> str:
    """A number as a sentence shows it: thousands apart."""
    return f"{count:,}"


def percent(share: float) -> str:
    """A share as a sentence shows it; never 0 % for some nor 100 % for not all."""
    if 0 < share < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= share < 1:
        return "over 99.9 %"
    return f"{100 * share:.1f} %"
