"""The syntax tree of a rule: frozen values, and their one printed form (docs/methods/segments.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Operator(StrEnum):
    """How two sides are compared."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Name:
    """A column of the customer: `annual_energy_kwh`. `position` is its first character in the text, from 1."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TagName:
    """A tag of the customer: `tag('evening_peak')`."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text or a truth value written in the rule."""

    value: float | str | bool
    position: int = field(default=0, compare=False)


Value = Name | TagName
Operand = Name | TagName | Literal


@dataclass(frozen=True, slots=True)
class Holds:
    """A truth value that stands by itself: `vulnerable`, `tag('evening_peak')`."""

    value: Value


@dataclass(frozen=True, slots=True)
class Known:
    """Whether there is a value at all: `known(cooling_slope)`. Never unknown itself."""

    value: Value


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`; unknown where either side is."""

    left: Value
    operator: Operator
    right: Operand


@dataclass(frozen=True, slots=True)
class Membership:
    """`left in (…)`; unknown where the left side is."""

    left: Value
    options: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary; unknown stays unknown."""

    part: Rule


@dataclass(frozen=True, slots=True)
class And:
    """True when all parts are, false when any is false, else unknown. At least two parts."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when any part is, false when all are false, else unknown. At least two parts."""

    parts: tuple[Rule, ...]


Rule = Holds | Known | Comparison | Membership | Not | And | Or


def print_rule(rule: Rule) -> str:
    """The rule as text; parsing it again gives an equal tree."""
    match rule:
        case Or(parts):
            return " or ".join(_within(part, (Or,)) for part in parts)
        case And(parts):
            return " and ".join(_within(part, (Or, And)) for part in parts)
        case Not(Membership(left, options)):
            return f"{_operand(left)} not in {_listed(options)}"
        case Not(part):
            return f"not {_within(part, (Or, And))}"
        case Membership(left, options):
            return f"{_operand(left)} in {_listed(options)}"
        case Comparison(left, operator, right):
            return f"{_operand(left)} {operator.value} {_operand(right)}"
        case Known(value):
            return f"known({_operand(value)})"
        case Holds(value):
            return _operand(value)


def values_of(rule: Rule) -> tuple[Value, ...]:
    """Every column and tag that the rule names, in the order of the text, each once."""
    match rule:
        case Or(parts) | And(parts):
            found = [value for part in parts for value in values_of(part)]
        case Not(part):
            found = list(values_of(part))
        case Comparison(left, _, right):
            found = [left] if isinstance(right, Literal) else [left, right]
        case Membership(left, _):
            found = [left]
        case Known(value) | Holds(value):
            found = [value]
    return tuple(dict.fromkeys(found))


def _within(rule: Rule, looser: tuple[type, ...]) -> str:
    text = print_rule(rule)
    return f"({text})" if isinstance(rule, looser) else text


def _operand(operand: Operand) -> str:
    if isinstance(operand, Name):
        return operand.name
    if isinstance(operand, TagName):
        return f"tag({_quoted(operand.name)})"
    value = operand.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _listed(options: tuple[Literal, ...]) -> str:
    return "(" + ", ".join(_operand(option) for option in options) + ")"
