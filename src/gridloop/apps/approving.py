"""Decisions on plans: by a person other than the author, or by the program in a demo whose messages leave no house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridloop.domain.errors import NotPermitted
from gridloop.ledger.plans import same_person

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.ledger.approvals import Approval
    from gridloop.ledger.plans import Plan

AUTOMATIC = "automatic"
"""Who decided when no person did."""

REASON = "Approved by the program: a demo workspace whose messages go to the synthetic county alone."


def approve_automatically(session: Session, plan_id: str) -> Approval:
    """Approve a submitted plan without a person; the record says so and why.

    Raises:
        NotPermitted: the workspace is no demo, or a channel of the play leads anywhere but to the twin.
        LedgerConflict: the plan is not submitted.
    """
    plan = session.ledger.plans.plan(plan_id)
    config = session.workspace.config
    play: Any = plan.content.settings["play"]
    elsewhere = [
        name
        for name in play["contact"]["channels"]
        if name not in config.channels or config.channels[name].transport != "twin"
    ]
    if not config.demo or elsewhere:
        raise NotPermitted(
            "A plan is approved by a person; only a demo whose messages all go to the twin approves by itself.",
            evidence={"demo": config.demo, "channels_elsewhere": ", ".join(elsewhere)},
            ways_out=(f"gridloop approve {plan_id} --as NAME, by another person than {plan.created_by}.",),
        )
    return session.ledger.approvals.approve(plan_id, plan.digest, AUTOMATIC, REASON, automatic=True)


def require_other_person(plan: Plan, decided_by: str) -> None:
    """Return when somebody else than its author decides on a plan.

    Raises:
        NotPermitted: it is the author; told before anything is asked.
    """
    if same_person(plan.created_by, decided_by):
        raise NotPermitted(
            "A plan is decided on by another person than its author.",
            evidence={"plan": plan.plan_id, "author": plan.created_by, "you": decided_by},
            ways_out=(f"gridloop approve {plan.plan_id} --as NAME, by a colleague.",),
        )
