"""The plots of the report. Every mark carries its number in a `data-` attribute, and every plot has a table twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from gridloop.evaluation.report.drawing import (
    Scale,
    element,
    label,
    line,
    scale_over,
    svg,
    text_width,
    tick_text,
    ticks,
)

EDGE = 8.0
ROW, STACKED_ROW = 46.0, 64.0
"""Height of a row whose words stand beside each other, or one above the other where the picture is narrow."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval, or a text instead.

    Attributes:
        label: what it is.
        text: the value in words, or why there is none.
        value, low, high: None without a number.
        misleading: drawn broken and grey.
    """

    label: str
    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    misleading: bool = False

    @property
    def includes_zero(self) -> bool:
        """Whether zero lies within."""
        return self.low is not None and self.high is not None and self.low <= 0 <= self.high


def intervals(rows: Sequence[Interval], width: float, title: str, unit: str) -> str:
    """A forest: each row has its words above and its interval below, all on one axis with a line at zero."""
    bounds = [bound for row in rows for bound in (row.low, row.high, row.value) if bound is not None]
    scale = scale_over(bounds, EDGE, width - EDGE, zero=True)
    height = _row_height([(row.label, row.text) for row in rows], width)
    bottom = height * len(rows) + 6
    parts: list[str] = []
    for place, row in enumerate(rows):
        top = height * place
        parts += _words(row.label, row.text, top, height, width, scale)
        if row.value is not None and row.low is not None and row.high is not None:
            parts += _mark(row, scale, top + height - 15)
    return svg(width, bottom + 40, title, [*parts, *_axis(scale, width, bottom, unit)])


def _row_height(words: Sequence[tuple[str, str]], width: float) -> float:
    fits = all(text_width(name) + text_width(text, bold=True) + 16 <= width for name, text in words)
    return ROW if fits else STACKED_ROW


def _words(name: str, text: str, top: float, height: float, width: float, scale: Scale) -> list[str]:
    """What stands above a row, and the piece of the line of zero below it."""
    foot = top + height
    zero = line(scale(0), foot - 24, scale(0), foot - 5, "zero", value=0.0)
    if height == ROW:
        return [zero, label(0, top + 16, name), label(width, top + 16, text, "value", "end")]
    return [zero, label(0, top + 16, name), label(0, top + 34, text, "value")]


def _mark(row: Interval, scale: Scale, y: float) -> list[str]:
    assert row.value is not None and row.low is not None and row.high is not None
    kind = "naive" if row.misleading else "open" if row.includes_zero else "sure"
    low, high = scale(row.low), scale(row.high)
    ends = [line(x, y - 5, x, y + 5, f"whisker {kind}") for x in (low, high)]
    whisker = line(low, y, high, y, f"whisker {kind}", low=row.low, high=row.high)
    dot = element(
        "circle", cx=scale(row.value), cy=y, r=5.5, class_=f"dot {kind}", data_value=repr(row.value)
    )
    return [whisker, *ends, dot]


def _axis(scale: Scale, width: float, y: float, unit: str) -> list[str]:
    steps = ticks(scale, 4 if width < 500 else 8)
    parts = [line(EDGE, y, width - EDGE, y, "axis")]
    for value in steps:
        parts += [line(scale(value), y, scale(value), y + 4, "axis")]
        parts += [label(scale(value), y + 17, tick_text(value, steps), "tick", "middle")]
    return [*parts, label(width - EDGE, y + 34, unit, "unit", "end")]


@dataclass(frozen=True, slots=True)
class Bar:
    """An amount; `low` and `high` where it has an interval; `text` is how it reads."""

    label: str
    text: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: str = "gain"


def bars(rows: Sequence[Bar], width: float, title: str) -> str:
    """Amounts as bars from a common zero, words above each."""
    bounds = [bound for row in rows for bound in (row.value, row.low, row.high) if bound is not None]
    scale = scale_over(bounds, 1, width - 1, zero=True, room=0.0)
    height = _row_height([(row.label, row.text) for row in rows], width)
    bottom = height * len(rows) + 2
    parts: list[str] = []
    for place, row in enumerate(rows):
        top = height * place
        left, right = sorted((scale(0), scale(row.value)))
        parts += _words(row.label, row.text, top, height, width, scale)
        parts.append(
            element(
                "rect",
                x=left,
                y=top + height - 23,
                width=round(max(right - left, 1.0), 2),
                height=16,
                rx=2,
                class_=f"bar {row.kind}",
                data_value=repr(row.value),
            )
        )
        if row.low is not None and row.high is not None:
            y = top + height - 15
            parts.append(
                line(scale(row.low), y, scale(row.high), y, "whisker over", low=row.low, high=row.high)
            )
            parts += [line(scale(x), y - 5, scale(x), y + 5, "whisker over") for x in (row.low, row.high)]
    return svg(width, bottom + 6, title, parts)


@dataclass(frozen=True, slots=True)
class Span:
    """Days `first` to `last` that are shaded, with their name."""

    first: date
    last: date
    name: str


def curves(
    lines: Mapping[str, Sequence[tuple[date, float | None]]],
    width: float,
    title: str,
    *,
    unit: str,
    start: tuple[date, str],
    judged: Span,
    names: Mapping[str, str],
) -> str:
    """Daily means of two arms; a missing day breaks a line. `start` is a day and its word."""
    height, left, top, bottom = 260.0, 44.0, 30.0, 226.0
    days = sorted({day for points in lines.values() for day, _ in points})
    values = [value for points in lines.values() for _, value in points if value is not None]
    across = Scale(
        days[0].toordinal(), max(days[-1].toordinal(), days[0].toordinal() + 1), left, width - EDGE
    )
    up = scale_over(values, bottom, top + 8)
    begin, end = across(judged.first.toordinal()), across(judged.last.toordinal())
    parts = [
        element("rect", x=begin, y=top, width=round(end - begin, 2), height=bottom - top, class_="judged")
    ]
    parts.append(label((begin + end) / 2, bottom - 8, judged.name, "unit", "middle"))
    steps = ticks(up, 5)
    for value in steps:
        parts.append(line(left, up(value), width - EDGE, up(value), "grid"))
        parts.append(label(left - 6, up(value) + 4, tick_text(value, steps), "tick", "end"))
    for day in _month_starts(days[0], days[-1], 6 if width > 500 else 3):
        parts.append(label(across(day.toordinal()), bottom + 17, f"{day:%Y-%m-%d}", "tick", "middle"))
    x = across(start[0].toordinal())
    parts += [line(x, top - 6, x, bottom, "start"), label(x - 5, bottom - 8, start[1], "unit", "end")]
    for place, (arm, points) in enumerate(lines.items()):
        for run in _runs(points):
            drawn = " ".join(f"{across(day.toordinal()):g},{up(value):g}" for day, value in run)
            told = " ".join(f"{value!r}" for _, value in run)
            parts.append(element("polyline", points=drawn, class_=f"curve {arm}", data_values=told))
        at = left + 128.0 * place
        parts += [line(at, 12, at + 26, 12, f"curve {arm}"), label(at + 32, 16, names[arm])]
    parts.append(label(left - 40, height - 2, unit, "unit"))
    return svg(width, height, title, parts)


def _runs(points: Sequence[tuple[date, float | None]]) -> list[list[tuple[date, float]]]:
    """Stretches of days that have a value."""
    runs: list[list[tuple[date, float]]] = []
    before: date | None = None
    for day, value in points:
        if value is not None:
            if before is None or (day - before).days > 1:
                runs.append([])
            runs[-1].append((day, value))
            before = day
    return runs


def _month_starts(first: date, last: date, most: int) -> list[date]:
    """First days of months within a span, thinned to at most `most`; the first day where there is none."""
    days = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
    starts = [day for day in days if day.day == 1] or [first]
    return starts[:: -(-len(starts) // most)]


def steps(
    edges: Sequence[float],
    shares: Mapping[str, Sequence[float]],
    width: float,
    title: str,
    *,
    unit: str,
    names: Mapping[str, str],
) -> str:
    """Densities of two arms over common bins as steps; `shares` are the arms' shares in each bin."""
    bottom, top = 176.0, 30.0
    scale = Scale(edges[0], edges[-1], EDGE, width - EDGE)
    density = {
        arm: [share / (b - a) for share, (a, b) in zip(of_arm, pairwise(edges), strict=True)]
        for arm, of_arm in shares.items()
    }
    highest = max(max(values, default=0.0) for values in density.values()) or 1.0
    up = Scale(0.0, highest * 1.05, bottom, top)
    parts = []
    for place, (arm, values) in enumerate(density.items()):
        points = [f"{scale(edges[0]):g},{up(0):g}"]
        for value, (a, b) in zip(values, pairwise(edges), strict=True):
            points += [f"{scale(a):g},{up(value):g}", f"{scale(b):g},{up(value):g}"]
        points.append(f"{scale(edges[-1]):g},{up(0):g}")
        told = " ".join(f"{share!r}" for share in shares[arm])
        parts.append(element("polyline", points=" ".join(points), class_=f"curve {arm}", data_values=told))
        at = EDGE + 128.0 * place
        parts += [line(at, 12, at + 26, 12, f"curve {arm}"), label(at + 32, 16, names[arm])]
    return svg(width, bottom + 40, title, [*parts, *_axis(scale, width, bottom, unit)])
