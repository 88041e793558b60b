"""What is drawn is what the numbers say, to the pixel."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.evaluation.report.drawing import Scale, element, scale_over, tick_text, ticks
from gridloop.evaluation.report.exhibits import bin_edges
from gridloop.evaluation.report.figures import Bar, Interval, Span, bars, curves, intervals, steps

WIDTHS = (720.0, 340.0)


def _marks(picture: str, kind: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(picture).iter() if kind in (one.get("class") or "").split()]


def _number(mark: ET.Element, name: str) -> float:
    return float(mark.get(name) or "nan")


@pytest.mark.parametrize("width", WIDTHS)
def test_an_interval_that_crosses_zero_is_drawn_across_the_line_of_zero(width: float):
    rows = [Interval("a", "-1 (−3 … 1)", -1.0, -3.0, 1.0), Interval("b", "2 (1 … 3)", 2.0, 1.0, 3.0)]
    picture = intervals(rows, width, "Effects", "percent")
    zero = _number(_marks(picture, "zero")[0], "x1")
    crossing, above = (mark for mark in _marks(picture, "whisker") if mark.get("data-low"))
    assert _number(crossing, "x1") < zero < _number(crossing, "x2")
    assert zero < _number(above, "x1") < _number(above, "x2")
    first, second = _marks(picture, "dot")
    assert "open" in first.get("class").split() and "sure" in second.get("class").split()


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.01, 20), st.floats(0.01, 20)), min_size=1, max_size=6)
)
def test_every_mark_stands_where_its_number_says(figures: list[tuple[float, float, float]]):
    rows = [Interval(f"row {i}", "text", v, v - a, v + b) for i, (v, a, b) in enumerate(figures)]
    picture = intervals(rows, 720.0, "Effects", "percent")
    bounds = [bound for row in rows for bound in (row.low, row.high)]
    scale = scale_over(bounds, 8.0, 712.0, zero=True)
    whiskers = [mark for mark in _marks(picture, "whisker") if mark.get("data-low")]
    for row, mark, dot in zip(rows, whiskers, _marks(picture, "dot"), strict=True):
        assert float(mark.get("data-low")) == row.low and float(mark.get("data-high")) == row.high
        assert _number(mark, "x1") == pytest.approx(scale(row.low), abs=0.01)
        assert _number(mark, "x2") == pytest.approx(scale(row.high), abs=0.01)
        assert _number(dot, "cx") == pytest.approx(scale(row.value), abs=0.01)
        assert float(dot.get("data-value")) == row.value
        crosses = row.low <= 0 <= row.high
        assert ("open" in dot.get("class").split()) == crosses
        zero = _number(_marks(picture, "zero")[0], "x1")
        assert (_number(mark, "x1") <= zero <= _number(mark, "x2")) == crosses or abs(
            row.low * row.high
        ) < 1e-2


def test_a_row_without_a_number_has_its_reason_and_no_mark():
    picture = intervals([Interval("a", "too few customers")], 720.0, "Effects", "percent")
    assert not _marks(picture, "dot") and "too few customers" in picture


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_begin_at_zero_and_end_at_their_amount(width: float):
    picture = bars([Bar("gain", "8", 8.0, 2.0, 14.0), Bar("cost", "-2", -2.0, kind="cost")], width, "Money")
    zero = _number(_marks(picture, "zero")[0], "x1")
    gain, cost = _marks(picture, "bar")
    per_unit = _number(gain, "width") / 8
    assert _number(gain, "x") == pytest.approx(zero, abs=0.02)
    assert _number(cost, "x") + _number(cost, "width") == pytest.approx(zero, abs=0.02)
    assert _number(cost, "width") == pytest.approx(2 * per_unit, abs=0.05)
    whisker = next(mark for mark in _marks(picture, "whisker") if mark.get("data-low"))
    assert _number(whisker, "x2") - zero == pytest.approx(14 * per_unit, abs=0.05)


def test_a_missing_day_breaks_the_curve_and_the_start_is_marked():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(10)]
    offer = [(day, None if n == 4 else float(n)) for n, day in enumerate(days)]
    holdout = [(day, 5.0) for day in days]
    picture = curves(
        {"offer": offer, "holdout": holdout},
        720.0,
        "Curve",
        unit="kWh",
        start=(days[5], "start"),
        judged=Span(days[6], days[9], "judged"),
        names={"offer": "Offer", "holdout": "Holdout"},
    )
    lines = [mark for mark in _marks(picture, "curve") if mark.tag.endswith("polyline")]
    assert [mark.get("data-values") for mark in lines] == [
        "0.0 1.0 2.0 3.0",
        "5.0 6.0 7.0 8.0 9.0",
        " ".join(["5.0"] * 10),
    ]
    across = Scale(days[0].toordinal(), days[-1].toordinal(), 44.0, 712.0)
    assert _number(_marks(picture, "start")[0], "x1") == across(days[5].toordinal())
    assert lines[1].get("points").startswith(f"{across(days[5].toordinal()):g},")


def test_densities_have_equal_areas():
    shares = {"offer": [0.25, 0.5, 0.25], "holdout": [0.1, 0.2, 0.7]}
    names = {"offer": "Offer", "holdout": "Holdout"}
    picture = steps([0.0, 1.0, 3.0, 4.0], shares, 720.0, "Before", unit="kWh", names=names)
    areas = []
    for mark in (mark for mark in _marks(picture, "curve") if mark.tag.endswith("polyline")):
        points = [tuple(map(float, point.split(","))) for point in mark.get("points").split()]
        floor = points[0][1]
        areas.append(sum((b[0] - a[0]) * (floor - a[1]) for a, b in pairwise(points)))
    assert areas[0] == pytest.approx(areas[1], rel=1e-3)


@given(st.integers(0, 2**31), st.integers(30, 300), st.integers(30, 300))
def test_no_bin_holds_fewer_than_fifteen_of_an_arm(seed: int, ours: int, theirs: int):
    rng = np.random.default_rng(seed)
    one, other = rng.gamma(2, 3, ours), rng.gamma(3, 3, theirs)
    edges = bin_edges(one, other)
    assert edges == sorted(set(edges))
    for values in (one, other):
        held = np.clip(values, edges[0], edges[-1])
        counts = np.histogram(held, edges)[0] if len(edges) > 1 else np.array([15])
        assert counts.min() >= 15


def test_too_few_members_have_no_bins():
    assert bin_edges(np.arange(29.0), np.arange(100.0)) == []
    assert bin_edges(np.ones(40), np.ones(40)) == []


def test_ticks_are_round_and_within():
    assert ticks(Scale(-4.9, 3.1, 0, 100), 4) == [-4.0, -2.0, 0.0, 2.0]
    assert ticks(Scale(0.0, 0.1, 0, 100), 5) == [0.0, 0.02, 0.04, 0.06, 0.08, 0.1]
    assert [tick_text(v, [0.0, 0.5]) for v in (-0.5, 0.0)] == ["−0.5", "0.0"]
    assert tick_text(1500.0, [1000.0, 1500.0]) == "1,500"


def test_texts_are_escaped():
    assert element("text", "<b> & co", title='"x"') == "<text title='\"x\"'>&lt;b&gt; &amp; co</text>"
