"""How the demo tells its turn of the loop: the plan, its effect beside the truth, and what the next one learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridloop.apps.cli.output import Style, say, show_rows, spoken
from gridloop.domain.finding import NotComputable

if TYPE_CHECKING:
    from gridloop.apps.demo.compare import Truth
    from gridloop.apps.wiring import Session
    from gridloop.evaluation.result import CampaignResult


def tell_plan(session: Session, plan_id: str, style: Style) -> None:
    """What a plan says, as an approver reads it."""
    from gridloop.apps.cli.plan_page import show_plan

    if style.form == "text" and not style.quiet:
        say("\nThe plan", style)
        show_plan(session.ledger.plans.plan(plan_id), [], session.workspace.config.currency, style)


def show_turn(session: Session, campaign_id: str, style: Style) -> dict[str, Any]:
    """Print what a campaign caused beside what the twin knows, the money, and what the next plan does differently.

    Returns:
        the same for `--json`: campaign, effect, truth, money, report, next_plan, learned.
    """
    from gridloop.apps.demo.compare import true_effect
    from gridloop.apps.judged import judged, report_path
    from gridloop.evaluation.report.sentences import decision_line, lead

    found = judged(session, campaign_id)
    truth = true_effect(session, campaign_id, found.play)
    report = report_path(session, campaign_id, spoken())
    funnel = found.funnel
    say("\nWhat went out and came back", style)
    steps = ("sent", "delivered", "opened", "accepted", "enrolled", "unsubscribed", "bounced")
    show_text_rows([{name: getattr(funnel, name) for name in steps}], style)
    say("\nWhat it caused", style)
    say(f"  {lead(found, 'en')}", style)
    say(f"  {decision_line(found, 'en')}", style)
    show_text_rows(_beside(found, truth), style)
    plan = next_plan(session)
    learned = [] if plan is None else list((plan.content.expectation or {}).get("learned", []))
    say("\nWhat the next plan does differently", style)
    for lesson in learned:
        say(f"  • {lesson['text_en']}", style)
    if plan is not None:
        say(f"  It waits for approval: gridloop campaign show {plan.plan_id}", style)
    elif not learned:
        say("  No plan waits: nobody is left to address.", style)
    say(f"\nThe report: {report}", style)
    return {
        "campaign": campaign_id,
        "effect": _figures(found.primary),
        "truth": {"value": truth.value, "percent": truth.percent}
        if not isinstance(truth, NotComputable)
        else {"value": None, "reason": truth.code},
        "money": found.money,
        "report": str(report),
        "next_plan": None if plan is None else plan.plan_id,
        "learned": learned,
    }


def next_plan(session: Session) -> Any:
    """The plan that learned from a campaign and waits; None when there is none."""
    waiting = [plan for plan in session.ledger.plans.recent("submitted") if plan.content.previous_plan_id]
    return waiting[0] if waiting else None


def show_text_rows(rows: list[dict[str, Any]], style: Style) -> None:
    """A table for people; nothing in other forms, which have an answer of their own."""
    if style.form == "text" and not style.quiet:
        show_rows(rows, style)


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("value", "ci_low", "ci_high", "unit", "trusted", "reason")
    return {name: row[name] for name in names} | {"percent": row["checks"].get("percent")}


def _beside(found: CampaignResult, truth: Truth | NotComputable) -> list[dict[str, Any]]:
    """The effect found, the truth, and what naive comparisons would have said."""
    primary = found.primary
    rows = [_line("found, by assignment", primary)]
    if not isinstance(truth, NotComputable):
        inside = primary["ci_low"] is not None and primary["ci_low"] <= truth.value <= primary["ci_high"]
        rows.append(
            {
                "effect_on_evening": "the twin's truth",
                "Wh_a_day": truth.value,
                "low": None,
                "high": None,
                "percent": truth.percent,
                "note": "within the interval" if inside else "outside the interval: one in twenty is",
            }
        )
    rows += [
        {**_line(f"naive: against {row['contrast']}", row), "note": "misleading, never the effect"}
        for row in found.of_role("misleading")
        if row["measure"] == primary["measure"]
    ]
    return rows


def _line(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    share = row["checks"].get("percent") or {}
    return {
        "effect_on_evening": name,
        "Wh_a_day": row["value"],
        "low": row["ci_low"],
        "high": row["ci_high"],
        "percent": share.get("value"),
        "note": row["reason"] or "",
    }
