"""Tags of every customer from one view: values with confidence, or why there is none (docs/methods/tags.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

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
    last_day,
)
from gridloop.insight.tags.rule_check import CheckedRule, Source
from gridloop.insight.tags.rule_evaluate import compile_rule
from gridloop.insight.tags.rule_tree import values_of

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

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
        null = self.frame.rows[column].is_null().to_numpy()
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
    values[~_present(why)] = np.nan
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


def _split(spec: TagSpec, frame: CustomerFrame) -> Iterator[tuple[str, NDArray[np.bool_]]]:
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
            days, given = frame.number(column), _present(why)
            why[given & np.isnan(days)] = none
            why[given & (days < spec.minimum_days)] = TOO_FEW_DAYS
    return why


def _present(why: Texts) -> NDArray[np.bool_]:
    return np.array([reason is None for reason in why], bool)


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
        columns = [answers[f"{spec.name}_{number}"].to_pylist() for number in range(len(rules))]
        why = _with_history(spec, tags, given.frame, np.full(len(given.frame), None, object))
        values: list[str | None] = []
        for place, row in enumerate(zip(*columns, strict=True)):
            value = None if why[place] is not None else _first(spec, row)
            if value is None and why[place] is None:
                why[place] = _first_reason(rules, given, place)
            values.append(value)
        flags = pa.array([None if v is None else v == "yes" for v in values], pa.bool_())
        column = spec.term.column
        given.columns[column] = flags if spec.kind == "flag" else pa.array(values, pa.string())
        given.reasons[column] = why


def _first(spec: TagSpec, said: Sequence[bool | None]) -> str | None:
    """The first value whose rule holds; None when an earlier rule is unknown."""
    for value, holds in zip(spec.values, said, strict=False):
        if holds is None:
            return None
        if holds:
            return value
    return spec.values[-1]


def _first_reason(rules: Sequence[CheckedRule], given: _Given, place: int) -> str:
    """Why the first absent value of the rules is absent."""
    for rule in rules:
        for value in values_of(rule.tree):
            reason = given.absence(rule.term(value).column)[place]
            if reason is not None:
                return str(reason)
    raise AssertionError("a rule is unknown only where a value is absent")


def _rows(spec: TagSpec, tags: TagCatalogue, given: _Given) -> pa.Table:
    frame, count = given.frame, len(given.frame)
    column, why = given.columns[spec.term.column], given.reasons[spec.term.column]
    sources = tags.sources(spec)
    confidence = _confidence(spec, sources, frame)
    confidence[~_present(why)] = np.nan
    start, end = _window(sources, frame)
    rows: Mapping[str, object] = {
        "customer_id": frame.rows["customer_id"],
        "tag": pa.repeat(pa.scalar(spec.name), count),
        "as_of": pa.repeat(pa.scalar(frame.as_of, pa.timestamp("us", tz="UTC")), count),
        "value": pa.array(_texts(spec, column), pa.string()),
        "number": column if spec.of else pa.nulls(count, pa.float64()),
        "confidence": pa.array(confidence, from_pandas=True),
        "reason": pa.array(why, pa.string()),
        "window_start": start,
        "window_end": end,
    }
    return pa.table(dict(rows), schema=_SCHEMA)


_SCHEMA = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table("tag"))])


def _texts(spec: TagSpec, column: pa.Array) -> list[str | None]:
    return [None if value is None else _text(spec, value) for value in column.to_pylist()]


def _text(spec: TagSpec, value: Any) -> str:
    if spec.kind == "flag":
        return "yes" if value else "no"
    return str(value) if spec.kind == "choice" else f"{value:.6g}"


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
        ends: list[date | None] = frame.rows["bill_end"].to_pylist()
        return frame.rows["bill_start"], pa.array(
            [None if end is None else last_day(end) for end in ends], pa.date32()
        )
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
        reasons = Counter(str(reason) for reason in given.reasons[spec.term.column] if reason is not None)
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
