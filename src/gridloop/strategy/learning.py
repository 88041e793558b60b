"""What a finished campaign of a play teaches the next plan, each lesson as a sentence with its numbers.

Formulas and limits: docs/methods/playbooks.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gridloop.strategy.experiment import HOLDOUT
from gridloop.strategy.playbook.model import Playbook

OFFER = "offer"
"""Arm that is made the offer."""

PLAYBOOK = "playbook"
"""Source of an effect that is assumed, not measured."""

Z95 = 1.959964
"""Standard deviations on either side that hold 95 % of a normal distribution."""

ALPHA = 0.05
"""Level below which a part's effect is not put down to having looked at several."""

LEAST_MESSAGES = 30
"""Messages of a channel below which its conversion is not compared."""

ANSWERS = pa.schema(
    [("channel", pa.string())]
    + [(name, pa.int64()) for name in ("messages", "enrolled", "unsubscribed", "bounced")]
)
"""Columns of `FormerRound.answers`."""


@dataclass(frozen=True)
class Belief:
    """What is believed of the effect on those assigned to the offer, in percent of the measure.

    Attributes:
        mean: the best guess.
        low, high: where it lies with 95 % probability.
        source: `playbook`, or the campaign that was measured last.
    """

    mean: float
    low: float
    high: float
    source: str = PLAYBOOK

    @property
    def deviation(self) -> float:
        """Standard deviation of the belief."""
        return (self.high - self.low) / (2 * Z95)

    def updated(self, measured: Belief) -> Belief:
        """The belief after a measurement, both weighted by precision: m = (m₀/s₀² + m₁/s₁²) / (1/s₀² + 1/s₁²).

        The mean of two independent normal distributions (Gelman and others, Bayesian Data Analysis, section 2.5).
        """
        before, now = self.deviation**-2, measured.deviation**-2
        mean = (self.mean * before + measured.mean * now) / (before + now)
        half = Z95 / math.sqrt(before + now)
        return Belief(mean, mean - half, mean + half, measured.source)


@dataclass(frozen=True)
class Band:
    """A third that the former plan drew by, `low` ≤ value < `high`; None where it is open.

    Attributes:
        by: `saving` in the currency a year, or `baseline` in the measure's unit.
        third: 1 to 3.
    """

    by: str
    third: int
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Lesson:
    """One sentence of what was learned and what follows; `evidence` holds its numbers."""

    code: str
    text_en: str
    text_zh: str
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, object]:
        """As plans keep it."""
        return {
            "code": self.code,
            "text_en": self.text_en,
            "text_zh": self.text_zh,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True)
class FormerRound:
    """The campaign of a play that ended last.

    Attributes:
        campaign_id, plan_id: which, and the plan it carried out.
        number: how many campaigns of the play there have been, this one included.
        expectation, audience: documents of its plan.
        effects: rows of table `effect` of this campaign.
        outcomes: rows of table `outcome` of this campaign.
        answers: one row a channel: messages accepted, and how many enrolled, unsubscribed or came back (`ANSWERS`).
    """

    campaign_id: str
    plan_id: str
    number: int
    expectation: Mapping[str, Any]
    audience: Mapping[str, Any]
    effects: pa.Table
    outcomes: pa.Table
    answers: pa.Table


@dataclass(frozen=True)
class Lessons:
    """What a plan starts from.

    Attributes:
        effect: see `Belief`.
        measured: whether it rests on a campaign.
        uptake: share of those offered who enrol.
        channels: in the order in which they are tried.
        dropped: bands that are not offered it again.
        number: campaigns of the play before this plan; the draw's seed is the play's plus this.
        said: the lessons in words.
    """

    effect: Belief
    uptake: float
    channels: tuple[str, ...]
    measured: bool = False
    dropped: tuple[Band, ...] = ()
    number: int = 0
    said: tuple[Lesson, ...] = ()


def learn(play: Playbook, former: FormerRound | None) -> Lessons:
    """What the next plan of a play starts from: the playbook's assumptions, changed by what the last campaign showed.

    Args:
        play: the playbook as it is now.
        former: the campaign that ended last; None before the first.
    """
    start = Lessons(first_belief(play), play.value.assumed_uptake, play.contact.channels)
    if former is None:
        return start
    start = replace(start, effect=_belief_before(play, former), number=former.number)
    learned = _learn_effect(play, start, former)
    learned = _learn_bands(play, learned, former)
    learned = _learn_uptake(learned, former)
    learned = _learn_channels(learned, former)
    return _learn_who_is_out(learned, former)


def first_belief(play: Playbook) -> Belief:
    """The playbook's assumption with a standard deviation of its own size: it may well be nothing, or twice as much."""
    mean = play.success.assumed_effect_percent
    half = Z95 * (abs(mean) or 1.0)
    return Belief(mean, mean - half, mean + half)


def gain_percent(play: Playbook, effect_percent: float) -> float:
    """An effect as success, in percent: positive where the measure moves as the play aims."""
    return -effect_percent if play.success.primary.aim == "less" else effect_percent


def _belief_before(play: Playbook, former: FormerRound) -> Belief:
    kept = former.expectation
    mean, low, high = (kept.get(f"{name}_effect_percent") for name in ("assumed", "low", "high"))
    if mean is None or low is None or high is None:
        return first_belief(play)
    return Belief(float(mean), float(low), float(high), str(kept.get("source", PLAYBOOK)))


def _learn_effect(play: Playbook, start: Lessons, former: FormerRound) -> Lessons:
    """Lesson a: the effect that is assumed."""
    measured = _measured(play, former, "all")
    before = start.effect
    if measured is None:
        reason = _why_not_measured(play, former)
        lesson = Lesson(
            "nothing_learned",
            f"The last campaign showed no effect that can be trusted ({reason}); "
            f"{signed_percent(before.mean)} stays assumed.",
            f"上一轮活动没有得到可信的效果（{reason}）；仍按 {signed_percent(before.mean)} 假设。",
            {"campaign": former.campaign_id, "reason": reason, "assumed_percent": before.mean},
        )
        return replace(start, said=(lesson,))
    after = before.updated(measured)
    found, was, now = (signed_percent(one.mean) for one in (measured, before, after))
    span, now_span = (f"{signed_percent(one.low)} … {signed_percent(one.high)}" for one in (measured, after))
    lesson = Lesson(
        "effect_measured",
        f"The last campaign changed the measure by {found} ({span}) among those assigned to the offer. "
        f"Together with the {was} assumed before, this plan assumes {now} ({now_span}).",
        f"上一轮活动使推广组指标变化 {found}（{span}）。"
        f"与此前假设的 {was} 按精度合并，本计划假设 {now}（{now_span}）。",
        {
            "campaign": former.campaign_id,
            "measured_percent": measured.mean,
            "measured_low_percent": measured.low,
            "measured_high_percent": measured.high,
            "before_percent": before.mean,
            "assumed_percent": after.mean,
        },
    )
    return replace(start, effect=after, measured=True, said=(lesson,))


def _measured(play: Playbook, former: FormerRound, population: str) -> Belief | None:
    """The trusted effect on the primary measure in a population, in percent of the holdout's mean; None without."""
    for row in former.effects.to_pylist():
        told = (row["measure"], row["arm"], row["contrast"], row["population"])
        if told == (play.success.primary.name, OFFER, HOLDOUT, population) and row["trusted"]:
            found = _in_percent(play, former, row)
            if found is not None and found[1] < found[2]:
                return Belief(*found, former.campaign_id)
    return None


def _in_percent(
    play: Playbook, former: FormerRound, row: Mapping[str, Any]
) -> tuple[float, float, float] | None:
    """Value and interval of an effect: as its checks tell, or over the mean outcome of the holdout; None without."""
    told = json.loads(row["checks"] or "{}").get("percent")
    if told:
        return told["value"], told["ci_low"], told["ci_high"]
    if None in (row["value"], row["ci_low"], row["ci_high"]):
        return None
    rows = former.outcomes
    held = pc.and_(pc.equal(rows["arm"], HOLDOUT), pc.equal(rows["measure"], play.success.primary.name))
    mean = pc.mean(rows.filter(held)["value"]).as_py()
    if not mean:
        return None
    return row["value"] * 100 / mean, row["ci_low"] * 100 / mean, row["ci_high"] * 100 / mean


def _why_not_measured(play: Playbook, former: FormerRound) -> str:
    """Code of why the effect that decides has no number, or of the first check that it failed."""
    for row in former.effects.to_pylist():
        if (row["measure"], row["population"]) == (play.success.primary.name, "all"):
            failed = json.loads(row["checks"] or "{}").get("failed") or ["not_trusted"]
            return str(row["reason"] or failed[0])
    return "not_measured"


def _learn_bands(play: Playbook, learned: Lessons, former: FormerRound) -> Lessons:
    """Lesson d: thirds whose whole interval lies on the losing side are not offered it again."""
    dropped: list[Band] = []
    said: list[Lesson] = []
    for band in _bands(former.audience):
        found = _measured(play, former, f"{band.by}={band.third}")
        if found is None or max(gain_percent(play, found.low), gain_percent(play, found.high)) >= 0:
            continue
        if not _holds_among_all(former, f"{band.by}={band.third}"):
            continue
        dropped.append(band)
        span = f"{signed_percent(found.low)} … {signed_percent(found.high)}"
        name, named = {"saving": ("saving", "节省"), "baseline": ("use", "用电量")}[band.by]
        said.append(
            Lesson(
                "band_dropped",
                f"In the third number {band.third} by {name} the measure moved the wrong way ({span}); it is left out.",
                f"按{named}分的第 {band.third} 组指标反向变化（{span}）；本计划不再触达。",
                {"by": band.by, "third": band.third, "low_percent": found.low, "high_percent": found.high},
            )
        )
    return replace(learned, dropped=tuple(dropped), said=(*learned.said, *said))


def _holds_among_all(former: FormerRound, population: str) -> bool:
    """Whether the effect of a part stays below 5 % when all parts that were looked at are counted (Holm 1979)."""
    rows = [r for r in former.effects.to_pylist() if r["population"] == population]
    adjusted = [json.loads(row["checks"] or "{}").get("p_holm") for row in rows]
    return all(p is None or p < ALPHA for p in adjusted)


def _bands(audience: Mapping[str, Any]) -> Iterator[Band]:
    """The thirds that a plan drew by, from the smallest values of the second and the third."""
    for by, limits in audience.get("bands", {}).items():
        edges = [None, *(None if limit is None else float(limit) for limit in limits), None]
        for third in (1, 2, 3):
            yield Band(by, third, edges[third - 1], edges[third])


def _learn_uptake(learned: Lessons, former: FormerRound) -> Lessons:
    """How many of those assigned to the offer enrolled."""
    treated, enrolled = int(former.audience.get("treated", 0)), _total(former, "enrolled")
    if not treated:
        return learned
    uptake = min(1.0, enrolled / treated)
    lesson = Lesson(
        "uptake_measured",
        f"{enrolled:,} of {treated:,} who were assigned to the offer enrolled ({uptake:.1%}); "
        f"{learned.uptake:.0%} had been assumed.",
        f"推广组 {treated:,} 户中有 {enrolled:,} 户签约（{uptake:.1%}），此前假设 {learned.uptake:.0%}。",
        {"enrolled": enrolled, "assigned": treated, "uptake": uptake},
    )
    return replace(learned, uptake=uptake, said=(*learned.said, lesson))


def _learn_channels(learned: Lessons, former: FormerRound) -> Lessons:
    """Lesson e: a channel that clearly converts better goes first where consent allows."""
    rates = {
        row["channel"]: (row["messages"], row["enrolled"])
        for row in former.answers.to_pylist()
        if row["messages"] >= LEAST_MESSAGES
    }
    order = list(learned.channels)
    for last in range(len(order) - 1, 0, -1):
        for place in range(last):
            one, other = order[place], order[place + 1]
            if one in rates and other in rates and converts_better(rates[other], rates[one]):
                order[place], order[place + 1] = other, one
    if tuple(order) == learned.channels:
        return learned
    shares = {name: sent and done / sent for name, (sent, done) in rates.items()}
    told = ", ".join(f"{name} {shares[name]:.1%} of {rates[name][0]:,}" for name in order if name in rates)
    lesson = Lesson(
        "channel_first",
        f"Enrolled by channel: {told}. {order[0]} goes first where consent allows; channels were not drawn by chance.",
        f"各渠道签约率：{told}。在授权允许时优先使用 {order[0]}；渠道并非随机分配。",
        {"order": order, "rates": shares},
    )
    return replace(learned, channels=tuple(order), said=(*learned.said, lesson))


def converts_better(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether `one` (messages, enrolled) converts clearly better than `other`: z of two proportions above 1.96."""
    (sent, done), (sent_other, done_other) = one, other
    pooled = (done + done_other) / (sent + sent_other)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / sent + 1 / sent_other))
    return spread > 0 and (done / sent - done_other / sent_other) / spread > Z95


def _learn_who_is_out(learned: Lessons, former: FormerRound) -> Lessons:
    """Lesson c: those who enrolled or unsubscribed, and channels on which messages came back."""
    enrolled, left, back = (_total(former, name) for name in ("enrolled", "unsubscribed", "bounced"))
    if not enrolled + left + back:
        return learned
    lesson = Lesson(
        "out_already",
        f"Left out: {enrolled:,} who enrolled and {left:,} who unsubscribed. Messages that came back: {back:,}; "
        "those channels are not tried again.",
        f"已签约 {enrolled:,} 户、已退订 {left:,} 户不再触达；{back:,} 条消息被退回，对应渠道不再使用。",
        {"enrolled": enrolled, "unsubscribed": left, "bounced": back},
    )
    return replace(learned, said=(*learned.said, lesson))


def _total(former: FormerRound, column: str) -> int:
    return int(pc.sum(former.answers[column]).as_py() or 0)


def signed_percent(value: float) -> str:
    """A percentage as sentences show it: one decimal, always with its sign."""
    return f"{value:+.1f} %".replace("-", "−")
