"""Filling a template: every placeholder has a value or nothing is sent, and no value can become markup or a header."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gridloop.domain.errors import GridloopError
from gridloop.reach.content.template import Template, placeholders

SHORT_CHANNELS = ("sms", "app")
"""Channels that carry the short text."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


class ValueMissing(GridloopError):
    """A message cannot be written, because one of its placeholders has no value."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"A message lacks a value for {{{name}}}.")


@dataclass(frozen=True, slots=True)
class Link:
    """A value that HTML shows as a link.

    Attributes:
        text: what it says, without the address.
        url: where it leads.
    """

    text: str
    url: str

    @property
    def plain(self) -> str:
        """As plain text."""
        return f"{self.text} {self.url}"


Value = str | Link


@dataclass(frozen=True, slots=True)
class Rendered:
    """The words of one message; never logged."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)


def render(template: Template, language: str, channel: str, values: Mapping[str, Value]) -> Rendered:
    """The words of one message.

    Args:
        template: what it says.
        language: of the person.
        channel: `sms` and `app` carry the short text, others the long one; only `email` has HTML.
        values: by placeholder; more than the template asks for does no harm.

    Raises:
        ValueMissing: a placeholder has no value.
    """
    words = template.words(language)
    text = words.short if channel in SHORT_CHANNELS else words.text
    plain = {
        name: one_line(value.plain if isinstance(value, Link) else value) for name, value in values.items()
    }
    marked = {name: _markup(value) for name, value in values.items()}
    page = words.html if channel == "email" else None
    return Rendered(
        fill(words.subject, plain),
        fill(text, plain).strip(),
        None if page is None else fill(page, marked).strip(),
    )


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every placeholder filled. Raises ValueMissing for one without a value."""
    missing = next((name for name in placeholders(text) if name not in values), None)
    if missing is not None:
        raise ValueMissing(missing)
    return text.format_map(values)


def one_line(value: str) -> str:
    """The value without line breaks and control characters, which could end a header."""
    return _CONTROL.sub(" ", value).strip()


def _markup(value: Value) -> str:
    if isinstance(value, Link):
        address, words = html.escape(one_line(value.url)), html.escape(one_line(value.text))
        return f'<a href="{address}">{words}</a>'
    return html.escape(one_line(value))
