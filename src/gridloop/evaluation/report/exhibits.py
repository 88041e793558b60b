"""What the report shows: each plot at two widths with its table twin, small cells left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.evaluation.outcomes import Observation
from gridloop.evaluation.report.figures import Bar, Interval, Span, bars, curves, intervals, steps
from gridloop.evaluation.report.sentences import amount, population_label, probability, signed
from gridloop.evaluation.report.words import REASONS, Language, chosen, word
from gridloop.evaluation.result import SMALL_CELL, CampaignResult
from gridloop.strategy.experiment import HOLDOUT

WIDE, NARROW = 720.0, 340.0
"""Widths that every plot is drawn for: a page, and a telephone."""

MOST_BINS = 12
NOTHING = ("", "")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One plot.

    Attributes:
        key: its name in words, and the anchor of its numbers.
        plots: SVG for a page and for a telephone; empty where `absent` says why there is none.
        head, rows: its table twin.
        note: a sentence below its title.
        absent: why there is no plot.
        intervals, unit: what a plot of intervals shows, and in which unit.
    """

    key: str
    plots: tuple[str, str]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    absent: str = ""
    intervals: tuple[Interval, ...] = ()
    unit: str = ""


def _at_both(draw: Callable[[float], str]) -> tuple[str, str]:
    return draw(WIDE), draw(NARROW)


def exhibits(result: CampaignResult, observed: Observation, language: Language) -> list[Exhibit]:
    """The plots of a result in the order of the page.

    Args:
        result: effects, money, funnel.
        observed: daily means and values before.
        language: of the words.
    """
    return [
        _effects(result, language),
        _curve(result, observed, language),
        _before(result, observed, language),
        _money(result, language),
        _naive(result, language),
        _groups(result, language),
        _funnel(result, language),
    ]


def _effects(result: CampaignResult, language: Language) -> Exhibit:
    rows = [*result.of_role("primary"), *result.of_role("secondary")]
    shown = [_in_percent(row, _measure_name(result, row, language), language) for row in rows]
    head = ("measure", "effect", "kwh_a_day", "mde", "p", "units")
    table = tuple(_effect_line(row, _measure_name(result, row, language), language) for row in rows)
    return _forest("effects", shown, head, table, language)


def _groups(result: CampaignResult, language: Language) -> Exhibit:
    rows = result.of_role("exploratory")
    large = [row for row in rows if min(row["units_treated"], row["units_control"]) >= SMALL_CELL]
    shown = [_in_percent(row, population_label(row["population"], language), language) for row in large]
    head = ("population", "effect", "kwh_a_day", "mde", "p", "units")
    table = tuple(_effect_line(row, population_label(row["population"], language), language) for row in large)
    return _forest("groups", shown, head, table, language)


def _forest(
    key: str,
    shown: Sequence[Interval],
    head: tuple[str, ...],
    table: tuple[tuple[str, ...], ...],
    language: Language,
) -> Exhibit:
    title, unit = word(key, language), word("percent_of_mean", language)
    known = any(row.value is not None for row in shown)
    drawn = _at_both(lambda width: intervals(shown, width, title, unit)) if known else NOTHING
    absent = "" if known else shown[0].text if shown else word("not_shown", language)
    note = word(f"{key}_note", language)
    return Exhibit(key, drawn, _heads(head, language), table, note, absent, tuple(shown), unit)


def _in_percent(row: Row, name: str, language: Language) -> Interval:
    share = row["checks"].get("percent")
    if row["value"] is None or share is None:
        return Interval(name, _reason(row, language))
    text = f"{signed(share['value'])} % ({signed(share['ci_low'])} … {signed(share['ci_high'])})"
    return Interval(name, text, share["value"], share["ci_low"], share["ci_high"])


def _effect_line(row: Row, name: str, language: Language) -> tuple[str, ...]:
    units = f"{_count(row['units_treated'])} / {_count(row['units_control'])}"
    if row["value"] is None:
        return (name, _reason(row, language), "–", "–", "–", units)
    share, checks = row["checks"].get("percent"), row["checks"]
    scale = 1000.0 if row["unit"] == "Wh" else 1.0
    plain = {key: row[key] / scale for key in ("value", "ci_low", "ci_high")}
    detectable = checks.get("mde_percent")
    return (
        name,
        _spanned(share, 1) if share else "–",
        _spanned(plain, 3),
        "–" if detectable is None else f"{detectable:.1f}",
        probability(checks.get("p_holm", checks["p_value"])),
        units,
    )


def _spanned(figure: Mapping[str, float], digits: int) -> str:
    value, low, high = (signed(figure[key], digits) for key in ("value", "ci_low", "ci_high"))
    return f"{value} ({low} … {high})"


def _curve(result: CampaignResult, observed: Observation, language: Language) -> Exhibit:
    measure = result.play.success.primary.name
    lines: dict[str, list[tuple[Any, float | None]]] = {"offer": [], "holdout": []}
    for row in observed.daily.to_pylist() if observed.daily.num_rows else ():
        if row["measure"] == measure and row["arm"] in (result.arm, HOLDOUT):
            large = row["units"] >= SMALL_CELL and row["value"] is not None
            kind = "holdout" if row["arm"] == HOLDOUT else "offer"
            lines[kind].append((row["day"], row["value"] / 1000.0 if large else None))
    title, windows = word("curve", language), observed.windows
    absent = (
        "" if any(v is not None for part in lines.values() for _, v in part) else word("not_shown", language)
    )
    drawn = NOTHING
    if not absent:
        start = windows.baseline_last + timedelta(days=1)
        judged = Span(windows.first, windows.last, word("judged", language))
        drawn = _at_both(
            lambda width: curves(
                lines,
                width,
                title,
                unit=word("kwh_a_day", language),
                start=(start, word("start", language)),
                judged=judged,
                names=_arms(language),
            )
        )
    head = (word("day", language), word("offer", language), word("holdout", language))
    return Exhibit("curve", drawn, head, _weeks(lines), word("curve_note", language), absent)


def _weeks(lines: Mapping[str, Sequence[tuple[Any, float | None]]]) -> tuple[tuple[str, ...], ...]:
    """Means of seven days each, of the days that may be shown."""
    rows = []
    for first in range(0, len(lines["offer"]), 7):
        part = {arm: points[first : first + 7] for arm, points in lines.items()}
        means = []
        for points in part.values():
            known = [value for _, value in points if value is not None]
            means.append(f"{sum(known) / len(known):.3f}" if known else "–")
        rows.append((part["offer"][0][0].isoformat(), *means))
    return tuple(rows)


def _before(result: CampaignResult, observed: Observation, language: Language) -> Exhibit:
    rows = observed.outcomes.filter(pc.equal(observed.outcomes["measure"], result.play.success.primary.name))
    values = {
        "offer": _known(rows.filter(pc.equal(rows["arm"], result.arm))),
        "holdout": _known(rows.filter(pc.equal(rows["arm"], HOLDOUT))),
    }
    edges = bin_edges(values["offer"], values["holdout"])
    title, note = word("before", language), word("before_note", language)
    head = (word("kwh_a_day", language), word("offer", language), word("holdout", language))
    if len(edges) < 3:
        return Exhibit("before", NOTHING, head, (), note, word("not_shown", language))
    shares = {arm: (_binned(of_arm, edges) / len(of_arm)).tolist() for arm, of_arm in values.items()}
    unit = word("kwh_a_day", language)
    drawn = _at_both(lambda width: steps(edges, shares, width, title, unit=unit, names=_arms(language)))
    table = tuple(
        (f"{edges[i]:.2f} – {edges[i + 1]:.2f}", *(f"{100 * shares[arm][i]:.1f} %" for arm in shares))
        for i in range(len(edges) - 1)
    )
    return Exhibit("before", drawn, head, table, note)


def _known(rows: Any) -> NDArray[np.float64]:
    values: NDArray[np.float64] = rows["before"].to_numpy(zero_copy_only=False).astype(np.float64) / 1000.0
    return values[np.isfinite(values)]


def bin_edges(one: NDArray[np.float64], other: NDArray[np.float64]) -> list[float]:
    """Edges of common bins, widened until each holds at least 15 members of either arm; none where that cannot be.

    The outermost bins reach to the 1st and 99th percentile and hold what lies beyond.
    """
    if min(len(one), len(other)) < 2 * SMALL_CELL:
        return []
    low, high = np.percentile(np.concatenate([one, other]), [1, 99])
    if not high > low:
        return []
    fine = np.linspace(low, high, MOST_BINS + 1).tolist()
    edges = [fine[0]]
    for edge in fine[1:]:
        counts = [
            _binned(values, [edges[-1], edge, np.inf], first=len(edges) == 1)[0] for values in (one, other)
        ]
        if min(counts) >= SMALL_CELL:
            edges.append(edge)
    edges[-1] = fine[-1]
    return [float(edge) for edge in edges] if len(edges) > 1 else []


def _binned(values: NDArray[np.float64], edges: Sequence[float], *, first: bool = True) -> NDArray[np.int64]:
    """Counts by bin; what lies below the first edge of all or above the last one is in the end bins."""
    held = np.clip(values, edges[0], None) if first else values[values >= edges[0]]
    places = np.clip(np.searchsorted(np.asarray(edges), held, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(places, minlength=len(edges) - 1).astype(np.int64)


def _money(result: CampaignResult, language: Language) -> Exhibit:
    head = (word("amount", language), result.currency, word("interval", language))
    money = result.money
    worth = result.play.value
    note = word("money_note", language).format(
        days=worth.horizon_days, price=worth.per_kwh, currency=result.currency
    )
    if money is None:
        code = result.checks["money"]["reason"]
        return Exhibit("money", NOTHING, head, (), note, chosen(REASONS.get(code, (code, code)), language))
    rows = []
    for key, kind in (
        ("value", "gain"),
        ("contact_cost", "cost"),
        ("enrolment_cost", "cost"),
        ("net", "net"),
    ):
        figure = money[key] if isinstance(money[key], dict) else {"value": f"-{money[key]}"}
        value, ends = float(figure["value"]), (figure.get("ci_low"), figure.get("ci_high"))
        text = amount(value, result.currency)
        low, high = (None if end is None else float(end) for end in ends)
        if low is not None and high is not None:
            text += f" ({round(low):,} … {round(high):,})".replace("-", "−")
        rows.append(Bar(word(key, language), text, value + 0.0, low, high, kind))
    table = tuple(
        (
            bar.label,
            f"{bar.value:,.2f}".replace("-", "−"),
            "–" if bar.low is None else f"{bar.low:,.2f} … {bar.high:,.2f}".replace("-", "−"),
        )
        for bar in rows
    )
    drawn = _at_both(lambda width: bars(rows, width, word("money", language)))
    return Exhibit("money", drawn, head, table, note)


def _naive(result: CampaignResult, language: Language) -> Exhibit:
    right = result.primary
    rows = [(word("right", language), right, False)]
    rows += [(word(row["method"], language), row, True) for row in result.of_role("misleading")]
    shown = []
    for name, row, misleading in rows:
        if row["value"] is None or (misleading and row["units_treated"] < SMALL_CELL):
            shown.append(
                Interval(name, _reason(row, language) if row["reason"] else word("not_shown", language))
            )
            continue
        figure = {key: row[key] / 1000.0 for key in ("value", "ci_low", "ci_high")}
        value, low, high = figure["value"], figure["ci_low"], figure["ci_high"]
        shown.append(Interval(name, _spanned(figure, 3), value, low, high, misleading))
    head = (word("comparison", language), word("kwh_a_day", language))
    table = tuple((row.label, row.text) for row in shown)
    title, unit = word("naive", language), word("kwh_a_day", language)
    known = any(row.value is not None for row in shown)
    drawn = _at_both(lambda width: intervals(shown, width, title, unit)) if known else NOTHING
    note, absent = word("naive_note", language), "" if known else shown[0].text
    return Exhibit("naive", drawn, head, table, note, absent, tuple(shown), unit)


def _funnel(result: CampaignResult, language: Language) -> Exhibit:
    funnel = result.funnel
    counts = [("selected", funnel.selected), ("assigned", funnel.assigned.get(result.arm, 0))]
    names = ("sent", "delivered", "opened", "accepted", "enrolled", "unsubscribed")
    counts += [(name, getattr(funnel, name)) for name in names]
    rows = [
        Bar(
            word(name, language),
            _count(count),
            float(count if count == 0 or count >= SMALL_CELL else SMALL_CELL),
        )
        for name, count in counts
    ]
    drawn = _at_both(lambda width: bars(rows, width, word("funnel", language)))
    head = ("", word("count", language))
    return Exhibit("funnel", drawn, head, tuple((row.label, row.text) for row in rows))


def _count(count: int) -> str:
    """A count of people; 1 to 14 are not told apart."""
    return "<15" if 0 < count < SMALL_CELL else f"{count:,}"


def _reason(row: Row, language: Language) -> str:
    code = row["reason"] or "too_few_units"
    return chosen(REASONS.get(code, (code, code)), language)


def _measure_name(result: CampaignResult, row: Row, language: Language) -> str:
    found = result.measure(row["measure"]).label
    return found.zh if language == "zh" else found.en


def _arms(language: Language) -> dict[str, str]:
    return {arm: word(arm, language) for arm in ("offer", "holdout")}


def _heads(keys: Sequence[str], language: Language) -> tuple[str, ...]:
    return tuple(word(key, language) for key in keys)
