"""What the `segment` commands and pages answer: certificates, members, what is not shown and why, rules tried out."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from gridloop.domain.errors import GridloopError, UsageError, did_you_mean

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.engine.view import LakeView
    from gridloop.insight.segments.definition import CheckedSegment
    from gridloop.insight.tags.build import Tags
    from gridloop.insight.tags.rule_check import CheckedRule, Vocabulary
    from gridloop.insight.tags.rule_tree import Value


def segment_rows(session: Session) -> list[dict[str, Any]]:
    """The segments that are shown, each with its certificate, in the order of their names."""
    with closing(session.published()) as view:
        rows = view.arrow("segment").sort_by("segment_id").to_pylist() if view.exists("segment") else []
    return [row | {"certificate": json.loads(row["certificate"])} for row in rows]


def hidden_rows(session: Session) -> list[dict[str, Any]]:
    """Definitions that give no segment to show, and why; none before segments were found."""
    with closing(session.published()) as view:
        if not view.exists("segment"):
            return []
        shown = view.arrow("segment", columns=("segment_id",))["segment_id"].to_pylist()
        return [
            {"segment": checked.definition.name, "name": checked.definition.label.en}
            | {"method": checked.definition.method, "why": _why_hidden(view, checked)}
            for checked in _definitions(session)
            if not any(name == checked.definition.name or _is_cluster(name, checked) for name in shown)
        ]


def _definitions(session: Session) -> list[CheckedSegment]:
    from gridloop.insight.segments.definition import check_segments, load_segments
    from gridloop.insight.tags.catalogue import load_tags

    root = session.workspace.root
    return check_segments(load_segments(root), load_tags(root).vocabulary)


def _is_cluster(segment_id: str, checked: CheckedSegment) -> bool:
    """Whether a segment is one of the clusters of a definition."""
    name, _, number = segment_id.rpartition("-")
    return checked.definition.method == "cluster" and name == checked.definition.name and number.isdigit()


def _why_hidden(view: LakeView, checked: CheckedSegment) -> str:
    """Why a definition gives no segment: the small-cell rule, and what most customers lack for it."""
    from gridloop.insight.segments.build import SegmentSettings

    least = SegmentSettings().minimum_members
    why = f"fewer than {least} members"
    names = [] if checked.rule is None else _named(checked.rule)
    if checked.definition.method == "cluster":
        why = f"no clusters of {least} members can be made of those who have a shape and every column"
        names += [("feature", "mean_profile"), *(_stored(term.column) for term in checked.terms)]
    lacks = [found for kind, name in names if (found := _lacking(view, kind, name)) is not None]
    return f"{why}; {max(lacks)[1]}" if lacks else why


def _named(rule: CheckedRule) -> list[tuple[str, str]]:
    from gridloop.insight.tags.rule_tree import values_of

    return [_stored(rule.term(value).column) for value in values_of(rule.tree)]


def _stored(column: str) -> tuple[str, str]:
    """Table and name under which a column of the customers is stored."""
    return ("tag", column.removeprefix("tag_")) if column.startswith("tag_") else ("feature", column)


def _lacking(view: LakeView, kind: str, name: str) -> tuple[int, str] | None:
    """How many customers lack a tag or feature, as a number and a phrase; None when most have it."""

    rows = view.table(kind)
    rows = rows.filter(rows[kind] == name)
    missing = rows.filter(rows.reason.notnull())
    counted = missing.group_by("reason").aggregate(n=missing.customer_id.nunique()).to_pyarrow().to_pylist()
    total = rows.customer_id.nunique().to_pyarrow().as_py()
    lacking = sum(row["n"] for row in counted)
    if 2 * lacking <= total:
        return None
    most = max(counted, key=lambda row: row["n"])
    return (
        lacking,
        f"{lacking:,} of {total:,} customers lack {name}, mostly because {_because(most['reason'])}",
    )


def _because(code: str) -> str:
    from gridloop.insight.tags.reasons import reason_label

    return f"{reason_label(code).en} ({code})"


def certified(session: Session, name: str) -> dict[str, Any]:
    """One segment with its certificate.

    Raises:
        UsageError: there is no segment of that name.
        GridloopError: it is defined, but is not shown.
    """
    rows = {row["segment_id"]: row for row in segment_rows(session)}
    if name in rows:
        return rows[name]
    for hidden in hidden_rows(session):
        if hidden["segment"] == name:
            raise GridloopError(
                f"Segment {name!r} is not shown: {hidden['why']}.",
                ways_out=("See those that are: gridloop segment list", "Widen its rule, or add readings."),
            )
    clusters = [segment for segment in rows if segment.rpartition("-")[0] == name]
    if clusters:
        raise UsageError(
            f"{name!r} is a clustering; its segments have numbers.",
            ways_out=tuple(f"gridloop segment show {segment}" for segment in sorted(clusters)),
        )
    raise UsageError(f"There is no segment {name!r}.", ways_out=did_you_mean(name, rows))


def member_rows(session: Session, name: str) -> list[dict[str, Any]]:
    """The members of a segment, those nearest to a cluster's centre first.

    Raises:
        UsageError, GridloopError: see `certified`.
    """
    certified(session, name)
    with closing(session.published()) as view:
        members = view.table("segment_member")
        mine = members.filter(members.segment_id == name).order_by(["distance", "customer_id"])
        rows = mine.select("customer_id", "distance", "confidence", "as_of").to_pyarrow().to_pylist()
    return list(rows)


def rule_names(session: Session) -> list[dict[str, Any]]:
    """Everything that a rule may name: columns, and tags as they are written."""
    from gridloop.insight.tags.catalogue import load_tags

    vocabulary: Vocabulary = load_tags(session.workspace.root).vocabulary
    named = {**vocabulary.columns, **{f"tag('{name}')": term for name, term in vocabulary.tags.items()}}
    return [
        {"name": name, "type": term.kind.value, "unit": None if term.unit == "1" else term.unit}
        | {"values": ", ".join(term.values) or None, "from": term.source.value}
        for name, term in named.items()
    ]


def try_rule(session: Session, text: str) -> dict[str, Any]:
    """For how many customers a rule holds, of whom it cannot be said, and the certificate a segment by it would have.

    Small cells are not told: `holds` is None when it lies between 1 and the fewest members that a segment is shown
    with, and so is `does_not_hold`.

    Raises:
        UsageError: the rule cannot be read, or names or compares what it cannot; says where and what is close.
    """
    from gridloop.insight.segments.build import SegmentSettings, build_segments
    from gridloop.insight.segments.definition import SegmentDefinition
    from gridloop.insight.segments.group import truths
    from gridloop.insight.tags.build import build_tags
    from gridloop.insight.tags.catalogue import Bilingual, load_tags
    from gridloop.insight.tags.rule_check import check_rule

    catalogue = load_tags(session.workspace.root)
    rule = check_rule(text, catalogue.vocabulary)
    words = Bilingual(en="Tried rule", zh="试算规则")
    tried = SegmentDefinition(name="tried", method="rule", label=words, description=words, rule=text)
    least = SegmentSettings().minimum_members
    with closing(session.published()) as view:
        tags = build_tags(view, catalogue=catalogue)
        [truth] = truths(tags, [rule])
        found = build_segments(view, tags=tags, catalogue=catalogue, definitions=[tried])
    holds, unknown = int(truth.holds.sum()), int((~truth.known).sum())
    told = holds == 0 or holds >= least
    document = found.certificates["tried"].document() if "tried" in found.certificates else None
    return {
        "rule": rule.text,
        "holds": holds if told else None,
        "does_not_hold": len(tags.frame) - unknown - holds if told else None,
        "unknown": unknown,
        "customers": len(tags.frame),
        "least_told": least,
        "unknown_because": _unknown_because(rule, tags, ~truth.known) if unknown else [],
        "certificate": None if document is None else json.loads(document),
    }


def _unknown_because(rule: CheckedRule, tags: Tags, unknown: Any) -> list[dict[str, Any]]:
    """What the customers lack for whom the rule cannot be said; one customer may lack several things."""
    from gridloop.insight.tags.rule_tree import Holds, print_rule, values_of

    rows = []
    for value in values_of(rule.tree):
        counted = Counter(reason for reason in _absence(rule, tags, value)[unknown] if reason is not None)
        rows += [
            {"lacks": print_rule(Holds(value)), "customers": count, "reason": reason}
            | {"because": _because(reason)}
            for reason, count in counted.most_common()
        ]
    return rows


def _absence(rule: CheckedRule, tags: Tags, value: Value) -> Any:
    """object[customers]: why each lacks a value of the rule; None where they have it."""
    import numpy as np
    import pyarrow.compute as pc

    column = rule.term(value).column
    kind, name = _stored(column)
    if kind == "tag":
        rows = tags.rows.filter(pc.equal(tags.rows["tag"], name)).sort_by("customer_id")
        return np.array(rows["reason"].to_pylist(), dtype=object)
    if column in tags.frame.reasons:
        return tags.frame.reasons[column]
    null = tags.frame.rows[column].combine_chunks().is_null().to_numpy(zero_copy_only=False)
    return np.where(null, "attribute_not_known", np.array(None))
