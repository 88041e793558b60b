"""Quality of the data: findings by rule, how complete readings are, and rules that could not run."""

from __future__ import annotations

from collections.abc import Mapping

from gridloop.apps.checks import findings_by_rule, of_rule, quality_findings
from gridloop.apps.console.standing import completeness_by_day
from gridloop.apps.web.charts import Lines, Series, charted
from gridloop.apps.web.drawing import PHONE, curve, twice
from gridloop.apps.web.page import Answer, Context, Page, mark
from gridloop.data.quality.judge import COULD_NOT_RUN

TREND_DAYS = 365
SHOWN = 50
"""Findings of one rule that are listed."""

SEVERITIES: Mapping[str, tuple[str, str]] = {
    "info": (mark("information"), "calm"),
    "warning": (mark("warning"), "warn"),
    "error": (mark("error"), "bad"),
    "critical": (mark("critical"), "bad"),
}
"""What a severity is called, and its colour."""


def quality_page(context: Context) -> Answer:
    """Findings by rule, those of one rule when it is asked for, and the trend of completeness."""
    found = context.remembered("quality.findings", lambda: quality_findings(context.session))
    rule = context.query.get("rule", "")
    broken = [one for one in found or () if one.code == COULD_NOT_RUN]
    rows = context.remembered(
        "quality.by_rule", lambda: findings_by_rule([one for one in found or () if one.code != COULD_NOT_RUN])
    )
    mine = of_rule(found, rule) if rule and found is not None else []
    facts = {
        "checked": found is not None,
        "could_not_run": [{"rule": one.subject, "table": one.table, "text": one.text} for one in broken],
        "severities": {name: [context.text(said), colour] for name, (said, colour) in SEVERITIES.items()},
        "rule": rule,
        "findings": [
            {"severity": one.severity.value, "table": one.table, "subject": one.subject, "text": one.text}
            for one in mine[:SHOWN]
        ],
        "count": len(mine),
        "how": context.basis(
            context.text(
                "Each rule of the quality job over the tables as published; a finding is a rule that does not hold."
            ),
            ("quality_finding",),
            "data.check",
        ),
        "trend_how": context.basis(
            context.text(
                "Intervals with a reading ÷ intervals that the meters' days have, over all channels, by day."
            ),
            ("completeness",),
            "data.validate",
        ),
    }
    return Answer(rows, facts, {"trend": _trend(context)})


def _trend(context: Context) -> str:
    """Completeness by day over the last year; empty when it is not known."""
    days = completeness_by_day(context)[-TREND_DAYS:] if context.view.exists("completeness") else []
    if len(days) < 2:
        return ""
    shares = [100 * one["present"] / one["expected"] if one["expected"] else None for one in days]
    known = [share for share in shares if share is not None]
    if not known:
        return ""
    title = context.text(
        "Share of readings that are in, by day: lowest {low} %, highest {high} %, over {days} days",
        low=context.words.number(min(known), 1),
        high=context.words.number(max(known), 1),
        days=len(days),
    )

    def draw(width: float) -> str:
        step = max(len(days) // (6 if width > PHONE else 3), 1)
        marks = [(float(place), f"{days[place]['day']:%m-%d}") for place in range(0, len(days), step)]
        return curve(
            [(context.text("Readings complete"), shares, "")], marks, title, "%", (width, 220), zero=False
        )

    chart = Lines(
        title,
        "%",
        [one["day"].isoformat() for one in days],
        [Series(context.text("Readings complete"), shares)],
        every=max(len(days) // 6, 1),
        digits=2,
        zero=False,
    )
    return charted(twice(draw), chart)


PAGES = (Page("/data/quality", mark("Quality"), "data", "quality.html", quality_page),)
