"""The one sentence that a manager can repeat, the decision, and each trust check in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from gridloop.evaluation.report.words import CHECKS, LANGUAGES, REASONS, Language, chosen, word
from gridloop.evaluation.result import CampaignResult

_TO: Mapping[Language, str] = {"en": "to", "zh": "至"}

State = Literal["passed", "failed", "unchecked", "open"]


def lead(result: CampaignResult, language: Language) -> str:
    """What the offer did with its interval and its worth, or that one cannot tell and why."""
    row, zh = result.primary, language == "zh"
    measure = result.play.success.primary.label
    name = measure.zh if zh else _lower(measure.en)
    if row["value"] is None:
        why = chosen(REASONS.get(row["reason"], (row["reason"], row["reason"])), language)
        return (
            f"目前无法判断推广对{name}的影响：{why}。"
            if zh
            else f"We cannot tell what the offer did, because {why}."
        )
    share = result.checks["percent"]
    low, high, value = (
        (share[key] for key in ("ci_low", "ci_high", "value"))
        if share
        else (row[key] for key in ("ci_low", "ci_high", "value"))
    )
    unit = " %" if share else f" {row['unit']}"
    if not result.complete:
        return _early(result, (value, low, high), unit, language)
    if low <= 0 <= high:
        span = f"{signed(low)} {_TO[language]} {signed(high)}{unit}"
        if zh:
            return f"目前无法判断推广是否改变了{name}：95% 区间为 {span}，包含零。"
        return f"We cannot tell whether the offer changed {name}: the 95 % interval, {span}, includes zero."
    least, most = sorted((abs(low), abs(high)))
    size, span = f"{abs(value):.1f}{unit}", f"{least:.1f} {_TO[language]} {most:.1f}{unit}"
    if zh:
        told = f"推广使{name}{'下降' if value < 0 else '上升'} {size}（95% 区间 {span}）"
    else:
        told = f"The offer {'lowered' if value < 0 else 'raised'} {name} by {size} (95 % interval {span})"
    return told + _worth(result, language)


def _early(result: CampaignResult, figures: tuple[float, float, float], unit: str, language: Language) -> str:
    """What an early look says: how much is missing first, so that nobody repeats the figure alone."""
    window, (value, low, high) = result.checks["window"], figures
    span = f"{signed(low)} {_TO[language]} {signed(high)}{unit}"
    seen, planned = window["days_seen"], window["days_planned"]
    name = result.play.success.primary.label
    if language == "zh":
        so_far = f"{name.zh}目前 {signed(value)}{unit}（95% 区间 {span}）"
        return f"尚早，不能判断：评估期 {planned} 天仅到 {seen} 天；{so_far}。"
    return (
        f"Too early to tell: {seen} of {planned} days are in; {_lower(name.en)} so far {signed(value)}{unit} "
        f"(95 % interval {span})."
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _worth(result: CampaignResult, language: Language) -> str:
    if result.money is None:
        return "。" if language == "zh" else "."
    net, days = result.money["net"], result.money["horizon_days"]
    value = amount(net["value"], result.currency)
    low, high = (f"{round(float(net[key])):,}".replace("-", "−") for key in ("ci_low", "ci_high"))
    if language == "zh":
        return f"；扣除成本后{'每年' if days == 365 else f' {days} 天'}价值 {value}（{low} 至 {high}）。"
    return (
        f", worth {value} {'a year' if days == 365 else f'over {days} days'} after costs ({low} to {high})."
    )


def decision_line(result: CampaignResult, language: Language) -> str:
    """What to do next, with how many more customers or days where that is the answer."""
    decision = result.decision
    facts = dict(decision.facts)
    if decision.code == "look":
        facts["why"] = chosen(REASONS.get(facts["reason"], (facts["reason"],) * 2), language)
    if decision.code == "guardrail":
        facts["which"] = ("、" if language == "zh" else " and ").join(
            word(name, language).lower() for name in facts["which"]
        )
    if decision.code == "more" and facts["needed"] is None:
        return chosen(_DECISIONS["more_unknown"], language)
    return chosen(_DECISIONS[decision.code], language).format(**facts)


_DECISIONS: Mapping[str, tuple[str, str]] = {
    "guardrail": (
        "Stop and look: the share {which} is above the limit that the play sets.",
        "暂停并检查：{which}比例超过策略设定的上限。",
    ),
    "wait": (
        "Run on: {days_left} more days complete the window ({days_seen} of {days_planned} seen). Deciding earlier "
        "finds effects that are not there.",
        "继续运行：还需 {days_left} 天完成评估期（已有 {days_seen}/{days_planned} 天）。提前判断容易得出虚假的效果。",
    ),
    "look": (
        "Decide nothing on this: {why}. Find out why first.",
        "暂不决策：{why}。请先查明原因。",
    ),
    "scale": (
        "Scale: the effect is there, and even the low end of its interval pays for the costs.",
        "扩大推广：效果存在，且区间下限也足以覆盖成本。",
    ),
    "scale_unsure": (
        "Extend with care: the effect is there; whether it pays for the costs is not certain yet.",
        "谨慎扩大：效果存在，但是否覆盖成本尚不确定。",
    ),
    "stop_cost": (
        "Stop, or make it cheaper: the effect is there and does not pay for its costs.",
        "停止或降低成本：效果存在，但不足以覆盖成本。",
    ),
    "stop_harm": (
        "Stop: the measure moved the wrong way.",
        "停止：指标朝相反方向变化。",
    ),
    "stop_none": (
        "Stop, or change the offer: an effect of {assumed_percent:.1f} % would have been found (detectable: "
        "{mde_percent:.1f} %), and none was.",
        "停止或调整方案：若有 {assumed_percent:.1f}% 的效果应能发现（可检测 {mde_percent:.1f}%），但未发现。",
    ),
    "more": (
        "Run again with {more:,} more customers ({needed:,} in all): these {units:,} are too few to find the "
        "{assumed_percent:.1f} % that the play assumes.",
        "再增加 {more:,} 户（共 {needed:,} 户）后重做："
        "现有 {units:,} 户不足以发现策略假设的 {assumed_percent:.1f}% 效果。",
    ),
    "more_unknown": (
        "Run again with more customers: these are too few to tell.",
        "增加用户后重做：现有用户太少，无法判断。",
    ),
}


def trust_lines(result: CampaignResult, language: Language) -> list[tuple[str, State, str]]:
    """Each trust check: name, state, and its numbers in words."""
    lines = [
        (chosen(CHECKS[name], language), _state(name, result.checks[name]), _detail(name, result, language))
        for name in ("split", "attrition", "balance", "holdout", "window")
    ]
    shares = result.guardrails
    told = {name: share for name, (share, _) in shares.items() if share is not None}
    state: State = "unchecked"
    if told:
        state = "failed" if any(share > shares[name][1] for name, share in told.items()) else "passed"
    parts = [
        f"{word(name, language)} {'–' if share is None else f'{share:.1%}'} (≤ {limit:.1%})"
        for name, (share, limit) in shares.items()
    ]
    return [*lines, (chosen(CHECKS["guardrails"], language), state, " · ".join(parts))]


def _state(name: str, check: Mapping[str, Any]) -> State:
    if check["passed"] is None:
        return "unchecked"
    if check["passed"]:
        return "passed"
    return "open" if name == "window" else "failed"


def _detail(name: str, result: CampaignResult, language: Language) -> str:
    check = result.checks[name]
    if check["passed"] is None:
        return chosen(REASONS.get(check["reason"], (check["reason"],) * 2), language)
    if name == "split":
        arms = " : ".join(f"{check['observed'][arm]:,}" for arm in sorted(check["observed"], reverse=True))
        return f"{arms}, p {relation(check['p_value'])}"
    if name == "attrition":
        offer = f"{_few(check['lost_treated'])} / {check['treated']:,}"
        held = f"{_few(check['lost_control'])} / {check['control']:,}"
        arms = f"{word('offer', language)} {offer} · {word('holdout', language)} {held}"
        return f"{arms}, p {relation(check['p_value'])}"
    if name == "balance":
        return f"{signed(check['difference'], 2)} SD (≤ {check['limit']:.2f})"
    if name == "holdout":
        return f"{check['contacted']:,} {'户被触达' if language == 'zh' else 'contacted'}"
    days = "天" if language == "zh" else "days"
    return f"{check['days_seen']} / {check['days_planned']} {days}"


def _few(count: int) -> str:
    """A count of people; 1 to 14 are not told apart."""
    return "<15" if 0 < count < 15 else f"{count:,}"


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign: `+1.2`, `−3.4`, `0.0`."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def probability(value: float) -> str:
    """A p-value as people read it."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def relation(value: float) -> str:
    """A p-value with its sign of relation: `= 0.015`, `< 0.001`."""
    told = probability(value)
    return told if told.startswith("<") else f"= {told}"


def amount(text: str | float, currency: str) -> str:
    """Money without cents: `CNY 1,234`, `−CNY 1,234`."""
    value = round(float(text))
    return f"{'−' if value < 0 else ''}{currency} {abs(value):,}"


def population_label(population: str, language: Language) -> str:
    """`baseline=2` in words."""
    key, _, value = population.partition("=")
    names = {
        "baseline": (f"Use before, third {value}", f"启动前用电量第 {value} 档"),
        "saving": (f"Saving, third {value}", f"测算节省第 {value} 档"),
        "region": (f"Region {value}", f"区域 {value}"),
        "channel": (f"Channel {value}", f"渠道 {value}"),
        "stratum": (f"Stratum {value}", f"分层 {value}"),
        "all": ("All", "全部"),
    }
    return names.get(key, (population, population))[LANGUAGES.index(language)]
