"""The tags as data: what each means, by which rule it is given, what it needs. Shipped in `library/tags`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gridloop.domain.declared_files import FileStamp, read_declared, stamps
from gridloop.domain.errors import GridloopError, UsageError, did_you_mean
from gridloop.domain.table import Privacy, Stage
from gridloop.insight.tags.frame import customer_vocabulary
from gridloop.insight.tags.rule_check import CheckedRule, Source, Term, TermType, Vocabulary, check_rule
from gridloop.insight.tags.rule_tree import TagName, values_of

Model = TypeVar("Model", bound=BaseModel)
NAME = r"^[a-z][a-z0-9_]{2,47}$"


class Bilingual(BaseModel):
    """Words for people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str = Field(min_length=1, description="The words in English.")
    zh: str = Field(min_length=1, description="The words in Chinese.")


class Otherwise(BaseModel):
    """The value of a choice when no rule holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str = Field(pattern=NAME, description="The code that the table keeps.")
    label: Bilingual = Field(description="The value for people.")


class Choice(Otherwise):
    """One value of a choice."""

    when: str = Field(description="Rule by which it is given; the first that holds counts.")


class TagSpec(BaseModel):
    """One tag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME, description="Snake case; what rules write in tag('…').")
    kind: Literal["flag", "choice", "number", "decile"] = Field(description="What its values are.")
    label: Bilingual = Field(description="Its name for people.")
    definition: Bilingual = Field(description="What it means, and what it cannot mean.")
    when: str | None = Field(default=None, description="Of a flag: the rule that makes it a yes.")
    choices: tuple[Choice, ...] = Field(default=(), description="Of a choice: its values in order.")
    otherwise: Otherwise | None = Field(default=None, description="Of a choice: when no rule holds.")
    of: str | None = Field(default=None, description="Of a number or decile: the column it shows.")
    within: str | None = Field(
        default=None, description="Of a decile: the text column whose values split the population."
    )
    unit: str = Field(default="1", description="Unit of its number.")
    minimum_days: int = Field(ge=1, description="Days of data below which it is not given.")
    full_days: int = Field(default=365, ge=1, description="Days of data from which confidence is full.")
    owner: Stage = Field(default=Stage.INSIGHT, description="Stage that is responsible for it.")
    privacy: Privacy = Field(default=Privacy.INTERNAL, description="Who may see it.")
    requirements: tuple[str, ...] = Field(default=(), description="Numbers of the requirements it serves.")

    @model_validator(mode="after")
    def _kind_has_its_keys(self) -> Self:
        needed = {"flag": {"when"}, "choice": {"choices", "otherwise"}, "number": {"of"}, "decile": {"of"}}
        optional = {"decile": {"within"}}.get(self.kind, set())
        given = {key for key in ("when", "choices", "otherwise", "of", "within") if getattr(self, key)}
        if missing := needed[self.kind] - given:
            raise ValueError(f"a {self.kind} needs {', '.join(sorted(missing))}")
        if extra := given - needed[self.kind] - optional:
            raise ValueError(f"a {self.kind} has no {', '.join(sorted(extra))}")
        return self

    @property
    def values(self) -> tuple[str, ...]:
        """The codes of a choice, in order; of a flag yes and no."""
        if self.kind == "flag":
            return ("yes", "no")
        last = () if self.otherwise is None else (self.otherwise.value,)
        return (*(choice.value for choice in self.choices), *last)

    @property
    def formula(self) -> str:
        """How it is given, in terms of features and columns; what runs is made from the same text."""
        if self.kind == "flag":
            return f"yes when {self.when}"
        if self.kind == "choice":
            ordered = "; ".join(f"{choice.value} when {choice.when}" for choice in self.choices)
            return f"{ordered}; else {self.values[-1]}"
        if self.kind == "number":
            return str(self.of)
        among = f"customers of equal {self.within}" if self.within else "all customers"
        return f"1 + ⌊10 · (customers with a smaller {self.of}) / n⌋ among {among}"

    @property
    def term(self) -> Term:
        """How rules see it."""
        column = f"tag_{self.name}"
        if self.kind == "flag":
            return Term(column, TermType.TRUTH)
        if self.kind == "choice":
            return Term(column, TermType.TEXT, values=self.values)
        return Term(column, TermType.NUMBER, self.unit)


@dataclass(frozen=True)
class TagCatalogue:
    """Tags whose rules have been checked.

    Attributes:
        specs: numbers and deciles first, then flags and choices, each in the order of the files.
    """

    specs: tuple[TagSpec, ...]

    def __iter__(self) -> Iterator[TagSpec]:
        return iter(self.specs)

    def tag(self, name: str) -> TagSpec:
        """The tag of that name; UsageError when there is none."""
        for spec in self.specs:
            if spec.name == name:
                return spec
        known = [spec.name for spec in self.specs]
        raise UsageError(f"There is no tag {name!r}.", ways_out=did_you_mean(name, known))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Columns and all tags, for rules of segments."""
        terms = {spec.name: replace(spec.term, source=self._source(spec)) for spec in self.specs}
        return replace(customer_vocabulary(), tags=terms)

    @cached_property
    def rules(self) -> Mapping[str, tuple[CheckedRule, ...]]:
        """The checked rules of every flag and choice, in order."""
        numbers = {spec.name: spec.term for spec in self.specs if spec.of}
        vocabulary = replace(customer_vocabulary(), tags=numbers)
        return {spec.name: tuple(_checked(spec, vocabulary)) for spec in self.specs if not spec.of}

    def sources(self, spec: TagSpec) -> frozenset[Source]:
        """What the values of a tag rest on."""
        columns = customer_vocabulary().columns
        if spec.of:
            return frozenset({columns[spec.of].source})
        found: set[Source] = set()
        for rule in self.rules[spec.name]:
            for value in values_of(rule.tree):
                named = isinstance(value, TagName)
                found |= self.sources(self.tag(value.name)) if named else {rule.term(value).source}
        return frozenset(found)

    def _source(self, spec: TagSpec) -> Source:
        sources = self.sources(spec)
        return next(s for s in (Source.READINGS, Source.BILLS, Source.REGISTER) if s in sources)


def _checked(spec: TagSpec, vocabulary: Vocabulary) -> Iterator[CheckedRule]:
    texts = [spec.when] if spec.when else [choice.when for choice in spec.choices]
    for text in texts:
        try:
            yield check_rule(text, vocabulary)
        except UsageError as error:
            said = error.what.removeprefix("Rule: ")
            raise UsageError(
                f"Tag {spec.name!r}: {said}", evidence=error.evidence, ways_out=error.ways_out
            ) from error


def load_tags(workspace: Path | None = None) -> TagCatalogue:
    """The shipped tags; files in the workspace's `tags` folder add to them and override by name.

    Args:
        workspace: root folder of a workspace, if one is open.

    Raises:
        UsageError: a file is not YAML, or a tag has an unknown key, a wrong value or a rule that cannot be read.
    """
    folders = [Path(str(files("gridloop") / "library" / "tags"))]
    folders += [] if workspace is None else [workspace / "tags"]
    return _tags_of(tuple(stamps([folder]) for folder in folders))


@lru_cache(maxsize=8)
def _tags_of(folders: tuple[tuple[FileStamp, ...], ...]) -> TagCatalogue:
    """The tags of the files of some folders, made again when one of them was written."""
    found: dict[str, TagSpec] = {}
    for listed in folders:
        within: dict[str, Path] = {}
        for path, *_ in listed:
            for spec in read_tags(path):
                if spec.name in within:
                    raise UsageError(
                        f"Tag {spec.name!r} is declared twice.",
                        evidence={"files": f"{within[spec.name].name}, {path.name}"},
                    )
                within[spec.name] = path
                found[spec.name] = spec
    return tag_catalogue(found.values())


def tag_catalogue(specs: Iterable[TagSpec]) -> TagCatalogue:
    """Tags in working order, every rule and column checked.

    Raises:
        UsageError: a rule or column of a tag names something that is not there or does not fit.
    """
    given = tuple(specs)
    columns = customer_vocabulary().columns
    for spec in given:
        for key, kind in (("of", TermType.NUMBER), ("within", TermType.TEXT)):
            name = getattr(spec, key)
            fitting = [known for known, term in columns.items() if term.kind is kind]
            if name and name not in fitting:
                raise UsageError(
                    f"Tag {spec.name!r}: `{key}` names no {kind.value} column.",
                    evidence={key: name},
                    ways_out=did_you_mean(name, fitting),
                )
    catalogue = TagCatalogue(tuple(sorted(given, key=lambda spec: not spec.of)))
    catalogue.rules  # noqa: B018 - checks every rule now rather than at the first use
    return catalogue


def read_tags(path: Path) -> list[TagSpec]:
    """The tags of one file: a list below the key `tags`.

    Raises:
        UsageError: names the file, the place and what is wrong there.
    """
    declared = read_list(path, "tags")
    return [validated(TagSpec, item, path, f"tags.{number}") for number, item in enumerate(declared)]


def read_list(path: Path, key: str) -> list[object]:
    """The list below the one key of a YAML file; UsageError when the file is of another form."""
    try:
        declared = read_declared(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"File {path.name!r} cannot be read.", evidence={"reason": str(error).replace("\n", " ")}
        ) from error
    if not isinstance(declared, dict) or set(declared) != {key} or not isinstance(declared[key], list):
        raise UsageError(f"File {path.name!r} does not hold one list.", ways_out=(f"Start with `{key}:`.",))
    found: list[object] = declared[key]
    return found


def validated(model: type[Model], item: object, path: Path, place: str) -> Model:
    """One declaration as its model; UsageError names the file, the place and the closest known key."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in (place, *first["loc"]))
        unknown = str(first["loc"][-1]) if first["type"] == "extra_forbidden" else ""
        raise UsageError(
            f"File {path.name!r} is not valid: {first['msg']}.",
            evidence={"at": where, "problems": error.error_count()},
            ways_out=did_you_mean(unknown, model.model_fields) if unknown else (),
        ) from error
    except GridloopError as error:
        raise UsageError(f"File {path.name!r}: {error.what}", evidence=error.evidence) from error
