"""Knowing a finished English text again by its template, to say it in another language.

Errors, findings and progress are written below the layer that knows languages, with their values already in them. The
catalogues `messages` and `cli` hold the templates of all of them with numbered values, `There is no tariff {0}.`; here
a text is matched against these, its values are taken out, and the translation is filled with them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from gridloop.apps.labels import bilingual
from gridloop.apps.translations import Language, catalogue

_TOKEN = re.compile(r"\{\{|\}\}|\{(\d+)\}")
_BETWEEN = re.compile(r"(?<=[.;:]) (?=\S)")
HEAD = 4
"""Letters by which templates are looked up."""
DEPTH = 3
"""How often a value may hold a text that is known itself."""


@dataclass(frozen=True)
class Template:
    """An English text with numbered values, and what it is in the other language."""

    english: str
    other: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the finished text, with a group for each value."""
        parts = (
            f"(?P<v{one}>.+?)" if isinstance(one, int) else re.escape(one) for one in pieces(self.english)
        )
        return re.compile("".join(parts), re.DOTALL)

    @property
    def weight(self) -> int:
        """Letters that are the template's own; of several that match, the heaviest is meant."""
        return sum(len(one) for one in pieces(self.english) if isinstance(one, str))


def pieces(template: str) -> list[str | int]:
    """The literal texts of a template, and the numbers of its values, in their order."""
    found: list[str | int] = []
    literal, start = "", 0
    for token in _TOKEN.finditer(template):
        literal += template[start : token.start()]
        start = token.end()
        if token[1] is None:
            literal += token[0][0]
            continue
        found += [literal, int(token[1])] if literal else [int(token[1])]
        literal = ""
    literal += template[start:]
    return [*found, literal] if literal else found


class Recogniser:
    """Says finished English texts in another language.

    Args:
        known: template to translation; values are numbered alike in both.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._whole: dict[str, str] = {}
        self._by_head: dict[str, list[Template]] = defaultdict(list)
        for text, said in known.items():
            parts = pieces(text)
            if not any(isinstance(one, int) for one in parts):
                self._whole["".join(map(str, parts))] = "".join(map(str, pieces(said)))
                continue
            first = parts[0] if isinstance(parts[0], str) else ""
            self._by_head[first[:HEAD] if len(first) >= HEAD else ""].append(Template(text, said))
        for found in self._by_head.values():
            found.sort(key=lambda one: -one.weight)

    def whole(self, text: str) -> str:
        """The text in the other language when all of it is known as it stands, such as a label; else itself."""
        return self._whole.get(text, text)

    def __call__(self, text: str, depth: int = DEPTH) -> str:
        """The text in the other language; itself when nobody has said how.

        Several known sentences in a row are said one by one.
        """
        said = self._said(text, depth)
        if said is not None:
            return said
        subject, _, rest = text.partition(": ")
        if depth and rest and (known := self._said(rest, depth - 1)) is not None:
            return f"{self.whole(subject)}：{known}"
        parts = _BETWEEN.split(text)
        if depth and len(parts) > 1:
            each = [self._said(part, depth - 1) for part in parts]
            if all(one is not None for one in each):
                return "".join(one for one in each if one is not None)
        return text

    def _said(self, text: str, depth: int) -> str | None:
        if text in self._whole:
            return self._whole[text]
        for one in (*self._by_head.get(text[:HEAD], ()), *self._by_head.get("", ())):
            found = one.pattern.fullmatch(text)
            if found is None:
                continue
            values = {
                name[1:]: self(value, depth - 1) if depth and " " in value else value
                for name, value in found.groupdict().items()
            }
            return "".join(
                values.get(str(part), "") if isinstance(part, int) else part for part in pieces(one.other)
            )
        return None


@cache
def recogniser(language: Language) -> Recogniser:
    """The one of a language, made of the catalogues once."""
    declared = bilingual() if language == "zh" else {}
    literal = {_escaped(text): _escaped(said) for text, said in declared.items()}
    return Recogniser(literal | {text: said[0] for text, said in catalogue(language).items()})


def told(text: str, language: Language) -> str:
    """A finished English text in a language; itself in English, or when it is not known."""
    if language == "en" or not text:
        return text
    return recogniser(language)(text)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
