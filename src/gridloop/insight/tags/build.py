"""Tags of every customer from one view: values with confidence, or why there is none (docs/methods/tags.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gridloop.domain.finding import Finding, Severity
from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.insight.tags.catalogue import TagCatalogue, TagSpec, load_tags
from gridloop.insight.tags.frame import (
    NO_BILLS,
    NO_METER,
    TOO_FEW_DAYS,
    CustomerFrame,
    Float64,
    Texts,
    customer_frame,
    is_given,
)
from gridloop.insight.tags.rule_check import CheckedRule, Source
from gridloop.insight.tags.rule_evaluate import compile_rule
from gridloop.insight.tags.rule_tree import values_of

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

Bools = NDArray[np.bool_]

SMALL_POPULATION = "small_population"
ATTRIBUTE_UNKNOWN = "attribute_not_known"


class TagSettings(BaseModel):
    """What the tag job may be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_population: int = Field(
        default=50,
        ge=20,
        description="Customers with a known value below which no decile of a population is computed.",
    )
    current_days: int = Field(
        default=31,
        ge=0,
        description="A meter whose window ended more days before its customer's newest one no longer counts.",
    )


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where the deciles of a tag begin, and in which population.

    Attributes:
        tag, column: the tag, and the column it shows.
        population: `all customers`, or the attribute and its value.
        customers: customers with a known value; those alone are the population.
        limits: smallest value of deciles 2 to 10; None for a decile that equal values left empty.
    """

    tag: str
    column: str
    population: str
    customers: int
    limits: tuple[float | None, ...]


@dataclass(frozen=True)
class Tags:
    """Tags as rows of table `tag`, and what was found on the way.

    Attributes:
        rows: one row per customer and tag; `value` null with a `reason` where it cannot be given.
        findings: populations with their thresholds, populations too small, tags that most customers lack.
        thresholds: see `Threshold`.
        frame: the customers that the tags were given to.
        customers: one row a customer: the frame's columns and `tag_NAME` for each tag, what rules are asked of.
    """

    rows: pa.Table
    findings: tuple[Finding, ...]
    thresholds: tuple[Threshold, ...]
    frame: CustomerFrame = field(repr=False)
    customers: pa.Table = field(repr=False)


@dataclass
class _Given:
    """Tags given so far, by customer; `columns` are what rules see."""

    frame: CustomerFrame
    columns: dict[str, pa.Array] = field(default_factory=dict)
    reasons: dict[str, Texts] = field(default_factory=dict)

    def absence(self, column: str) -> Texts:
        """Why each customer lacks a column; None where they have it."""
        if column in self.columns:
            return self.reasons[column]
        if column in self.frame.reasons:
            return self.frame.reasons[column]
        null = self.frame.rows[column].combine_chunks().is_null().to_numpy(zero_copy_only=False)
        return np.where(null, ATTRIBUTE_UNKNOWN, np.array(None))

    def rows(self) -> pa.Table:
        """The frame's rows with a column for each tag."""
        wide = self.frame.rows
        for name, values in self.columns.items():
            wide = wide.append_column(name, values)
        return wide


def build_tags(
    view: LakeView, settings: TagSettings | None = None, *, catalogue: TagCatalogue | None = None
) -> Tags:
    """Give every customer every tag of the catalogue, or the reason why not.

    Confidence is coverage × min(1, days used / full days) of the readings behind a tag, min(1, days billed / full
    days) of the bills, the lower where both are used, and 1 for what rests on the customer register alone. It says
    how much was seen, not how far a value lies from its threshold.

    Args:
        view: tables `feature`, `customer`, `account`, `bill`, as known at its point of knowledge.
        settings: see `TagSettings`.
        catalogue: the shipped tags when not given.
    """
    chosen = settings or TagSettings()
    tags = catalogue or load_tags()
    frame = customer_frame(view, current_days=chosen.current_days)
    given = _Given(frame)
    thresholds: list[Threshold] = []
    findings: list[Finding] = []
    numbers = [spec for spec in tags if spec.of]
    for spec in numbers:
        _give_number(spec, tags, given, chosen.minimum_population, thresholds)
    _give_by_rule([spec for spec in tags if not spec.of], tags, given)
    tables = [_rows(spec, tags, given) for spec in tags]
    findings += _populations(thresholds)
    findings += _lacking(tags, given, chosen.minimum_population)
    return Tags(pa.concat_tables(tables), tuple(findings), tuple(thresholds), frame, given.rows())


def _give_number(
    spec: TagSpec, tags: TagCatalogue, given: _Given, least: int, thresholds: list[Threshold]
) -> None:
    column = str(spec.of)
    values = given.frame.number(column)
    why = _with_history(spec, tags, given.frame, given.frame.reasons[column].copy())
    values[~is_given(why)] = np.nan
    if spec.kind == "decile":
        for population, members in _split(spec, given.frame):
            known = np.flatnonzero(members & ~np.isnan(values))
            if len(known) < least:
                values[known], why[known] = np.nan, SMALL_POPULATION
                continue
            deciles = decile(values[known])
            thresholds.append(
                Threshold(spec.name, column, population, len(known), _limits(values[known], deciles))
            )
            values[known] = deciles
    given.columns[spec.term.column] = pa.array(values, from_pandas=True)
    given.reasons[spec.term.column] = why


def decile(values: Float64) -> Float64:
    """1 + ⌊10 · (values that are smaller) / n⌋: equal values have equal deciles, 1 to 10.

    Args:
        values: float64[n], none missing.
    """
    smaller = np.searchsorted(np.sort(values), values, side="left")
    return (1 + (10 * smaller) // len(values)).astype(np.float64)


def _limits(values: Float64, deciles: Float64) -> tuple[float | None, ...]:
    return tuple(float(values[deciles == d].min()) if (deciles == d).any() else None for d in range(2, 11))


def _split(spec: TagSpec, frame: CustomerFrame) -> Iterator[tuple[str, Bools]]:
    """The populations of a decile, with who is in them."""
    if spec.within is None:
        yield "all customers", np.ones(len(frame), bool)
        return
    column = pc.fill_null(frame.rows[spec.within], "unknown").combine_chunks()
    for value in sorted(pc.unique(column).to_pylist()):
        yield f"{spec.within} = {value}", pc.equal(column, value).to_numpy(zero_copy_only=False)


def _with_history(spec: TagSpec, tags: TagCatalogue, frame: CustomerFrame, why: Texts) -> Texts:
    """The reasons, with one more where the data behind the tag are absent or less than its minimum history."""
    behind = ((Source.READINGS, "days_used", NO_METER), (Source.BILLS, "billed_days", NO_BILLS))
    for source, column, none in behind:
        if source in tags.sources(spec):
            days, given = frame.number(column), is_given(why)
            why[given & np.isnan(days)] = none
            why[given & (days < spec.minimum_days)] = TOO_FEW_DAYS
    return why


def _give_by_rule(specs: Sequence[TagSpec], tags: TagCatalogue, given: _Given) -> None:
    """Flags and choices: all rules in one query over the customers."""
    import ibis

    if not specs:
        return
    customers = ibis.memtable(given.rows())
    said = {
        f"{spec.name}_{number}": compile_rule(rule, customers)
        for spec in specs
        for number, rule in enumerate(tags.rules[spec.name])
    }
    answers = customers.select("customer_id", **said).to_pyarrow().sort_by("customer_id")
    for spec in specs:
        rules = tags.rules[spec.name]
        said_of = [answers[f"{spec.name}_{number}"].combine_chunks() for number in range(len(rules))]
        why = _with_history(spec, tags, given.frame, np.full(len(given.frame), None, object))
        codes, unknown = _first(said_of, is_given(why))
        _explain(unknown, rules, given, why)
        values = pa.array([*spec.values]).take(pa.array(codes, mask=~is_given(why)))
        column = spec.term.column
        given.columns[column] = pc.equal(values, "yes") if spec.kind == "flag" else values
        given.reasons[column] = why


def _first(said: Sequence[pa.Array], sought: Bools) -> tuple[NDArray[np.int64], Bools]:
    """Place of the first rule that holds, and who has none because an earlier rule is unknown.

    Args:
        said: of each rule, whether it holds for each customer, null where it is unknown.
        sought: bool[customers], whom it is asked of.

    Returns:
        int64[customers], the number of rules where none holds; bool[customers].
    """
    codes = np.full(len(sought), len(said), np.int64)
    unknown, undecided = np.zeros(len(sought), bool), sought.copy()
    for number, holds in enumerate(said):
        absent = undecided & holds.is_null().to_numpy(zero_copy_only=False)
        met = undecided & holds.fill_null(False).to_numpy(zero_copy_only=False)
        unknown |= absent
        codes[met] = number
        undecided &= ~(absent | met)
    return codes, unknown


def _explain(unknown: Bools, rules: Sequence[CheckedRule], given: _Given, why: Texts) -> None:
    """Put into `why`, where the rules are unknown, why the first absent value that they name is absent."""
    left = unknown.copy()
    for rule in rules:
        for value in values_of(rule.tree):
            absence = given.absence(rule.term(value).column)
            here = left & ~is_given(absence)
            why[here] = absence[here]
            left &= ~here
    assert not left.any(), "a rule is unknown only where a value is absent"


def _rows(spec: TagSpec, tags: TagCatalogue, given: _Given) -> pa.Table:
    frame, count = given.frame, len(given.frame)
    column, why = given.columns[spec.term.column], given.reasons[spec.term.column]
    sources = tags.sources(spec)
    confidence = _confidence(spec, sources, frame)
    confidence[~is_given(why)] = np.nan
    start, end = _window(sources, frame)
    rows: Mapping[str, object] = {
        "customer_id": frame.rows["customer_id"],
        "tag": pa.repeat(pa.scalar(spec.name), count),
        "as_of": pa.repeat(pa.scalar(frame.as_of, pa.timestamp("us", tz="UTC")), count),
        "value": _texts(spec, column),
        "number": column if spec.of else pa.nulls(count, pa.float64()),
        "confidence": pa.array(confidence, from_pandas=True),
        "reason": pa.array(why, pa.string()),
        "window_start": start,
        "window_end": end,
    }
    return pa.table(dict(rows), schema=_SCHEMA)


_SCHEMA = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table("tag"))])


def _texts(spec: TagSpec, column: pa.Array) -> pa.Array:
    """The values as the table keeps them: codes as they are, numbers to six significant digits."""
    if spec.kind == "flag":
        return pc.if_else(column, "yes", "no")
    if spec.kind == "decile":
        return column.cast(pa.int64()).cast(pa.string())
    if spec.kind == "choice":
        return column
    return pa.array([None if v is None else f"{v:.6g}" for v in column.to_pylist()], pa.string())


def _confidence(spec: TagSpec, sources: frozenset[Source], frame: CustomerFrame) -> Float64:
    confidence = np.ones(len(frame))
    if Source.READINGS in sources:
        seen = np.minimum(1.0, frame.number("days_used") / spec.full_days) * frame.number("coverage")
        confidence = np.minimum(confidence, seen)
    if Source.BILLS in sources:
        confidence = np.minimum(confidence, frame.number("billed_days") / spec.full_days)
    return confidence


def _window(sources: frozenset[Source], frame: CustomerFrame) -> tuple[pa.Array, pa.Array]:
    """First and last day of the data behind a tag; that of the readings where both are used."""
    if Source.READINGS in sources:
        return frame.rows["window_start"], frame.rows["window_end"]
    if Source.BILLS in sources:
        exclusive = frame.rows["bill_end"].cast(pa.int32())
        return frame.rows["bill_start"], pc.subtract(exclusive, pa.scalar(1, pa.int32())).cast(pa.date32())
    return pa.nulls(len(frame), pa.date32()), pa.nulls(len(frame), pa.date32())


def _populations(thresholds: Sequence[Threshold]) -> Iterator[Finding]:
    for found in thresholds:
        yield Finding(
            "tag.population",
            f"Deciles of {found.column} are relative to {found.population}: {found.customers} customers.",
            {"tag": found.tag, "customers": found.customers, "limits": found.limits},
            Severity.INFO,
            "tag",
        )


def _lacking(tags: TagCatalogue, given: _Given, least: int) -> Iterator[Finding]:
    """Tags that more than half of the customers lack, with the most frequent reasons."""
    count = len(given.frame)
    for spec in tags:
        absent = pa.array(given.reasons[spec.term.column], pa.string()).drop_null()
        reasons = Counter({row["values"]: row["counts"] for row in absent.value_counts().to_pylist()})
        if small := reasons.get(SMALL_POPULATION):
            yield Finding(
                "tag.small_population",
                f"Tag {spec.name!r} needs {least} customers with a known value in a population; some have fewer.",
                {"tag": spec.name, "customers": small, "least": least},
                Severity.INFO,
                "tag",
            )
        if 2 * reasons.total() > count:
            yield Finding(
                "tag.mostly_absent",
                f"Tag {spec.name!r} cannot be given to {reasons.total()} of {count} customers.",
                {"tag": spec.name, **dict(reasons.most_common(3))},
                Severity.WARNING,
                "tag",
            )
