"""Plain SVG: scales, ticks and escaped elements. Nothing here knows what is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from values to pixels.

    Attributes:
        low, high: values at the ends, low < high.
        start, stop: pixels at the ends.
    """

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Pixel of a value, to a hundredth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 2)


def scale_over(
    values: Sequence[float], start: float, stop: float, *, zero: bool = False, room: float = 0.06
) -> Scale:
    """A scale that holds all values with some room at either end, and zero where asked."""
    held = [value for value in values if math.isfinite(value)] + ([0.0] if zero else [])
    low, high = (min(held), max(held)) if held else (0.0, 1.0)
    span = high - low or abs(high) or 1.0
    return Scale(low - room * span, high + room * span, start, stop)


def ticks(scale: Scale, count: int) -> list[float]:
    """Round values within a scale, about `count` of them: steps of 1, 2 or 5 times a power of ten."""
    rough = (scale.high - scale.low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(scale.low / step)
    last = math.floor(scale.high / step)
    return [round(place * step, 12) + 0.0 for place in range(first, last + 1)]


def tick_text(value: float, steps: Sequence[float]) -> str:
    """A tick with as many decimals as its step needs, thousands separated, with a true minus sign."""
    step = min((b - a for a, b in pairwise(steps)), default=1.0)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{digits}f}".replace("-", "−")


def element(name: str, text: str = "", /, **attributes: object) -> str:
    """An SVG element; `_` in names of attributes is `-`, a trailing one is dropped; text is escaped."""
    parts = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_plain(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{parts}>{escape(text)}</{name}>" if text else f"<{name}{parts}/>"


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def label(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """A text at a place; `kind` is its class."""
    return element("text", text, x=x, y=y, class_=kind or None, text_anchor=anchor)


def text_width(text: str, *, bold: bool = False) -> float:
    """About how wide a text of 13.5 px is: half its size a Latin letter, all of it a Chinese one."""
    wide = sum(1.0 if ord(letter) > 0x2E80 else 0.53 for letter in text)
    return wide * 13.5 * (1.05 if bold else 1.0)


def line(x1: float, y1: float, x2: float, y2: float, kind: str, **data: float) -> str:
    """A straight line; `data` become attributes `data-…` that say what it stands for."""
    named: dict[str, object] = {f"data_{name}": repr(value) for name, value in data.items()}
    return element("line", **{"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class_": kind} | named)


def svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """A whole picture with its title for those who do not see it."""
    head = f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label={quoteattr(title)}>'
    return f"{head}<title>{escape(title)}</title>{''.join(parts)}</svg>"
