"""Segments as data: a rule, or what to cluster. Shipped in `library/segments`, overridden by a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gridloop.domain.declared_files import FileStamp, stamps
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.table import Privacy, Stage
from gridloop.insight.tags.catalogue import NAME, Bilingual, read_list, validated
from gridloop.insight.tags.rule_check import CheckedRule, Term, TermType, Vocabulary, check_rule


class SegmentDefinition(BaseModel):
    """One segment by rule, or one clustering that gives several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME, description="Snake case; a clustering adds -1, -2 … to it.")
    method: Literal["rule", "cluster"] = Field(description="How members are found.")
    label: Bilingual = Field(description="Its name for people.")
    description: Bilingual = Field(description="Who is in it, and what that cannot mean.")
    rule: str | None = Field(default=None, description="Of a rule segment: who is a member.")
    among: str | None = Field(
        default=None,
        description="Of a clustering: rule for the customers that are clustered; all if not given.",
    )
    columns: tuple[str, ...] = Field(
        default=(), description="Of a clustering: numbers and flags (tag('…')) beside the shape."
    )
    columns_weight: float = Field(
        default=0.5, gt=0, le=4, description="Variance of all columns together; that of the shape is 1."
    )
    clusters: int | None = Field(
        default=None, ge=2, le=20, description="Number of clusters; by Calinski and Harabasz if not given."
    )
    most_clusters: int = Field(default=8, ge=2, le=20, description="Most clusters that are tried.")
    owner: Stage = Field(default=Stage.INSIGHT, description="Stage that is responsible for it.")
    privacy: Privacy = Field(default=Privacy.INTERNAL, description="Who may see it.")
    requirements: tuple[str, ...] = Field(default=(), description="Numbers of the requirements it serves.")

    @model_validator(mode="after")
    def _method_has_its_keys(self) -> Self:
        if (self.method == "rule") != (self.rule is not None):
            raise ValueError("a rule segment needs a rule, a clustering has none")
        if self.method == "rule" and (self.among or self.columns or self.clusters):
            raise ValueError("a rule segment has no among, columns or clusters")
        return self


@dataclass(frozen=True, slots=True)
class CheckedSegment:
    """A definition whose rule and columns have been checked.

    Attributes:
        definition: as declared.
        rule: who is a member, or who is clustered; None when everyone is.
        terms: columns that are clustered beside the shape.
    """

    definition: SegmentDefinition
    rule: CheckedRule | None
    terms: tuple[Term, ...] = ()


def load_segments(workspace: Path | None = None) -> list[SegmentDefinition]:
    """The shipped segments; files in the workspace's `segments` folder add to them and override by name.

    Args:
        workspace: root folder of a workspace, if one is open.

    Raises:
        UsageError: a file is not YAML, or a segment has an unknown key or a wrong value.
    """
    folders = [Path(str(files("gridloop") / "library" / "segments"))]
    folders += [] if workspace is None else [workspace / "segments"]
    return list(_segments_of(stamps(folders)))


@lru_cache(maxsize=8)
def _segments_of(listed: tuple[FileStamp, ...]) -> tuple[SegmentDefinition, ...]:
    """The segments of some files, made again when one of them was written."""
    found: dict[str, SegmentDefinition] = {}
    for path, *_ in listed:
        for number, item in enumerate(read_list(path, "segments")):
            definition = validated(SegmentDefinition, item, path, f"segments.{number}")
            found[definition.name] = definition
    return tuple(found.values())


def check_segments(definitions: Sequence[SegmentDefinition], vocabulary: Vocabulary) -> list[CheckedSegment]:
    """Check every rule and column against the customers' columns and tags.

    Raises:
        UsageError: names the segment, the place and the closest known name.
    """
    return [_checked(definition, vocabulary) for definition in definitions]


def _checked(definition: SegmentDefinition, vocabulary: Vocabulary) -> CheckedSegment:
    text = definition.rule or definition.among
    try:
        rule = None if text is None else check_rule(text, vocabulary)
    except UsageError as error:
        said = error.what.removeprefix("Rule: ")
        raise UsageError(
            f"Segment {definition.name!r}: {said}", evidence=error.evidence, ways_out=error.ways_out
        ) from error
    terms = tuple(_column(definition, name, vocabulary) for name in definition.columns)
    return CheckedSegment(definition, rule, terms)


def _column(definition: SegmentDefinition, name: str, vocabulary: Vocabulary) -> Term:
    known = {column: term for column, term in vocabulary.columns.items() if term.kind is not TermType.TEXT}
    known |= {f"tag('{n}')": term for n, term in vocabulary.tags.items() if term.kind is not TermType.TEXT}
    if name not in known:
        raise UsageError(
            f"Segment {definition.name!r}: there is no number or flag {name!r} to cluster by.",
            ways_out=did_you_mean(name, known),
        )
    return known[name]
