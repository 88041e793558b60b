"""Small drawings for pages, as SVG made in Python: lines, intervals, bars. Colours come from the style sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.sax.saxutils import quoteattr

from gridloop.evaluation.report.drawing import (
    Scale,
    element,
    label,
    line,
    scale_over,
    svg,
    tick_text,
    ticks,
)

Points = Sequence[float | None]
DESK, PHONE = 720.0, 330.0
"""Widths of pictures."""


def sparkline(values: Points, title: str, width: float = 180, height: float = 34) -> str:
    """A line without axes; a gap where a value is missing. Empty with fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    across = Scale(0, len(values) - 1, 2, width - 2)
    up = scale_over(known, height - 3, 3)
    paths = [
        element("path", d=_path([(across(i), up(v)) for i, v in run]), class_="line") for run in _runs(values)
    ]
    return _small(width, height, title, paths)


def curve(
    series: Sequence[tuple[str, Points, str]],
    marks: Sequence[tuple[float, str]],
    title: str,
    unit: str,
    size: tuple[float, float] = (640, 260),
    *,
    zero: bool = True,
    windows: Sequence[tuple[float, float, str]] = (),
) -> str:
    """Lines over one axis, with a legend above.

    Args:
        series: name, values and class (`""`, `second` or `third`) of each; of one length; gaps are None.
        marks: places on the axis (index) with their text.
        title: for those who do not see it.
        unit: of the values.
        size: width and height.
        zero: whether the axis holds zero.
        windows: stretches of the axis that are marked: from, to, name.
    """
    width, height = size
    left, bottom = 46.0, height - 26
    longest = max((len(values) for _, values, _ in series), default=0)
    held = [value for _, values, _ in series for value in values if value is not None]
    across = Scale(0, max(longest - 1, 1), left, width - 8)
    up = scale_over(held, bottom, 34, zero=zero, room=0.03)
    parts = []
    for first, last, name in windows:
        place = across(first)
        wide = across(last) - place
        parts.append(element("rect", x=place, y=26, width=wide, height=bottom - 26, class_="window"))
        parts.append(label(place + wide - 6, bottom - 12, name, "strong", "end"))
    steps = ticks(up, 4)
    for value in steps:
        parts.append(line(left, up(value), width - 8, up(value), "grid"))
        parts.append(label(left - 8, up(value) + 4, tick_text(value, steps), anchor="end"))
    parts += [label(across(place), height - 6, text, anchor="middle") for place, text in marks]
    start = left
    for name, values, kind in series:
        parts.append(line(start, 10, start + 18, 10, f"line {kind}".strip()))
        parts.append(label(start + 24, 14, name))
        start += 48 + 7.4 * sum(2 if ord(letter) > 0x2E80 else 1 for letter in name)
        for run in _runs(values):
            drawn = _path([(across(i), up(v)) for i, v in run])
            if zero and len(series) == 1:
                ground = f"L{across(run[-1][0]):g} {up(0):g}L{across(run[0][0]):g} {up(0):g}Z"
                parts.append(element("path", d=drawn + ground, class_="area"))
            parts.append(element("path", d=drawn, class_=f"line {kind}".strip()))
    parts.append(label(width - 8, 14, unit, anchor="end"))
    return _classed(svg(width, height, title, parts), "plot")


def interval(
    value: float, low: float, high: float, title: str, width: float = 280, *, digits: int = 1
) -> str:
    """One effect with its interval on an axis with zero; open and grey when the interval holds zero."""
    scale = scale_over([low, high, value], 10, width - 10, zero=True, room=0.12)
    kind = " open" if low <= 0 <= high else ""
    steps = ticks(scale, 4)
    parts = [line(scale(0), 2, scale(0), 26, "zero", value=0.0)]
    parts.append(line(scale(low), 14, scale(high), 14, f"span{kind}", low=low, high=high))
    parts.append(line(scale(low), 14, scale(high), 14, f"span-line{kind}"))
    parts.append(
        element("circle", cx=scale(value), cy=14, r=5, class_=f"point{kind}", data_value=repr(value))
    )
    parts += [label(scale(step), 42, tick_text(step, steps), anchor="middle") for step in steps]
    return _classed(svg(width, 46, title, parts), "plot")


def bars(rows: Sequence[tuple[str, float, str]], title: str, width: float = 420) -> str:
    """Lying bars from zero: name, value (0 or more) and its text of each."""
    most = max((value for _, value, _ in rows), default=0) or 1.0
    scale = Scale(0, most, 0, width - 90)
    parts = []
    for place, (name, value, text) in enumerate(rows):
        top = 44 * place
        parts.append(label(0, top + 14, name))
        parts.append(
            element(
                "rect",
                x=0,
                y=top + 20,
                width=max(scale(value), 1.5),
                height=12,
                rx=3,
                class_="bar",
                data_value=repr(value),
            )
        )
        parts.append(label(scale(value) + 8, top + 31, text, "strong"))
    return _classed(svg(width, 44 * max(len(rows), 1), title, parts), "plot")


def twice(draw: Callable[[float], str]) -> str:
    """A picture drawn for a desk and for a phone, so that its words stay readable; the style sheet shows one of them.

    Args:
        draw: draws it at a width.
    """
    return sized(draw(DESK), draw(PHONE))


def sized(desk: str, phone: str) -> str:
    """A picture for a desk and the same for a phone; the style sheet shows one of them."""
    return f'<div class="for-desk">{desk}</div><div class="for-phone">{phone}</div>'


def heat(address: str, title: str) -> str:
    """The place of a year heat map (day × time): `heatmap.js` paints it from the JSON at an address.

    A page that has one loads the script in its block `head`: <script src="{{ asset('heatmap.js') }}" type="module">.
    The JSON, or its `facts.heat`, has `days` (ISO dates), `values` (a list per day, None for a gap or a whole day
    without readings), `unit`, `top` (value of the darkest colour), `gap` (what a gap is called), `hint` (said before
    anything is pointed at) and `months` (pairs of index of a day, text).
    """
    return (
        f'<div class="heat-frame"><canvas class="heat" role="img" aria-label={quoteattr(title)} '
        f"data-heat={quoteattr(address)}></canvas></div>"
    )


def _small(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return _classed(svg(width, height, title, parts), "plot-small")


def _classed(drawn: str, kind: str) -> str:
    return drawn.replace("<svg ", f'<svg class="{kind}" ', 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _runs(values: Points) -> list[list[tuple[int, float]]]:
    """Stretches without a gap."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]
