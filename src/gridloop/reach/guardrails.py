"""Guardrails of a play: a campaign that people turn away from, or whose messages come back, pauses by itself."""

from __future__ import annotations

from gridloop.domain.errors import LedgerConflict
from gridloop.domain.finding import Finding, Severity
from gridloop.ledger.contacts import Reaction
from gridloop.reach.context import ReachContext
from gridloop.strategy.playbook.model import Guardrails, Playbook

ACTOR = "guardrail"
"""In whose name a campaign pauses by itself."""


def beyond(limits: Guardrails, reaction: Reaction) -> tuple[str, float, float] | None:
    """Name, share and limit of the guardrail that is broken; None when none is.

    Shares are of the messages that a channel accepted; none is judged before `after_messages` of them.
    """
    if reaction.accepted < limits.after_messages:
        return None
    for name, count, limit in (
        ("unsubscribed_share", reaction.unsubscribed, limits.unsubscribed_share),
        ("bounced_share", reaction.bounced, limits.bounced_share),
    ):
        if count / reaction.accepted > limit:
            return name, count / reaction.accepted, limit
    return None


def pause_beyond_limits(context: ReachContext, campaign_id: str) -> list[Finding]:
    """Pause a running campaign whose guardrails are broken, and say so; nothing when they hold."""
    campaign = context.ledger.campaigns.campaign(campaign_id)
    if campaign.status != "running":
        return []
    limits = Playbook.model_validate(campaign.settings["play"]).guardrails
    reaction = context.ledger.contacts.reaction(campaign_id)
    broken = beyond(limits, reaction)
    if broken is None:
        return []
    name, share, limit = broken
    try:
        context.ledger.campaigns.pause(campaign_id, ACTOR, name)
    except LedgerConflict:  # somebody stopped it at this moment
        return []
    return [
        Finding(
            f"reach.{name}",
            f"The campaign {campaign_id} was paused: {name.replace('_', ' ')} is {share:.1%}, the limit {limit:.1%}.",
            {"share": share, "limit": limit, "accepted": reaction.accepted},
            Severity.ERROR,
            "campaign",
            campaign_id,
        )
    ]
