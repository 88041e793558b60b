"""A plan printed for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridloop.apps.cli.output import Style, say, show_rows
from gridloop.apps.plan_sentences import detectable, funnel, headline, losers, money, next_steps

if TYPE_CHECKING:
    from gridloop.ledger.approvals import Approval
    from gridloop.ledger.plans import Plan


def show_plan(plan: Plan, approvals: list[Approval], currency: str, style: Style) -> None:
    """Print a plan for a person."""
    said: Any = plan.content.expectation or {}
    say(headline(plan, currency), style)
    for approval in approvals:
        by = "by the program" if approval.automatic else f"by {approval.decided_by}"
        reason = f": {approval.reason}" if approval.reason else "."
        say(f"It was {approval.decision} {by} on {approval.decided_at:%Y-%m-%d %H:%M} UTC{reason}", style)
    show_rows(funnel(plan), style, title="\nWho")
    show_rows(money(plan, currency), style, title="\nMoney")
    if "value" in said:
        say(losers(said["value"], currency), style)
    say("\nWhat can be found", style)
    say(detectable(plan), style)
    say("\nWhat was learned", style)
    lessons = [f"• {lesson['text_en']}" for lesson in said.get("learned", [])]
    say("\n".join(lessons) or "Nothing yet: no campaign of this play has ended.", style)


def say_next(plan: Plan, workspace: Path, style: Style) -> None:
    """Print the commands that may follow."""
    steps = list(next_steps(plan, workspace))
    if steps:
        say("\n  ".join(("\nNext:", *steps)), style)
