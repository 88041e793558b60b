"""Charts that answer: a drawing of `web.drawing`, and its numbers, from which `charts.js` makes one that can be asked.

Without the script, on paper and for a search engine the drawing stays. A page that has one loads the script in its
block `head`: `{% include "charts.html" %}`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from xml.sax.saxutils import quoteattr

Points = Sequence[float | None]


@dataclass(frozen=True)
class Series:
    """One line.

    Attributes:
        name: in the reader's language.
        values: one of each place; None is a gap, never drawn across.
        low, high: bounds of an interval around each value; drawn as a band. None: there is no interval.
        kind: `""`, `second` or `third`, as in `drawing.curve`.
    """

    name: str
    values: Points
    low: Points | None = None
    high: Points | None = None
    kind: str = ""


@dataclass(frozen=True)
class Lines:
    """Lines over the same places.

    Attributes:
        title: says in words what is to be seen; for those who do not see it.
        unit: of the values.
        places: what each place is called, such as a time of day or a date.
        series: one to three.
        every: a place of so many is named on the axis.
        digits: decimals that are told.
        zero: whether the axis holds zero.
        windows: stretches that are marked: first place, last place, name.
    """

    title: str
    unit: str
    places: Sequence[str]
    series: Sequence[Series]
    every: int = 1
    digits: int = 1
    zero: bool = True
    windows: Sequence[tuple[float, float, str]] = ()
    kind: str = field(default="lines", init=False)

    def __post_init__(self) -> None:
        for one in self.series:
            for part in (one.values, one.low, one.high):
                if part is not None and len(part) != len(self.places):
                    raise ValueError(f"{one.name}: {len(part)} values at {len(self.places)} places")


@dataclass(frozen=True)
class Effect:
    """A value with its interval.

    Attributes:
        name: what of.
        value, low, high: in the unit of the chart; None: it is not known.
        text: as people read it.
        misleading: it is shown as a warning only.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    text: str
    misleading: bool = False


@dataclass(frozen=True)
class Forest:
    """Values with their intervals about zero, one below the other; open where the interval holds zero.

    Attributes:
        title: says in words what is to be seen.
        unit: of the values.
        rows: from above.
        digits: decimals that are told.
    """

    title: str
    unit: str
    rows: Sequence[Effect]
    digits: int = 1
    kind: str = field(default="forest", init=False)


def charted(still: str, chart: Lines | Forest) -> str:
    """A place for a chart that holds its drawing and its numbers.

    Args:
        still: the drawing, SVG made by `web.drawing`; shown as long as the script has not run.
        chart: what the script draws instead.
    """
    told = json.dumps(asdict(chart), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # quoteattr escapes what ends an attribute or a tag, so that no name becomes markup
    return f'<figure class="chart" data-chart={quoteattr(told)}><div class="still">{still}</div></figure>'
