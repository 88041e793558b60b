"""The groups of one clustering: fitted on some customers, described by a rule, judged by the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridloop.domain.finding import Finding, NotComputable, Severity
from gridloop.insight.segments.certificate import stability_of
from gridloop.insight.segments.clustering import (
    Clusters,
    bootstrap_jaccard,
    choose_clusters,
    fit_space,
    is_held_out,
    nearest,
)
from gridloop.insight.segments.definition import CheckedSegment
from gridloop.insight.segments.estimate import Estimate, share_of
from gridloop.insight.segments.group import Bools, Float64, Group, Truth, truths
from gridloop.insight.segments.plain_rule import fit_rule
from gridloop.insight.tags.build import Tags
from gridloop.insight.tags.rule_check import CheckedRule, Term, TermType, Vocabulary, check_rule
from gridloop.insight.tags.rule_tree import And, Rule, print_rule

if TYPE_CHECKING:
    from gridloop.insight.segments.build import SegmentSettings

_LEAST_KNOWN = 0.9  # share of the fitted customers who must have a column before a rule may ask for it
_NOT_ASKED = frozenset(
    (
        *("total_energy", "billed_energy_kwh", "annual_charge"),
        *("missing_share", "longest_missing", "zero_share", "longest_zero"),
    )
)


@dataclass(frozen=True)
class Clustered:
    """The groups of one clustering, and customers that it could not place."""

    groups: list[Group]
    findings: list[Finding]


@dataclass(frozen=True)
class _Population:
    """Who is clustered, as arrays over all customers.

    Attributes:
        sought: meets `among`.
        placed: of those, who has a shape and every column.
        fitted: of those, who is not held out.
        shapes, columns: float64[customers, …]; NaN for absent.
    """

    sought: Bools
    placed: Bools
    fitted: Bools
    shapes: Float64
    columns: Float64


def clustered(
    segment: CheckedSegment, among: Truth, tags: Tags, vocabulary: Vocabulary, settings: SegmentSettings
) -> Clustered | NotComputable:
    """Cluster, describe and judge.

    Args:
        segment: what to cluster.
        among: who.
        tags: of every customer.
        vocabulary: of rules.
        settings: seed, held-out share, small-cell rule, bootstrap.
    """
    definition = segment.definition
    people = _population(segment, among, tags, settings.held_out_share)
    if people.fitted.sum() < 2 * settings.minimum_members:
        counts = {"customers": int(people.fitted.sum()), "least": 2 * settings.minimum_members}
        return NotComputable("too_few_customers", "Too few customers have a shape and every column.", counts)
    space = fit_space(people.shapes[people.fitted], people.columns[people.fitted], definition.columns_weight)
    fitted = space.points(people.shapes[people.fitted], people.columns[people.fitted])
    tried = [definition.clusters] if definition.clusters else list(range(2, definition.most_clusters + 1))
    clusters = choose_clusters(space, fitted, tried, seed=settings.seed, least=settings.minimum_members)
    if isinstance(clusters, NotComputable):
        return clusters
    jaccard = bootstrap_jaccard(
        fitted,
        clusters.centres,
        rounds=settings.bootstrap_rounds,
        most=settings.bootstrap_customers,
        seed=settings.seed,
    )
    groups = list(_groups(segment, people, clusters, jaccard, tags))
    return Clustered(_judged(groups, people, tags, vocabulary), list(_unplaced(segment, people)))


def _population(segment: CheckedSegment, among: Truth, tags: Tags, held_out: float) -> _Population:
    sums = tags.frame.profiles.sum(axis=1)
    usable = np.nan_to_num(sums, nan=-1.0) > 0
    shapes = np.full(tags.frame.profiles.shape, np.nan)
    shapes[usable] = tags.frame.profiles[usable] / sums[usable, None]
    columns = np.empty((len(sums), len(segment.terms)))
    for place, term in enumerate(segment.terms):
        columns[:, place] = _numbers(tags.customers, term)
    placed = among.holds & usable & ~np.isnan(columns).any(axis=1)
    ids = tags.customers["customer_id"].to_pylist()
    out = np.array([is_held_out(customer, held_out) for customer in ids], bool)
    return _Population(among.holds, placed, placed & ~out, shapes, columns)


def _numbers(customers: pa.Table, term: Term) -> Float64:
    """A number or a flag (1 for yes) of every customer; NaN for absent."""
    column = customers[term.column].cast(pa.float64()).combine_chunks()
    return np.array(pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False), np.float64)


def _groups(
    segment: CheckedSegment, people: _Population, clusters: Clusters, jaccard: Float64, tags: Tags
) -> Iterator[Group]:
    definition = segment.definition
    place = np.flatnonzero(people.placed)
    points = clusters.space.points(people.shapes[place], people.columns[place])
    labels, first, second = nearest(points, clusters.centres)
    distance, confidence = np.full(len(people.placed), np.nan), np.full(len(people.placed), np.nan)
    distance[place] = first
    confidence[place] = 1 - np.divide(first, second, out=np.ones(len(first)), where=second > 0)
    candidates = _candidates(tags, people.fitted)
    shape_text = f"shape of the mean day{''.join(f', {name}' for name in definition.columns)}"
    among = f" among customers with {definition.among}" if definition.among else ""
    for cluster in range(len(clusters.centres)):
        members = np.zeros(len(people.placed), bool)
        members[place[labels == cluster]] = True
        inside = members[people.fitted]
        rule = fit_rule(candidates, inside, least=max(5, len(inside) // 100))
        none = NotComputable("no_plain_rule", "No rule of three questions finds mostly members.")
        hour = int(tags.frame.profiles[members].sum(axis=0).argmax())  # as the certificate's mean shape
        yield Group(
            f"{definition.name}-{cluster + 1}",
            definition,
            f"{definition.label.en} {cluster + 1}: highest at {hour}:00",
            f"{definition.label.zh} {cluster + 1}：{hour} 时最高",
            members,
            definition_text=f"cluster {cluster + 1} of {len(clusters.centres)} by {shape_text}{among}",
            plain_rule=none if rule is None else _within(segment, rule),
            precision=none,
            recall=none,
            stability=stability_of(jaccard[:, cluster]),
            population=int(people.placed.sum()),
            notes=_notes(people, clusters, len(jaccard)),
            distance=distance,
            confidence=confidence,
        )


def _within(segment: CheckedSegment, rule: Rule) -> str:
    """The rule for all customers: those who were clustered, and of them these."""
    if segment.rule is None:
        return print_rule(rule)
    outer, inner = (tree.parts if isinstance(tree, And) else (tree,) for tree in (segment.rule.tree, rule))
    return print_rule(And((*outer, *inner)))


def _notes(people: _Population, clusters: Clusters, rounds: int) -> dict[str, object]:
    chosen = "given" if clusters.index is None else "highest Calinski-Harabasz index"
    index = None if clusters.index is None or np.isinf(clusters.index) else clusters.index
    return {
        "clusters": len(clusters.centres),
        "clusters_chosen_by": chosen,
        "calinski_harabasz": index,
        "customers_fitted": int(people.fitted.sum()),
        "customers_not_placed": int((people.sought & ~people.placed).sum()),
        "bootstrap_rounds": rounds,
    }


def _candidates(tags: Tags, fitted: Bools) -> dict[str, Float64]:
    """Columns of the fitted customers that the plain rule may ask for: numbers that nearly all of them have."""
    from gridloop.insight.tags.frame import customer_vocabulary

    found = {}
    for name, term in customer_vocabulary().columns.items():
        if term.kind is TermType.NUMBER and name not in _NOT_ASKED:
            column = _numbers(tags.customers, term)
            if (~np.isnan(column[fitted])).mean() >= _LEAST_KNOWN:
                found[name] = column[fitted]
    return found


def _judged(groups: list[Group], people: _Population, tags: Tags, vocabulary: Vocabulary) -> list[Group]:
    """The groups with precision and recall of their rules among the customers held out."""
    from dataclasses import replace

    rules: list[CheckedRule | None] = [
        check_rule(group.plain_rule, vocabulary) if isinstance(group.plain_rule, str) else None
        for group in groups
    ]
    out = people.placed & ~people.fitted
    judged = []
    for group, rule, truth in zip(groups, rules, truths(tags, rules), strict=True):
        precision: Estimate | NotComputable = group.precision
        recall: Estimate | NotComputable = group.recall
        if rule is not None:
            right = int((out & truth.holds & group.members).sum())
            precision = share_of(right, int((out & truth.holds).sum()))
            recall = share_of(right, int((out & group.members).sum()))
        judged.append(replace(group, precision=precision, recall=recall, held_out=int(out.sum())))
    return judged


def _unplaced(segment: CheckedSegment, people: _Population) -> Iterator[Finding]:
    missing = int((people.sought & ~people.placed).sum())
    if missing:
        yield Finding(
            "segment.not_placed",
            f"{missing} customers lack a shape or a column and are in no cluster of {segment.definition.name!r}.",
            {"customers": missing, "placed": int(people.placed.sum())},
            Severity.INFO,
            "segment",
            segment.definition.name,
        )
