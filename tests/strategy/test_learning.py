"""What a campaign teaches: effects by precision, losing thirds, uptake, channels; and nothing where nothing is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.strategy.learning import (
    ANSWERS,
    Belief,
    FormerRound,
    Lessons,
    converts_better,
    first_belief,
    gain_percent,
    learn,
)
from gridloop.strategy.playbook.store import load_playbook

PLAY = load_playbook("tou-shift")
ASSUMED = first_belief(PLAY)


def rows_of(name: str, *rows: dict[str, Any]) -> pa.Table:
    """Rows of a table; what is not said is null."""
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
    return pa.Table.from_pylist(list(rows), schema=schema)


def effect(value: float | None, low: float | None, high: float | None, **more: Any) -> dict[str, Any]:
    """A row of `effect` on the evening, in Wh a day."""
    return {
        "campaign_id": "campaign-1",
        "population": "all",
        "measure": "evening_energy",
        "arm": "offer",
        "contrast": "holdout",
        "value": value,
        "ci_low": low,
        "ci_high": high,
        "unit": "Wh",
        "trusted": True,
    } | more


def former(*effects: dict[str, Any], answers: Any = (), **audience: Any) -> FormerRound:
    """A campaign whose holdout used 4,000 Wh an evening."""
    outcomes = [
        {"arm": arm, "measure": "evening_energy", "value": value}
        for arm, value in (("holdout", 3000.0), ("holdout", 5000.0), ("holdout", None), ("offer", 1.0))
    ]
    expectation = {
        "assumed_effect_percent": ASSUMED.mean,
        "low_effect_percent": ASSUMED.low,
        "high_effect_percent": ASSUMED.high,
        "source": "playbook",
    }
    return FormerRound(
        "campaign-1",
        "plan-1",
        1,
        expectation,
        audience,
        rows_of("effect", *effects),
        rows_of("outcome", *outcomes),
        pa.Table.from_pylist(
            [dict(zip(ANSWERS.names, answer, strict=True)) for answer in answers], schema=ANSWERS
        ),
    )


def codes(lessons: Lessons) -> list[str]:
    """Which lessons were learned."""
    return [lesson.code for lesson in lessons.said]


def test_the_first_plan_assumes_what_the_playbook_says():
    lessons = learn(PLAY, None)
    assert (lessons.effect.mean, lessons.effect.source, lessons.uptake) == (-3.0, "playbook", 0.25)
    assert lessons.effect.deviation == pytest.approx(3.0)
    assert (lessons.channels, lessons.said, lessons.measured) == (("app", "email", "sms"), (), False)


def test_a_measured_effect_and_the_assumption_are_weighted_by_precision():
    """40 Wh of 4,000 are 1 %, s = 0.75 %: weights 1/9 and 16/9, so (3·1 + 1·16) / 17 = 1.1176 %."""
    half = 1.959964 * 0.75 * 40
    lessons = learn(PLAY, former(effect(-40.0, -40 - half, -40 + half)))
    assert lessons.effect.mean == pytest.approx(-(3 * 1 + 1 * 16) / 17)
    assert lessons.effect.deviation == pytest.approx((17 / 9) ** -0.5)
    assert (lessons.effect.source, lessons.measured, lessons.number) == ("campaign-1", True, 1)
    assert lessons.said[0].code == "effect_measured"
    assert "−1.0 % (−2.5 % … +0.5 %)" in lessons.said[0].text_en
    assert "−1.0 %（−2.5 % … +0.5 %）" in lessons.said[0].text_zh


def test_percent_that_the_effect_itself_tells_goes_before_our_own():
    checks = json.dumps({"percent": {"value": -3.0, "ci_low": -3.1, "ci_high": -2.9}})
    lessons = learn(PLAY, former(effect(-40.0, -50.0, -30.0, checks=checks)))
    assert lessons.effect.mean == pytest.approx(-3.0)
    assert lessons.said[0].evidence["measured_percent"] == -3.0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([], "not_measured"),
        ([effect(-40.0, -50.0, -30.0, trusted=False)], "not_trusted"),
        ([effect(None, None, None, reason="split_failed")], "split_failed"),
        ([effect(-40.0, -50.0, -30.0, trusted=False, checks='{"failed": ["split"]}')], "split"),
        ([effect(-40.0, -50.0, -30.0, measure="night_energy")], "not_measured"),
    ],
)
def test_without_a_trusted_effect_the_assumption_stays_and_the_plan_says_so(row, reason):
    lessons = learn(PLAY, former(*row))
    assert lessons.effect == ASSUMED
    assert not lessons.measured
    assert lessons.said[0].code == "nothing_learned"
    assert lessons.said[0].evidence["reason"] == reason


def test_a_third_that_loses_for_certain_is_dropped_and_one_that_may_win_stays():
    bands = {"saving": [20.0, 50.0], "baseline": [1000.0, 2000.0]}
    lessons = learn(
        PLAY,
        former(
            effect(-40.0, -60.0, -20.0),
            effect(30.0, 10.0, 50.0, population="saving=1"),
            effect(30.0, -1.0, 61.0, population="saving=2"),
            effect(30.0, 10.0, 50.0, population="baseline=3"),
            bands=bands,
        ),
    )
    assert [(b.by, b.third, b.low, b.high) for b in lessons.dropped] == [
        ("saving", 1, None, 20.0),
        ("baseline", 3, 2000.0, None),
    ]
    assert codes(lessons).count("band_dropped") == 2


@pytest.mark.parametrize(("p_holm", "dropped"), [(0.04, 1), (0.06, 0)])
def test_a_third_is_dropped_only_if_that_holds_among_all_thirds(p_holm, dropped):
    checks = json.dumps({"p_holm": p_holm})
    losing = effect(30.0, 10.0, 50.0, population="saving=1", checks=checks)
    assert len(learn(PLAY, former(losing, bands={"saving": [20.0, 50.0]})).dropped) == dropped


def test_uptake_is_that_of_everyone_assigned_to_the_offer():
    lessons = learn(PLAY, former(answers=[("app", 60, 9, 1, 0), ("sms", 40, 3, 2, 4)], treated=120))
    assert lessons.uptake == pytest.approx(0.1)
    assert codes(lessons) == ["nothing_learned", "uptake_measured", "out_already"]
    assert lessons.said[-1].evidence == {"enrolled": 12, "unsubscribed": 3, "bounced": 4}


def test_a_channel_that_clearly_converts_better_goes_first():
    answers = [("app", 400, 8, 0, 0), ("email", 400, 12, 0, 0), ("sms", 400, 40, 0, 0)]
    assert learn(PLAY, former(answers=answers)).channels == ("sms", "app", "email")
    few = [("app", 20, 0, 0, 0), ("sms", 20, 20, 0, 0)]
    assert learn(PLAY, former(answers=few)).channels == ("app", "email", "sms")


def test_conversions_are_compared_by_the_two_proportion_test():
    """30 and 15 of 300: pooled 7.5 %, z = 0.05 / sqrt(0.075 · 0.925 · 2 / 300) = 2.32."""
    assert converts_better((300, 30), (300, 15))
    assert not converts_better((300, 15), (300, 30))
    assert not converts_better((300, 25), (300, 15))
    assert not converts_better((300, 0), (300, 0))


def test_a_belief_between_equals_is_half_way_and_surer():
    found = Belief(0.0, -1.0, 1.0).updated(Belief(2.0, 1.0, 3.0, "campaign-9"))
    assert found.mean == pytest.approx(1.0)
    assert found.high - found.low == pytest.approx(2 / 2**0.5)
    assert found.source == "campaign-9"


def test_gain_follows_the_aim():
    assert gain_percent(PLAY, -3.0) == 3.0
    more = PLAY.success.primary.model_copy(update={"aim": "more"})
    success = PLAY.success.model_copy(update={"primary": more})
    assert gain_percent(PLAY.model_copy(update={"success": success}), -3.0) == -3.0


def test_the_third_plan_goes_on_from_what_the_second_believed():
    second = former(effect(-40.0, -60.0, -20.0))
    believed = learn(PLAY, second).effect
    kept = {
        "assumed_effect_percent": believed.mean,
        "low_effect_percent": believed.low,
        "high_effect_percent": believed.high,
        "source": believed.source,
    }
    third = replace(former(), expectation=kept, number=2)
    assert learn(PLAY, third).effect == believed
