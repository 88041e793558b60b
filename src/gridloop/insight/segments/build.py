"""Segments with members and certificates from one view (docs/methods/segments.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gridloop.domain.finding import Finding, NotComputable, Severity
from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.insight.segments.by_cluster import clustered
from gridloop.insight.segments.certificate import Certificate, mean_shape, peak_share, verdict_of
from gridloop.insight.segments.contactable import Consents, consents_at, reachable
from gridloop.insight.segments.definition import (
    CheckedSegment,
    SegmentDefinition,
    check_segments,
    load_segments,
)
from gridloop.insight.segments.estimate import Detectable, Estimate, detectable_effect
from gridloop.insight.segments.group import Group, Truth, truths
from gridloop.insight.tags.build import Tags, build_tags
from gridloop.insight.tags.catalogue import TagCatalogue, load_tags

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


class SegmentSettings(BaseModel):
    """What the segment job may be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_members: int = Field(
        default=15, ge=2, description="A segment with fewer members is not shown (small-cell rule)."
    )
    held_out_share: float = Field(
        default=0.3, gt=0, lt=1, description="Share of customers kept out of every fit, by hash of their id."
    )
    bootstrap_rounds: int = Field(
        default=30, ge=30, le=1000, description="How often a clustering is repeated on customers drawn anew."
    )
    bootstrap_customers: int = Field(
        default=5_000, ge=100, description="Customers used in a bootstrap round, at most."
    )
    purpose: str = Field(default="marketing", description="The consent that makes a customer reachable.")
    cuped_correlation: float = Field(
        default=0.0,
        gt=-1,
        lt=1,
        description="Correlation of the outcome with a covariate from before the test; 0 plans without one.",
    )
    significance: float = Field(default=0.05, gt=0, lt=1, description="Of the planned two-sided test.")
    power: float = Field(default=0.8, gt=0, lt=1, description="Of the planned test.")
    seed: int = Field(default=0, ge=0, description="Fixes clusterings and bootstrap draws.")


@dataclass(frozen=True)
class Segments:
    """Segments as rows of tables `segment` and `segment_member`.

    Attributes:
        rows: one a segment that is shown.
        members: one a segment and customer.
        certificates: by segment id.
        findings: segments too small to show, unstable clusters, clusterings that could not be made.
    """

    rows: pa.Table
    members: pa.Table
    certificates: dict[str, Certificate] = field(repr=False)
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Context:
    """What every certificate draws on; `accounts` int64[customers], open ones."""

    tags: Tags
    settings: SegmentSettings
    consents: Consents | NotComputable
    accounts: NDArray[np.int64]


def build_segments(
    view: LakeView,
    settings: SegmentSettings | None = None,
    *,
    tags: Tags | None = None,
    catalogue: TagCatalogue | None = None,
    definitions: Sequence[SegmentDefinition] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Segments:
    """Find the members of every segment and certify it.

    Args:
        view: tables `feature`, `customer`, `account`, `bill`, `consent`, as known at its point of knowledge.
        settings: see `SegmentSettings`.
        tags: of the same view; built when not given.
        catalogue: the tags that rules may name; the shipped ones when not given.
        definitions: the shipped segments when not given.
        progress: told (definitions done, definitions in all).

    Raises:
        UsageError: a rule or column of a definition names something that is not there or does not fit.
    """
    chosen = settings or SegmentSettings()
    named = catalogue or load_tags()
    declared = load_segments() if definitions is None else definitions
    checked = check_segments(declared, named.vocabulary)
    given = tags or build_tags(view, catalogue=named)
    as_of = _known_at(view, given)
    context = _Context(given, chosen, consents_at(view, chosen.purpose, as_of), _accounts(view, given))
    groups: list[Group] = []
    findings: list[Finding] = []
    rules = truths(given, [segment.rule for segment in checked])
    for number, (segment, truth) in enumerate(zip(checked, rules, strict=True)):
        if progress is not None:
            progress(number, len(checked))
        if segment.definition.method == "rule":
            groups.append(_by_rule(segment, truth))
            continue
        found = clustered(segment, truth, given, named.vocabulary, chosen)
        if isinstance(found, NotComputable):
            findings.append(_not_made(segment.definition, found))
        else:
            groups += found.groups
            findings += found.findings
    shown = [group for group in groups if group.members.sum() >= chosen.minimum_members]
    certificates = {group.segment_id: _certify(group, context) for group in shown}
    findings += _hidden(groups, chosen.minimum_members)
    findings += _unstable(certificates)
    findings += _led_by_one(certificates)
    return Segments(
        _rows(shown, certificates, as_of), _members(shown, given, as_of), certificates, tuple(findings)
    )


def _by_rule(segment: CheckedSegment, truth: Truth) -> Group:
    assert segment.rule is not None, "a rule segment has a rule"
    exact = NotComputable("exact_by_definition", "The rule is the definition: every member meets it.")
    return Group(
        segment.definition.name,
        segment.definition,
        segment.definition.label.en,
        segment.definition.label.zh,
        truth.holds,
        definition_text=segment.rule.text,
        plain_rule=segment.rule.text,
        precision=exact,
        recall=exact,
        stability=NotComputable("fixed_rule", "A rule does not change with who else is there."),
        population=int(truth.known.sum()),
        notes={"customers_for_whom_the_rule_is_unknown": int((~truth.known).sum())},
    )


def _certify(group: Group, context: _Context) -> Certificate:
    frame, settings = context.tags.frame, context.settings
    ids = frozenset(np.array(frame.rows["customer_id"].to_pylist(), dtype=object)[group.members].tolist())
    served = group.members & (context.accounts > 0)  # whoever closed their account cannot be treated
    units = served if served.any() else group.members
    single = bool(served.any() and (context.accounts[served] == 1).all())
    return Certificate(
        method=group.definition.method,
        definition=group.definition_text,
        plain_rule=group.plain_rule,
        rule_precision=group.precision,
        rule_recall=group.recall,
        held_out=group.held_out,
        members=len(ids),
        population=group.population,
        peak_share=peak_share(frame, group.members),
        mean_shape=mean_shape(frame, group.members, settings.minimum_members),
        stability=group.stability,
        verdict=verdict_of(group.stability),
        reachable=context.consents
        if isinstance(context.consents, NotComputable)
        else reachable(ids, context.consents),
        detectable=_detectable(frame.number("daily_mean")[units], single, settings),
        notes=group.notes,
    )


def _detectable(
    daily_wh: NDArray[np.float64], single: bool, settings: SegmentSettings
) -> Detectable | NotComputable:
    return detectable_effect(
        daily_wh,
        unit="account" if single else "customer",
        correlation=settings.cuped_correlation,
        significance=settings.significance,
        power=settings.power,
    )


def _accounts(view: LakeView, tags: Tags) -> NDArray[np.int64]:
    """int64[customers], open accounts of each."""
    rows = view.arrow("account", columns=("customer_id", "account_id", "closed"))
    rows = rows.filter(pc.is_null(rows["closed"]))
    counted = rows.group_by("customer_id").aggregate([("account_id", "count_distinct")])
    ids = tags.frame.rows["customer_id"].combine_chunks()
    place = pc.index_in(ids, counted["customer_id"].combine_chunks())
    counts = counted["account_id_count_distinct"].combine_chunks().take(place)
    return np.asarray(pc.fill_null(counts, 0).to_numpy(zero_copy_only=False), np.int64)


def _known_at(view: LakeView, tags: Tags) -> datetime:
    """The view's point of knowledge, or the newest of the tags and the consents where it has none."""
    if view.known_at is not None:
        return view.known_at
    newest = pc.max(view.arrow("consent", columns=("available_at",))["available_at"]).as_py()
    return tags.frame.as_of if newest is None else max(tags.frame.as_of, newest)


def _rows(groups: Sequence[Group], certificates: dict[str, Certificate], as_of: datetime) -> pa.Table:
    rows = []
    for group in groups:
        found = certificates[group.segment_id]
        contact = found.reachable
        rows.append(
            {
                "segment_id": group.segment_id,
                "as_of": as_of,
                "name_en": group.name_en,
                "name_zh": group.name_zh,
                "method": found.method,
                "rule": found.plain_rule if isinstance(found.plain_rule, str) else None,
                "members": found.members,
                "reachable": None if isinstance(contact, NotComputable) else contact.customers,
                "stability": _value(found.stability),
                "rule_precision": _value(found.rule_precision),
                "rule_recall": _value(found.rule_recall),
                "certificate": found.document(),
            }
        )
    return pa.Table.from_pylist(rows, schema=_nullable("segment"))


def _value(estimate: Estimate | NotComputable) -> float | None:
    return None if isinstance(estimate, NotComputable) else estimate.value


def _members(groups: Sequence[Group], tags: Tags, as_of: datetime) -> pa.Table:
    ids = tags.frame.rows["customer_id"].combine_chunks()
    tables = []
    for group in groups:
        place = np.flatnonzero(group.members)
        count, none = len(place), np.full(len(place), np.nan)
        near = none if group.distance is None else group.distance[place]
        sure = none if group.confidence is None else group.confidence[place]
        tables.append(
            pa.table(
                {
                    "segment_id": pa.repeat(pa.scalar(group.segment_id), count),
                    "customer_id": ids.take(pa.array(place)),
                    "as_of": pa.repeat(pa.scalar(as_of, pa.timestamp("us", tz="UTC")), count),
                    "distance": pa.array(near, from_pandas=True),
                    "confidence": pa.array(sure, from_pandas=True),
                },
                schema=_nullable("segment_member"),
            )
        )
    return pa.concat_tables([_nullable("segment_member").empty_table(), *tables])


def _nullable(name: str) -> pa.Schema:
    return pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])


def _not_made(definition: SegmentDefinition, why: NotComputable) -> Finding:
    return Finding(
        "segment.no_clusters",
        f"Clustering {definition.name!r} was not made: {why.reason}",
        {"code": why.code, **why.evidence},
        Severity.WARNING,
        "segment",
        definition.name,
    )


def _hidden(groups: Sequence[Group], least: int) -> Iterator[Finding]:
    for group in groups:
        if group.members.sum() < least:
            yield Finding(
                "segment.too_small",
                f"Segment {group.segment_id!r} has fewer than {least} members and is not shown.",
                {"least": least},
                Severity.INFO,
                "segment",
                group.segment_id,
            )


def _led_by_one(certificates: dict[str, Certificate]) -> Iterator[Finding]:
    for segment_id, found in certificates.items():
        if isinstance(found.detectable, Detectable) and found.detectable.largest_share > 0.5:
            share = found.detectable.largest_share
            yield Finding(
                "segment.led_by_one",
                f"One member makes {share:.0%} of the differences between members of {segment_id!r}; "
                "it may be registered in a wrong class or unit.",
                {"share": share, "members": found.members},
                Severity.WARNING,
                "segment",
                segment_id,
            )


def _unstable(certificates: dict[str, Certificate]) -> Iterator[Finding]:
    for segment_id, found in certificates.items():
        if found.verdict == "unstable" and isinstance(found.stability, Estimate):
            yield Finding(
                "segment.unstable",
                f"Segment {segment_id!r} is unstable: drawn anew, it comes back by {found.stability.value:.2f} only.",
                {"jaccard": found.stability.value, "least": 0.7},
                Severity.WARNING,
                "segment",
                segment_id,
            )
