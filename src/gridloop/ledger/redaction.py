"""What must never be written where it cannot be erased: personal data in the audit trail (docs/conventions.md §7)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from gridloop.domain.errors import GridloopError

_BEFORE = r"(?<![0-9A-Za-z_.])"
_AFTER = r"(?![0-9A-Za-z_])"

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("e-mail address", r"[^\s@<>\"',;:]{1,64}\s?@\s?(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"),
        ("resident identity number", rf"{_BEFORE}[1-9]\d{{5}}(?:19|20)\d{{9}}[\dXx]{_AFTER}"),
        ("mobile number", rf"{_BEFORE}(?:0086|86)?[ -]?1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}{_AFTER}"),
        ("mobile number", rf"{_BEFORE}07\d{{3}}[ -]?\d{{6}}{_AFTER}"),
        ("telephone number", rf"(?<![0-9A-Za-z])\+[1-9](?:[ ()./-]{{0,2}}\d){{7,14}}{_AFTER}"),
        ("telephone number", rf"{_BEFORE}\(?0\d{{2,4}}\)?[ -]\d{{3,4}}[ -]?\d{{3,4}}{_AFTER}"),
        ("telephone number", rf"{_BEFORE}\(?[2-9]\d{{2}}\)?[ .-]\d{{3}}[ .-]\d{{4}}{_AFTER}"),
    )
)


class PersonalDataRefused(GridloopError):
    """A record that cannot be erased was about to hold an e-mail address or a telephone or identity number."""


def personal_kind(text: str) -> str | None:
    """What kind of personal datum the text looks like, None for none; patterns only, a name is not recognised."""
    plain = unicodedata.normalize("NFKC", text)
    return next((kind for kind, pattern in _PATTERNS if pattern.search(plain)), None)


def refuse_personal(value: object, where: str) -> None:
    """Return when nothing in the value, keys included, looks like personal data.

    Only text is looked at: an energy or a count may have the digits of a telephone number.

    Args:
        value: text, number, list or map.
        where: name of the field, for the error.

    Raises:
        PersonalDataRefused: something does; the error names the place and the kind, never the value.
    """
    for place, text in _texts(value, where):
        kind = personal_kind(text)
        if kind is not None:
            # The place is told by position: a key may itself be the personal datum.
            article = "an" if kind[0] in "aeiou" else "a"
            raise PersonalDataRefused(
                f"The audit trail cannot be erased: it may not hold what looks like {article} {kind}.",
                evidence={"place": place, "kind": kind},
                ways_out=("Name the person by pseudonym.", "Say what was done, not what it contained."),
            )


def _texts(value: object, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for position, (name, inner) in enumerate(value.items()):
            yield f"{where} key {position}", str(name)
            shown = "" if personal_kind(str(name)) else str(name)
            yield from _texts(inner, f"{where}.{shown or position}")
    elif isinstance(value, list | tuple | set | frozenset):
        for position, inner in enumerate(value):
            yield from _texts(inner, f"{where}[{position}]")
