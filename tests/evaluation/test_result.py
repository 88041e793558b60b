"""What follows from a result, and the sentence that tells it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gridloop.evaluation.report.sentences import decision_line, lead, trust_lines
from gridloop.evaluation.report.words import CHECKS, REASONS, WORDS
from gridloop.evaluation.result import CampaignResult, Funnel

MakeResult = Callable[..., CampaignResult]


def _changed(result: CampaignResult, **columns: Any) -> CampaignResult:
    """The result with other figures in its primary row; `percent`, `money` and `window` go into its checks."""
    checks = {
        name: columns.pop(name) for name in ("percent", "money", "window", "mde_percent") if name in columns
    }
    rows = [
        {**row, **columns, "checks": {**row["checks"], **checks}}
        if row["checks"]["role"] == "primary"
        else row
        for row in result.rows
    ]
    return replace(result, rows=rows)


def _found(result: CampaignResult, low: float, high: float, net: tuple[str, str, str]) -> CampaignResult:
    names = ("value", "ci_low", "ci_high")
    percent = dict(zip(names, ((low + high) / 2, low, high), strict=True))
    money = {"net": dict(zip(names, net, strict=True)), "horizon_days": 365, "currency": "CNY"}
    figures = {name: value * 30.0 for name, value in percent.items()}
    return _changed(result, percent=percent, money=money, **figures)


def test_a_success_that_pays_is_scaled_and_said_in_one_sentence(result: MakeResult):
    told = _found(result(), -4.6, -1.4, ("15448.23", "6184.47", "24711.99"))
    assert told.decision.code == "scale"
    assert lead(told, "en") == (
        "The offer lowered energy in the evening peak by 3.0 % (95 % interval 1.4 to 4.6 %), "
        "worth CNY 15,448 a year after costs (6,184 to 24,712)."
    )
    assert lead(told, "zh") == (
        "推广使晚高峰用电量下降 3.0 %（95% 区间 1.4 至 4.6 %）；扣除成本后每年价值 CNY 15,448（6,184 至 24,712）。"
    )
    assert decision_line(told, "en").startswith("Scale")


@pytest.mark.parametrize(
    ("low", "high", "net", "code"),
    [
        (-4.6, -1.4, ("100", "-50", "250"), "scale_unsure"),
        (-4.6, -1.4, ("-100", "-150", "-50"), "stop_cost"),
        (1.4, 4.6, ("-100", "-150", "-50"), "stop_harm"),
    ],
)
def test_an_effect_is_weighed_against_its_costs(
    result: MakeResult, low: float, high: float, net: tuple[str, str, str], code: str
):
    told = _found(result(), low, high, net)
    assert told.decision.code == code
    assert decision_line(told, "en") and decision_line(told, "zh")


def test_an_interval_with_zero_cannot_tell_and_says_how_many_more(result: MakeResult):
    told = _found(result(), -2.0, 1.0, ("1", "-1", "2"))
    mean = told.checks["control_mean"]
    told = _changed(told, mde=0.06 * mean, mde_percent=6.0)
    decision = told.decision
    # The play assumes 3 %, this trial detects 6 %: four times the 400 units, 1,200 more.
    assert decision.code == "more"
    assert decision.facts["needed"] == math.ceil(400 * (6.0 / 3.0) ** 2) == 1600
    assert "1,200 more customers" in decision_line(told, "en")
    assert lead(told, "en") == (
        "We cannot tell whether the offer changed energy in the evening peak: "
        "the 95 % interval, −2.0 to +1.0 %, includes zero."
    )
    large = _changed(told, mde=0.02 * mean, mde_percent=2.0)
    assert large.decision.code == "stop_none"
    assert "3.0 % would have been found" in decision_line(large, "en")


def test_an_early_look_waits_and_says_so(result: MakeResult):
    told = result(days_seen=3, effect=-600.0)
    assert told.decision.code == "wait" and told.decision.facts["days_left"] == 4
    assert lead(told, "en").startswith(
        "Too early to tell: 3 of 7 days are in; energy in the evening peak so far −"
    )
    assert lead(told, "zh").startswith("尚早，不能判断：评估期 7 天仅到 3 天；")
    assert "CNY" not in lead(told, "en")
    assert decision_line(told, "en").startswith("Run on: 4 more days")
    states = {name: state for name, state, _ in trust_lines(told, "en")}
    assert states["Whole window seen"] == "open"


def test_a_withheld_effect_is_not_told(result: MakeResult):
    told = _changed(result(), value=None, ci_low=None, ci_high=None, reason="split_failed")
    assert told.decision.code == "look"
    assert lead(told, "en") == (
        "We cannot tell what the offer did, because the arms are no longer split as they were drawn."
    )
    assert decision_line(told, "en").startswith("Decide nothing on this")
    assert lead(told, "zh").startswith("目前无法判断")


def test_a_guardrail_stops_before_everything_else(result: MakeResult):
    told = result(days_seen=3, funnel=Funnel(selected=400, sent=200, unsubscribed=8, bounced=2))
    assert told.decision.code == "guardrail" and told.decision.facts["which"] == ["unsubscribed"]
    assert "unsubscribed" in decision_line(told, "en")
    # 99 messages are too few to judge by.
    early = result(funnel=Funnel(selected=400, sent=99, unsubscribed=50))
    assert early.decision.code != "guardrail"
    assert trust_lines(early, "en")[-1][1] == "unchecked"


def test_every_reason_has_words_in_both_languages():
    codes = {
        *("window_not_begun", "holdout_contacted", "split_unchecked", "split_failed", "attrition_uneven"),
        *("unbalanced", "too_few_units", "no_variation", "stratum_too_small", "no_price"),
    }
    assert codes <= set(REASONS)
    for words in (WORDS, CHECKS, REASONS):
        assert all(len(pair) == 2 and all(pair) for pair in words.values())
