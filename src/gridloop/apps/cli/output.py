"""What a command prints: data to stdout as text, JSON or CSV; progress and errors to stderr."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridloop.apps.cli.headings import heading
from gridloop.apps.plain import guarded as guarded
from gridloop.apps.plain import plain as plain
from gridloop.apps.recognition import recogniser, told
from gridloop.apps.translations import Language
from gridloop.domain.errors import GridloopError
from gridloop.domain.finding import Finding, Severity

if TYPE_CHECKING:
    from rich.console import Console

_SPOKEN: list[Language] = ["en"]
"""The language of this process's output; one command, one language."""


def speak(language: Language) -> None:
    """Say everything for people in a language from now on; data (JSON, CSV) stays as it is."""
    _SPOKEN[0] = language


def spoken() -> Language:
    """The language of this process's output."""
    return _SPOKEN[0]


def said(text: str) -> str:
    """A text in the language that is spoken."""
    return told(text, _SPOKEN[0])


BLOCKS = "▁▂▃▄▅▆▇█"
SEVERITY_STYLE = {
    Severity.INFO: "dim",
    Severity.WARNING: "yellow",
    Severity.ERROR: "red",
    Severity.CRITICAL: "bold red",
}


@dataclass(frozen=True)
class Style:
    """How a command answers.

    Attributes:
        form: `text`, `json` or `csv`.
        quiet: no progress and no closing sentences.
        color: whether text may be coloured; never when it does not go to a terminal.
    """

    form: str = "text"
    quiet: bool = False
    color: bool = True

    def console(self, *, stderr: bool = False) -> Console:
        """A console that writes text in this style."""
        from rich.console import Console

        stream = sys.stderr if stderr else sys.stdout
        width = None if stream.isatty() else 140
        return Console(file=stream, no_color=not self.color, highlight=False, width=width, soft_wrap=False)


def print_text(console: Console, text: str) -> None:
    """Print a sentence: wrapped on a terminal, else as one line that a program can search."""
    console.print(text, soft_wrap=not console.is_terminal)


def show_rows(rows: Iterable[Mapping[str, Any]], style: Style, *, title: str = "", empty: str = "") -> None:
    """Print rows as a table, a JSON array or CSV.

    Args:
        rows: dictionaries with the same keys.
        style: the form.
        title: above a text table.
        empty: sentence instead of an empty text table.
    """
    listed = [dict(row) for row in rows]
    if style.form == "json":
        print_out(json.dumps(plain(listed), ensure_ascii=False, indent=1))
    elif style.form == "csv":
        if listed:
            writer = csv.DictWriter(sys.stdout, fieldnames=list(listed[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: guarded(value) for key, value in row.items()} for row in listed)
    elif listed:
        _text_table(listed, style, title)
    elif empty and not style.quiet:
        print_out(said(empty))


def _text_table(rows: Sequence[Mapping[str, Any]], style: Style, title: str) -> None:
    from rich.table import Table

    table = Table(
        title=said(title) or None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for name in rows[0]:
        numeric = all(isinstance(row[name], int | float | Decimal) or row[name] is None for row in rows)
        table.add_column(heading(name, spoken()), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escaped(_shown(value)) for value in row.values()))
    style.console().print(table)


def _shown(value: Any) -> str:
    """A cell of a text table: labels and sentences are said in the language that is spoken, names stay."""
    text = cell(value)
    if spoken() == "en" or not isinstance(value, str):
        return text
    return said(text) if " " in text else recogniser(spoken()).whole(text)


def cell(value: Any) -> str:
    """A value as a person reads it in a table: thousands separated, four significant digits, – for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return said("yes" if value else "no")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value != value:
            return "–"
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value + 0.0:,.4g}"
    made = plain(value)
    return json.dumps(made, ensure_ascii=False) if isinstance(made, dict | list) else str(made)


def show_findings(findings: Sequence[Finding], style: Style, *, most: int = 20) -> None:
    """Print findings, gravest first; in text at most `most` with the number left out."""
    ordered = sorted(findings, key=lambda f: (-f.severity.rank, f.code, f.subject or ""))
    if style.form != "text":
        show_rows([plain(f) for f in ordered], style)
        return
    console = style.console()
    for finding in ordered[:most]:
        label = f"[{SEVERITY_STYLE[finding.severity]}]{said(finding.severity.value):>8}[/]"
        print_text(console, f"{label}  {escaped(said(finding.text))} [dim]{finding.code}[/]")
    if len(ordered) > most:
        console.print(f"          {said(f'… and {len(ordered) - most} more')}")


def escaped(text: str) -> str:
    """Text in which rich sees no markup."""
    from rich.markup import escape

    return escape(text)


def sparkline(values: Iterable[float | None]) -> str:
    """Numbers as one line of blocks; the lowest is ▁, the highest █, a missing one a blank."""
    listed = list(values)
    known = [v for v in listed if v is not None and v == v]
    if not known:
        return ""
    low, high = min(known), max(known)
    reach = high - low if high > low else 1.0
    # the share first: the blocks divided by a reach close to zero would be infinite
    return "".join(
        " " if v is None or v != v else BLOCKS[round((v - low) / reach * (len(BLOCKS) - 1))] for v in listed
    )


def say(text: str, style: Style) -> None:
    """A sentence for a person, in text form only and not when quiet."""
    if style.form == "text" and not style.quiet:
        print_text(style.console(), escaped(said(text)))


def print_out(text: str) -> None:
    """Write a line of data to stdout."""
    sys.stdout.write(text + "\n")


def print_error(error: GridloopError, style: Style) -> None:
    """Write an error with its evidence and ways out to stderr."""
    console = style.console(stderr=True)
    print_text(console, f"[bold red]{said('Error:')}[/] {escaped(said(error.what))}")
    for name, value in error.evidence.items():
        print_text(console, f"  [dim]{escaped(said(name))}:[/] {escaped(str(value))}")
    if error.ways_out:
        console.print(f"  {said('Ways out:')}")
        for way in error.ways_out:
            print_text(console, f"    • {escaped(said(way))}")


class ProgressLine:
    """Progress on stderr: a bar on a terminal, a plain line every few seconds otherwise."""

    def __init__(self, style: Style, every_seconds: float = 5.0) -> None:
        self.quiet = style.quiet
        self.terminal = sys.stderr.isatty()
        self.every_seconds = every_seconds
        self._last = 0.0
        self._step = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Tell that `done` of `total` units of `step` are done."""
        if self.quiet:
            return
        now = time.monotonic()
        finished = total > 0 and done >= total
        if (
            step == self._step
            and not finished
            and now - self._last < (0.1 if self.terminal else self.every_seconds)
        ):
            return
        new, shown = step != self._step, said(step)
        self._step, self._last = step, now
        share = f"{done:,}/{total:,}" if total else f"{done:,}"
        if self.terminal:
            bar = "█" * round(24 * done / total) if total else ""
            sys.stderr.write(f"\r\033[K{shown} {bar:░<24} {share}" + ("\n" if finished else ""))
        elif new or finished or now - self._last >= self.every_seconds:
            sys.stderr.write(f"{shown}: {share}\n")
        sys.stderr.flush()
