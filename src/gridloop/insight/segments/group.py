"""Members found by a rule or a clustering, before they are certified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.insight.segments.definition import SegmentDefinition
from gridloop.insight.segments.estimate import Estimate
from gridloop.insight.tags.build import Tags
from gridloop.insight.tags.rule_check import CheckedRule
from gridloop.insight.tags.rule_evaluate import compile_rule

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What a rule says of every customer; bool[customers]."""

    holds: Bools
    known: Bools


@dataclass(frozen=True)
class Group:
    """One segment to be.

    Attributes:
        segment_id: of table `segment`.
        definition: where it comes from.
        name_en, name_zh: for people.
        members: bool[customers].
        definition_text: what makes a member.
        plain_rule: see `Certificate`.
        precision, recall, held_out: of the plain rule among customers held out.
        stability: bootstrap Jaccard similarity.
        population: customers among whom it was sought.
        notes: further numbers of the certificate.
        distance, confidence: float64[customers] of a cluster; None for a rule.
    """

    segment_id: str
    definition: SegmentDefinition
    name_en: str
    name_zh: str
    members: Bools
    definition_text: str
    plain_rule: str | NotComputable
    precision: Estimate | NotComputable
    recall: Estimate | NotComputable
    stability: Estimate | NotComputable
    population: int
    held_out: int = 0
    notes: Mapping[str, object] = field(default_factory=dict)
    distance: Float64 | None = None
    confidence: Float64 | None = None


def truths(tags: Tags, rules: Sequence[CheckedRule | None]) -> list[Truth]:
    """What each rule says of every customer, all in one query; no rule holds for everyone."""
    import ibis

    count = tags.customers.num_rows
    everyone = Truth(np.ones(count, bool), np.ones(count, bool))
    given = {f"rule_{number}": rule for number, rule in enumerate(rules) if rule is not None}
    if not given:
        return [everyone for _ in rules]
    customers = ibis.memtable(tags.customers)
    compiled = {name: compile_rule(rule, customers) for name, rule in given.items()}
    answers = customers.select("customer_id", **compiled).to_pyarrow().sort_by("customer_id")
    found = []
    for number in range(len(rules)):
        name = f"rule_{number}"
        if name not in given:
            found.append(everyone)
            continue
        column = answers[name].combine_chunks()
        known = column.is_valid().to_numpy(zero_copy_only=False)
        found.append(Truth(column.fill_null(False).to_numpy(zero_copy_only=False), known))
    return found
