"""The page: led by its sentence, needs nothing else, a table for every plot, small groups not shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pyarrow as pa
import pytest

from gridloop.evaluation.outcomes import Observation
from gridloop.evaluation.report.exhibits import exhibits
from gridloop.evaluation.report.page import Provenance, render_report
from gridloop.evaluation.report.sentences import decision_line, lead
from gridloop.evaluation.report.words import LANGUAGES, Language
from gridloop.evaluation.result import CampaignResult, Funnel

MakeResult = Callable[..., CampaignResult]
PROVENANCE = Provenance("2026-02-20T08:00:00+00:00", "0.2.0", {"reading": 7})
VOID = {"meta", "br", "circle", "line", "rect", "polyline"}


class _Page(HTMLParser):
    """Texts by tag, attributes, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open:
            self.texts.setdefault(self.open[-1], []).append(data.strip())


def _observed(made: Observation, units: int = 100) -> Observation:
    """The same with a daily curve."""
    rows = [
        {
            "measure": "evening_energy",
            "arm": arm,
            "day": made.windows.baseline_first + timedelta(days=day),
            "value": 2500.0 + 10 * day - 50 * (arm == "offer"),
            "units": units,
        }
        for arm in ("offer", "holdout")
        for day in range(made.windows.days)
    ]
    return Observation(made.outcomes, pa.Table.from_pylist(rows), made.windows, made.last_day)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_led_by_the_sentence_and_needs_nothing_else(
    result: MakeResult, trial: Callable, language: Language
):
    told = result(effect=-600.0, funnel=Funnel(500, {"offer": 280, "holdout": 120}, 270, 250, 100, 40, 30, 3))
    text = render_report(told, _observed(trial(7).observed), PROVENANCE, language)
    page = _Page(text)
    assert page.open == []
    assert page.texts["h1"] == [lead(told, language)]
    assert decision_line(told, language) in page.texts["p"]
    assert ("html", "lang", "zh-CN" if language == "zh" else "en") in page.attributes
    assert "script" not in page.texts
    for tag, name, value in page.attributes:
        assert tag not in ("script", "link", "img", "iframe", "object", "form")
        assert name not in ("src", "onclick", "style") and not (name == "href" and not value.startswith("#"))
    assert "url(" not in text and "@import" not in text and "http://" not in text and "https://" not in text
    assert "default-src 'none'" in text
    assert {value for tag, name, value in page.attributes if name == "href"} <= {
        f"#{value}" for tag, name, value in page.attributes if name == "id"
    }
    assert ("<15" in "".join(page.texts["text"])) and PROVENANCE.code_version in text


def test_every_plot_has_a_table_twin_and_is_drawn_at_two_widths(result: MakeResult, trial: Callable):
    told = result(effect=-600.0, funnel=Funnel(500, {"offer": 280, "holdout": 120}, 270))
    shown = exhibits(told, _observed(trial(7).observed), "en")
    assert [one.key for one in shown] == ["effects", "curve", "before", "money", "naive", "groups", "funnel"]
    for one in shown:
        assert one.rows and not one.absent
        assert all(len(row) == len(one.head) for row in one.rows)
        assert ['viewBox="0 0 720' in one.plots[0], 'viewBox="0 0 340' in one.plots[1]] == [True, True]
        assert "aria-label" in one.plots[0]


def test_plot_and_table_say_the_same(result: MakeResult, trial: Callable):
    told = result(effect=-600.0)
    effects = exhibits(told, trial(7).observed, "en")[0]
    drawn = [float(value) for value in re.findall(r'data-low="([^"]+)"', effects.plots[0])]
    rows = [*told.of_role("primary"), *told.of_role("secondary")]
    assert drawn == [row["checks"]["percent"]["ci_low"] for row in rows]
    for low, row in zip(drawn, effects.rows, strict=True):
        assert f"{low:+.1f}".replace("-", "−") in row[1]


def test_days_with_fewer_than_fifteen_members_are_not_drawn(result: MakeResult, trial: Callable):
    curve = exhibits(result(), _observed(trial(7).observed, units=14), "en")[1]
    assert curve.plots == ("", "") and curve.absent == "fewer than 15 members"
    assert {cell for row in curve.rows for cell in row[1:]} == {"–"}


def test_groups_with_fewer_than_fifteen_members_are_not_shown(result: MakeResult, trial: Callable):
    # 120 units: 84 and 36, a third of the holdout has about twelve.
    told = result(units=120)
    groups = exhibits(told, trial(7, units=120).observed, "en")[5]
    shown = [
        row for row in told.of_role("exploratory") if min(row["units_treated"], row["units_control"]) >= 15
    ]
    assert len(told.of_role("exploratory")) == 3 > len(shown)
    assert len(groups.rows) == len(shown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_without_a_verdict_says_why_in_the_place_of_plots(
    result: MakeResult, trial: Callable, language: Language
):
    told = result(days_seen=0)
    text = render_report(told, trial(7, days_seen=0).observed, PROVENANCE, language)
    page = _Page(text)
    assert page.texts["h1"] == [lead(told, language)]
    assert ("尚未到达" if language == "zh" else "no day of the window has arrived yet") in page.texts["h1"][0]
    money = next(
        one for one in exhibits(told, trial(7, days_seen=0).observed, language) if one.key == "money"
    )
    assert money.plots == ("", "") and money.absent


def test_what_a_play_is_called_cannot_change_the_page(result: MakeResult, trial: Callable):
    told = result()
    title = told.play.title.model_copy(update={"en": "<script>alert(1)</script>"})
    named = told.play.model_copy(update={"title": title})
    object.__setattr__(told, "play", named)
    text = render_report(told, trial(7).observed, PROVENANCE, "en")
    assert "<script" not in text and "&lt;script&gt;" in text
