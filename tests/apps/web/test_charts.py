"""What a figure hands to the script is what was meant, and no name becomes markup."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from gridloop.apps.web.charts import Effect, Forest, Lines, Series, charted


def _told(figure: str) -> dict[str, object]:
    told: dict[str, object] = json.loads(ElementTree.fromstring(figure).attrib["data-chart"])
    return told


def test_lines_keep_their_gaps_intervals_and_windows():
    line = Series("Mean day", [1.0, None, 3.0], low=[0.5, None, 2.0], high=[1.5, None, 4.0])
    chart = Lines("It rises.", "kW", ["00:00", "08:00", "16:00"], [line], windows=[(1, 2, "evening")])
    told = _told(charted("<svg/>", chart))
    assert told["kind"] == "lines" and told["unit"] == "kW"
    assert told["series"] == [
        {
            "name": "Mean day",
            "values": [1.0, None, 3.0],
            "low": [0.5, None, 2.0],
            "high": [1.5, None, 4.0],
            "kind": "",
        }
    ]
    assert told["windows"] == [[1, 2, "evening"]]


def test_a_name_is_text_whatever_is_in_it():
    name = """<script>alert("1")</script> 'x' & "y" 峰"""
    figure = charted("<svg/>", Forest(name, "%", [Effect(name, -3.3, -9.0, 2.5, "−3.3 %")]))
    assert "<script" not in figure
    told = _told(figure)
    assert told["title"] == name and told["rows"][0]["name"] == name  # type: ignore[index]


def test_the_drawing_stays_within_for_whoever_has_no_script():
    figure = ElementTree.fromstring(charted("<svg><title>t</title></svg>", Lines("t", "%", [], [])))
    still = figure.find("div")
    assert still is not None and still.attrib["class"] == "still" and still.find("svg/title") is not None


def test_a_line_that_is_shorter_than_its_axis_is_refused():
    with pytest.raises(ValueError, match="Mean: 1 values at 2 places"):
        Lines("t", "%", ["a", "b"], [Series("Mean", [1.0])])
    with pytest.raises(ValueError, match="Mean: 1 values at 2 places"):
        Lines("t", "%", ["a", "b"], [Series("Mean", [1.0, 2.0], low=[1.0], high=[2.0, 3.0])])


def test_a_number_that_json_does_not_have_is_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        charted("<svg/>", Lines("t", "%", ["a"], [Series("Mean", [float("nan")])]))
