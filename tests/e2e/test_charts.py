"""Charts in a browser: what is painted lies where its numbers are, an interval that holds zero is drawn so."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = [(1440, 900), (390, 844)]

# Of a chart's canvas: where a value lies, and whether a pixel there has a colour of the page.
READ = """
async (one) => {
  const base = document.querySelector('link[rel=stylesheet]').href.replace("console.css", "charts.js");
  const charts = await import(base);
  const figure = document.querySelectorAll("figure.chart")[one.number];
  const chart = charts.chartOf(figure);
  const data = JSON.parse(figure.dataset.chart);
  const canvas = figure.querySelector("canvas");
  const scale = canvas.width / canvas.clientWidth;
  const paint = canvas.getContext("2d");
  const wanted = (name) => {
    const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  };
  const near = (x, y, name, reach = 1) => {
    const [left, top] = [x, y].map((value) => Math.round(value * scale) - reach);
    const part = paint.getImageData(left, top, 2 * reach + 1, 2 * reach + 1).data;
    const colour = wanted(name);
    for (let at = 0; at < part.length; at += 4) {
      if (part[at + 3] > 200 && colour.every((value, index) => Math.abs(value - part[at + index]) < 40)) return true;
    }
    return false;
  };
  const place = (x, y) => chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [x, y]);
"""


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    "path", ["/", "/data/quality", "/segments/{segment_id}", "/campaigns/{campaign_id}/result"]
)
def test_each_chart_is_drawn_and_can_be_reached(tab_of, objects, path, width, height):
    tab = tab_of(width, height)
    tab.open(objects.get(path, path))
    count = tab.page.locator("figure.chart").count()
    assert count > 0
    assert tab.page.locator("figure.chart.live canvas").count() == count
    assert tab.page.locator("figure.chart .still").first.is_hidden()
    labelled = tab.page.locator("figure.chart .chart-live[role=img][tabindex='0']")
    assert all(labelled.nth(number).get_attribute("aria-label") for number in range(count))
    assert tab.faults == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_line_goes_through_its_values(tab_of, width, height):
    tab = tab_of(width, height)
    tab.open("/")
    missed = tab.page.evaluate(
        READ
        + """
          return data.series[0].values.flatMap((value, at) => {
            const [x, y] = place(at, value);
            return at === 0 || at === data.places.length - 1 || near(x, y, "--accent", 2) ? [] : [[at, value]];
          });
        }""",
        {"number": 0},
    )
    assert missed == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_span_reaches_from_bound_to_bound_and_is_open_when_it_holds_zero(tab_of, objects, width, height):
    tab = tab_of(width, height)
    tab.open(objects["/campaigns/{campaign_id}/result"])
    rows = tab.page.evaluate(
        READ
        + """
          return data.rows.flatMap((row, at) => {
            if (row.value === null) return [];
            const name = row.low <= 0 && row.high >= 0 ? "--chart-second" : "--accent";
            const within = [row.low, row.high].map((value) => near(...place(value, at), name));
            const step = 8 / (place(1, at)[0] - place(0, at)[0]);
            const beyond = [row.low - step, row.high + step].map((value) => near(...place(value, at), name));
            const hollow = near(...place(row.value, at), "--surface", 0);
            return [[row.low <= 0 && row.high >= 0, ...within, ...beyond, hollow]];
          });
        }""",
        {"number": 0},
    )
    assert len(rows) == 3
    for holds_zero, low, high, below, above, hollow in rows:
        assert (low, high, below, above, hollow) == (True, True, False, False, holds_zero)


def test_the_arrow_keys_tell_each_value(tab_of):
    tab = tab_of()
    tab.open("/")
    tab.page.locator("figure.chart .chart-live").first.focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("ArrowRight")
    said = tab.page.locator("figure.chart .chart-told").first.inner_text()
    assert "kW" in said and "Mean day" in said


def test_a_chart_speaks_the_readers_language(tab_of, objects):
    tab = tab_of(language="zh-CN")
    tab.open(objects["/campaigns/{campaign_id}/result"])
    labels = tab.page.locator("figure.chart .chart-live").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('aria-label'))"
    )
    assert labels and all(any("\u4e00" <= letter <= "\u9fff" for letter in label) for label in labels)
