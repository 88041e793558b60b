"""What stands in the catalogues of `library/locale`: messages and their translations, read without any library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d+\])?) ((?:"(?:[^"\\]|\\.)*"\s*)+)', re.MULTILINE)
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


def mark(message: str) -> str:
    """A message that is translated later, where it is shown: extraction finds it by this call."""
    return message


@cache
def catalogue(language: Language) -> Mapping[str, tuple[str, ...]]:
    """Message to translations (one, or one per plural form); English messages stand for themselves.

    Read from every catalogue of `library/locale`; each page has one of its own.
    """
    if language == "en":
        return {}
    found: dict[str, tuple[str, ...]] = {}
    folder = files("gridloop") / "library" / "locale" / language / "LC_MESSAGES"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".po"):
            found.update(entries(file.read_text(encoding="utf-8")))
    return found


def entries(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Message and translations of the entries of a .po file that are translated; fuzzy ones are left out.

    Args:
        text: of the file, as `docs/build_catalogues.py` writes it.
    """
    for block in text.split("\n\n"):
        if "\n#, fuzzy" in f"\n{block}":
            continue
        key, said = "", []
        for name, quoted in _ENTRY.findall(block):
            told = _ESCAPED.sub(lambda one: _LETTERS.get(one[1], one[1]), "".join(_PIECE.findall(quoted)))
            if name == "msgid":
                key = told
            elif name.startswith("msgstr"):
                said.append(told)
        if key and all(said):
            yield key, tuple(said)
