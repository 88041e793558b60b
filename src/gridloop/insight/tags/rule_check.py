"""What a rule may name: every column, tag, type and code is checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.insight.tags.rule_parse import parse_rule, refuse
from gridloop.insight.tags.rule_tree import (
    And,
    Comparison,
    Holds,
    Known,
    Literal,
    Membership,
    Name,
    Not,
    Operator,
    Or,
    Rule,
    Value,
    print_rule,
)


class TermType(StrEnum):
    """Type of a value in a rule."""

    NUMBER = "number"
    TEXT = "text"
    TRUTH = "truth"


class Source(StrEnum):
    """Where a value comes from, and with it what its confidence rests on."""

    READINGS = "readings"
    BILLS = "bills"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a rule may name.

    Attributes:
        column: column of the customer table that holds it.
        kind: its type.
        unit: of a number.
        values: the closed set of codes of a text, if it has one.
        source: see `Source`.
    """

    column: str
    kind: TermType
    unit: str = "1"
    values: tuple[str, ...] = ()
    source: Source = Source.READINGS


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The columns and tags that rules may name; `synonyms` are other names of columns."""

    columns: Mapping[str, Term]
    tags: Mapping[str, Term] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)

    def term(self, value: Value) -> Term | None:
        """What a name of the rule stands for; None when there is no such thing."""
        if isinstance(value, Name):
            return self.columns.get(self.synonyms.get(value.name, value.name))
        return self.tags.get(value.name)


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that names only what there is and compares only what can be compared.

    Attributes:
        tree: its syntax tree.
        vocabulary: what it was checked against.
    """

    tree: Rule
    vocabulary: Vocabulary

    @property
    def text(self) -> str:
        """Its printed form."""
        return print_rule(self.tree)

    def term(self, value: Value) -> Term:
        """What a name of the rule stands for."""
        found = self.vocabulary.term(value)
        assert found is not None, "a checked rule names known things only"
        return found


def check_rule(text: str, vocabulary: Vocabulary) -> CheckedRule:
    """Parse a rule and check every name and type in it.

    Raises:
        UsageError: with the position of the first thing that is wrong, and the names or types that fit.
    """
    tree = parse_rule(text)
    _Checker(text, vocabulary).check(tree)
    return CheckedRule(tree, vocabulary)


class _Checker:
    """Walks a tree; keeps the text for messages."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self.vocabulary = vocabulary

    def check(self, rule: Rule) -> None:
        """Raise for the first thing that is wrong."""
        match rule:
            case And(parts) | Or(parts):
                for part in parts:
                    self.check(part)
            case Not(part):
                self.check(part)
            case Known(value):
                self.term(value)
            case Holds(value):
                self.holds(value)
            case Comparison():
                self.comparison(rule)
            case Membership(left, options):
                self.options(left, options)

    def term(self, value: Value) -> Term:
        """What a value stands for."""
        found = self.vocabulary.term(value)
        if found is not None:
            return found
        if isinstance(value, Name):
            known: Iterable[str] = [*self.vocabulary.columns, *self.vocabulary.synonyms]
            what = f"there is no column {value.name!r}"
            ways = [f"Write tag('{value.name}')."] if value.name in self.vocabulary.tags else []
        else:
            known, what = self.vocabulary.tags, f"there is no tag {value.name!r}"
            ways = [f"Write {value.name}."] if value.name in self.vocabulary.columns else []
        raise self.refuse(value, what, *ways, *([] if ways else did_you_mean(value.name, known)))

    def holds(self, value: Value) -> None:
        """A value by itself must be a truth."""
        term = self.term(value)
        if term.kind is not TermType.TRUTH:
            example = "> 0" if term.kind is TermType.NUMBER else f"= '{(*term.values, '…')[0]}'"
            raise self.refuse(
                value,
                f"{value.name!r} is a {term.kind.value}, not a condition",
                f"Compare it: {_written(value)} {example}.",
            )

    def comparison(self, rule: Comparison) -> None:
        """Both sides have one type, and texts and truths are only equal or not."""
        term = self.term(rule.left)
        if isinstance(rule.right, Literal):
            self.literal(rule.left, term, rule.right)
        elif (other := self.term(rule.right)).kind is not term.kind or other.unit != term.unit:
            raise self.refuse(
                rule.right,
                f"{rule.left.name!r} ({_described(term)}) cannot be compared with "
                f"{rule.right.name!r} ({_described(other)})",
                "Compare values of the same type and unit.",
            )
        if term.kind is not TermType.NUMBER and rule.operator not in (Operator.EQUAL, Operator.UNEQUAL):
            raise self.refuse(
                rule.left, f"{rule.operator.value} needs numbers; {rule.left.name!r} is a {term.kind.value}",
                "Write = or != or in.",
            )  # fmt: skip

    def options(self, left: Value, options: tuple[Literal, ...]) -> None:
        """Every element of a list fits the left side."""
        term = self.term(left)
        if term.kind is TermType.TRUTH:
            raise self.refuse(left, f"{left.name!r} is a truth; it is in no list", f"Write {_written(left)}.")
        for option in options:
            self.literal(left, term, option)

    def literal(self, left: Value, term: Term, literal: Literal) -> None:
        """A literal has the type of the value beside it, and is one of its codes where they are closed."""
        kind = _kind(literal)
        if kind is not term.kind:
            in_unit = "" if term.unit == "1" else f" in {term.unit}"
            raise self.refuse(
                literal,
                f"{left.name!r} is a {term.kind.value} and cannot be compared with a {kind.value}",
                {
                    TermType.NUMBER: f"Write a number{in_unit}, without quotes.",
                    TermType.TEXT: "Write a text in single quotes.",
                    TermType.TRUTH: "Write true or false.",
                }[term.kind],
            )
        if term.values and literal.value not in term.values:
            raise self.refuse(
                literal,
                f"{literal.value!r} is not a value of {left.name!r}",
                *did_you_mean(str(literal.value), term.values),
            )

    def refuse(self, at: Value | Literal, what: str, *ways_out: str) -> UsageError:
        """The error for one place."""
        return refuse(self.text, max(1, at.position), what, *ways_out)


def _kind(literal: Literal) -> TermType:
    if isinstance(literal.value, bool):
        return TermType.TRUTH
    return TermType.TEXT if isinstance(literal.value, str) else TermType.NUMBER


def _described(term: Term) -> str:
    return f"{term.kind.value} in {term.unit}" if term.kind is TermType.NUMBER else term.kind.value


def _written(value: Value) -> str:
    return value.name if isinstance(value, Name) else f"tag('{value.name}')"
