"""From the text of a rule to its tree: a tokeniser and a recursive descent, which refuse everything else.

rule        = conjunction { "or" conjunction }
conjunction = negation { "and" negation }
negation    = "not" negation | primary
primary     = "(" rule ")" | "known" "(" value ")" | value [ comparison ]
comparison  = operator operand | [ "not" ] "in" "(" literal { "," literal } ")"
operand     = value | literal
value       = name | "tag" "(" text ")"
literal     = number | text | "true" | "false"
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from gridloop.domain.errors import UsageError
from gridloop.insight.tags.rule_tree import (
    And,
    Comparison,
    Holds,
    Known,
    Literal,
    Membership,
    Name,
    Not,
    Operand,
    Operator,
    Or,
    Rule,
    TagName,
    Value,
)

LONGEST = 4_000
DEEPEST = 30
MOST_OPTIONS = 200

_WORDS = ("and", "or", "not", "in", "known", "tag", "true", "false")
_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n]+)"
    r"|(?P<number>-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>'(?:[^'\x00-\x1f\x7f]|'')*')"
    r"|(?P<operator><=|>=|!=|==|<>|=|<|>)"
    r"|(?P<mark>[(),])",
    re.ASCII,
)
_HINTS = {
    "'": "A text ends with a second quote on the same line; a quote within it is written twice: 'O''Brien'.",
    '"': "Write texts in single quotes: 'shop'.",
    ";": "A rule is one condition; it has no statements.",
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not` or `!=`.",
    "-": "A rule has no comments and no arithmetic; a minus belongs to a number.",
}
_SPELLINGS = {"==": "Write `=`.", "<>": "Write `!=`."}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse_rule(text: str) -> Rule:
    """The tree of a rule.

    Args:
        text: the rule; at most 4,000 characters, 30 levels of parentheses and `not`, 200 options of an `in`.

    Raises:
        UsageError: with the position of what cannot be read, and what may stand there.
    """
    if len(text) > LONGEST:
        raise UsageError(
            "The rule is too long.",
            evidence={"characters": len(text), "most": LONGEST},
            ways_out=("Split it into segments, or use a tag.",),
        )
    return _Parser(text).whole()


def refuse(text: str, position: int, what: str, *ways_out: str) -> UsageError:
    """The error for one place of a rule; `position` counts characters from 1."""
    around = text[max(0, position - 21) : position + 39].replace("\n", " ").replace("\t", " ")
    pointer = " " * (min(position, 21) - 1) + "^"
    shown = {"at character": position, "rule": around, "here": pointer}
    return UsageError(f"Rule: {what}.", evidence=shown, ways_out=ways_out)


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            hint = _HINTS.get(
                text[place], "Allowed are names, numbers, 'texts', comparisons and parentheses."
            )
            raise refuse(text, place + 1, f"{text[place]!r} cannot stand in a rule", hint)
        kind, word = str(match.lastgroup), match.group()
        if word in _SPELLINGS:
            raise refuse(text, place + 1, f"{word!r} is not an operator here", _SPELLINGS[word])
        if kind == "name" and word.lower() in _WORDS:
            kind, word = "word", word.lower()
        if kind != "blank":
            found.append(_Token(kind, word, place + 1))
        place = match.end()
    return [*found, _Token("end", "the end", len(text) + 1)]


class _Parser:
    """One pass over the tokens of a rule."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        """The token that comes next."""
        return self.tokens[self.place]

    def whole(self) -> Rule:
        """The rule, and nothing after it."""
        rule = self.rule()
        if self.token.kind != "end":
            raise self.refuse("Join conditions with `and` or `or`.")
        return rule

    def rule(self) -> Rule:
        """Conjunctions joined by `or`."""
        parts = self.joined("or", self.conjunction)
        return parts[0] if len(parts) == 1 else Or(parts)

    def conjunction(self) -> Rule:
        """Negations joined by `and`."""
        parts = self.joined("and", self.negation)
        return parts[0] if len(parts) == 1 else And(parts)

    def joined(self, word: str, part: Callable[[], Rule]) -> tuple[Rule, ...]:
        """One part or several with `word` between them."""
        parts = [part()]
        while self.take("word", word):
            parts.append(part())
        return tuple(parts)

    def negation(self) -> Rule:
        """`not` before a condition, or the condition."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refuse(f"At most {DEEPEST} levels.", what="the rule is nested too deep")
        rule = Not(self.negation()) if self.take("word", "not") else self.primary()
        self.depth -= 1
        return rule

    def primary(self) -> Rule:
        """A condition, or a rule in parentheses."""
        if self.take("mark", "("):
            rule = self.rule()
            self.expect(")")
            return rule
        if self.take("word", "known"):
            self.expect("(")
            value = self.value()
            self.expect(")")
            return Known(value)
        return self.condition(self.value())

    def condition(self, left: Value) -> Rule:
        """What is said of a value; nothing when the value is a truth by itself."""
        token = self.token
        if self.take("operator"):
            return Comparison(left, Operator(token.text), self.operand())
        if self.take("word", "in"):
            return Membership(left, self.options())
        if token.text == "not" and self.tokens[self.place + 1].text == "in":
            self.place += 2
            return Not(Membership(left, self.options()))
        return Holds(left)

    def operand(self) -> Operand:
        """The right side of a comparison."""
        literal = self.literal()
        return self.value() if literal is None else literal

    def options(self) -> tuple[Literal, ...]:
        """The list of an `in`."""
        self.expect("(")
        found = [self.option()]
        while self.take("mark", ","):
            found.append(self.option())
            if len(found) > MOST_OPTIONS:
                raise self.refuse(f"At most {MOST_OPTIONS}.", what="the list of `in` is too long")
        self.expect(")")
        return tuple(found)

    def option(self) -> Literal:
        """One element of the list."""
        literal = self.literal()
        if literal is None:
            raise self.refuse("A list holds numbers or 'texts'.")
        return literal

    def literal(self) -> Literal | None:
        """A literal if one comes next."""
        token = self.token
        if self.take("number"):
            number = float(token.text)
            if not math.isfinite(number):
                raise refuse(self.text, token.position, f"{token.text} is too large for a number")
            return Literal(number, token.position)
        if self.take("text"):
            return Literal(token.text[1:-1].replace("''", "'"), token.position)
        if token.kind == "word" and token.text in ("true", "false"):
            self.place += 1
            return Literal(token.text == "true", token.position)
        return None

    def value(self) -> Value:
        """A column or a tag."""
        token = self.token
        if self.take("name"):
            return Name(token.text, token.position)
        if self.take("word", "tag"):
            self.expect("(")
            inner = self.token
            if not self.take("text"):
                raise self.refuse("Write the tag's name in quotes: tag('evening_peak').")
            self.expect(")")
            return TagName(inner.text[1:-1].replace("''", "'"), inner.position)
        if token.kind in ("number", "text"):
            raise self.refuse("Write the column first: annual_energy_kwh > 3000.")
        raise self.refuse("Here a column, tag('…') or known(…) is expected.")

    def take(self, kind: str, text: str | None = None) -> bool:
        """Go past the next token if it is this one."""
        fits = self.token.kind == kind and text in (None, self.token.text)
        self.place += fits
        return fits

    def expect(self, mark: str) -> None:
        """Go past a mark that must come next."""
        if not self.take("mark", mark):
            raise self.refuse(f"Here {mark!r} is expected.")

    def refuse(self, *ways_out: str, what: str = "") -> UsageError:
        """The error for the token that comes next."""
        said = what or (
            "it ends too early" if self.token.kind == "end" else f"unexpected {self.token.text!r}"
        )
        return refuse(self.text, self.token.position, said, *ways_out)
