"""One campaign under way: how far it came, its guardrails, its outbox, what is undecided, and the emergency stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gridloop.apps.console.plan_words import GATE_REASONS
from gridloop.apps.console.trail import plan_title, status_of, trail
from gridloop.apps.judged import play_of, record_of
from gridloop.apps.web.page import Action, Answer, Context, Page, mark
from gridloop.domain.errors import UsageError
from gridloop.domain.share import wilson_interval
from gridloop.evaluation.report.words import word

if TYPE_CHECKING:
    from gridloop.ledger.campaigns import Campaign
    from gridloop.strategy.playbook.model import Playbook

MOST_UNDECIDED = 50
"""Undecided messages that are listed."""
STEPS = ("sent", "delivered", "opened", "accepted", "enrolled", "unsubscribed")

SEND_STATUSES = {
    "planned": (mark("waits"), "calm"),
    "sending": (mark("being sent"), "warn"),
    "sent": (mark("sent"), "good"),
    "unknown": (mark("undecided"), "bad"),
    "failed": (mark("failed"), "bad"),
    "bounced": (mark("came back"), "warn"),
    "cancelled": (mark("given up"), "calm"),
}
"""What the status of a message is called, and its colour."""


def named(context: Context) -> Campaign:
    """The campaign that the address names.

    Raises:
        UsageError: there is none.
    """
    return context.session.ledger.campaigns.campaign(context.parameters["campaign_id"])


def campaign_page(context: Context) -> Answer:
    """Status, funnel, guardrails, outbox, undecided messages; rows are the outbox."""
    campaign, ledger = named(context), context.session.ledger
    plan = ledger.plans.plan(campaign.plan_id)
    play = play_of(campaign)
    undecided = ledger.sends.undecided(campaign.campaign_id)
    rows: list[dict[str, Any]] = [
        {"channel": channel, "status": state, "reason": reason, "messages": count}
        for (channel, state, reason), count in ledger.sends.counts(campaign.campaign_id).items()
    ]
    facts = {
        "campaign": {name: value for name, value in asdict(campaign).items() if name != "settings"},
        "status": status_of(context, campaign.status, campaign=True),
        "arms": ledger.assignments.arms(campaign.campaign_id),
        "funnel": [] if play is None else _funnel(context, campaign, play),
        "guardrails": [] if play is None else _guardrails(context, campaign, play),
        "undecided": [
            {"send": str(one.send_id), "channel": one.channel, "since": one.sending_at, "why": one.last_error}
            for one in undecided[:MOST_UNDECIDED]
        ],
        "undecided_count": len(undecided),
        "due": sum(ledger.sends.due(campaign.campaign_id).values()),
        "next_due": ledger.sends.next_due(campaign.campaign_id),
        "failed": sum(row["messages"] for row in rows if row["status"] == "failed"),
        "send_statuses": {
            name: (context.text(text), colour) for name, (text, colour) in SEND_STATUSES.items()
        },
        "gate_reasons": GATE_REASONS,
        "trail": trail(context, plan, "campaign"),
        "bases": _bases(context),
    }
    return Answer(rows, facts, heading=plan_title(context, plan))


def _funnel(context: Context, campaign: Campaign, play: Playbook) -> list[dict[str, Any]]:
    """Customers by how far they came, as evaluation counts them; shares are of the offer's arm and of those sent."""

    def look() -> dict[str, Any]:
        return asdict(record_of(context.session, context.view, campaign, play).funnel)

    counts: dict[str, Any] = context.remembered(f"campaign.funnel.{campaign.campaign_id}", look)
    language = context.words.language
    offered = sum(count for arm, count in counts["assigned"].items() if arm != "holdout")
    steps = [("assigned", offered), *((name, counts[name]) for name in STEPS)]
    return [
        {
            "step": name,
            "text": word(name, language),
            "customers": count,
            "of_sent": count / counts["sent"]
            if counts["sent"] and name not in ("assigned", "sent")
            else None,
            "share": count / offered if offered else 0.0,
        }
        for name, count in steps
    ]


def _guardrails(context: Context, campaign: Campaign, play: Playbook) -> list[dict[str, Any]]:
    """Shares that people's reactions have, with their limits; `state` is early, kept, near or broken.

    Near is a share whose 95 % interval reaches beyond the limit: chance alone may have kept it.
    """
    reaction, limits = context.session.ledger.contacts.reaction(campaign.campaign_id), play.guardrails
    language = context.words.language
    found = []
    for name, count, limit in (
        ("unsubscribed", reaction.unsubscribed, limits.unsubscribed_share),
        ("bounced", reaction.bounced, limits.bounced_share),
    ):
        share = count / reaction.accepted if reaction.accepted else None
        early = reaction.accepted < limits.after_messages
        part = (share or 0.0) / limit
        _, highest = wilson_interval(count, reaction.accepted)
        state = "early" if early else "broken" if part > 1 else "near" if highest > limit else "kept"
        found.append(
            {
                "name": name,
                "text": word(name, language),
                "share": share,
                "highest": highest,
                "limit": limit,
                "part": part,
                "state": state,
                "early": early,
                "accepted": reaction.accepted,
                "after": limits.after_messages,
            }
        )
    return found


def _bases(context: Context) -> dict[str, Any]:
    text = context.text
    return {
        "funnel": context.basis(
            text(
                "Customers with at least one message or answer of the kind in the ledger; whoever opened also counts "
                "as delivered. Enrolments are accounts with a contract that waits or holds."
            ),
            job="reach.deliver",
        ),
        "guardrails": context.basis(
            text(
                "Of the messages that a channel accepted. Beyond a limit the campaign pauses by itself; no limit is "
                "judged before enough messages went out. Near is a share whose interval (95 %, Wilson) reaches beyond "
                "the limit."
            ),
            job="reach.deliver",
        ),
        "outbox": context.basis(
            text("Messages of this campaign in the outbox of the ledger."), job="reach.deliver"
        ),
    }


def pause(context: Context, fields: Mapping[str, str]) -> str:
    """Hold messages back until the campaign is resumed."""
    identity = named(context).campaign_id
    context.session.ledger.campaigns.pause(identity, context.actor)
    return f"/campaigns/{identity}"


def resume(context: Context, fields: Mapping[str, str]) -> str:
    """Let a paused campaign go on."""
    campaign = named(context)
    if campaign.status == "scheduled":
        raise UsageError(
            mark("The launch of this campaign was cut off."), ways_out=(mark("Launch its plan again."),)
        )
    context.session.ledger.campaigns.start(campaign.campaign_id, context.actor)
    return f"/campaigns/{campaign.campaign_id}"


def stop(context: Context, fields: Mapping[str, str]) -> str:
    """Emergency stop: at once and for good, with a reason."""
    from gridloop.reach.orchestrate import stop_campaign

    identity, reason = named(context).campaign_id, fields.get("reason", "").strip()
    if not reason:
        raise UsageError(mark("A stop needs a reason."), ways_out=(mark("Go back and say why."),))
    stop_campaign(context.session.ledger, identity, context.actor, reason)
    return f"/campaigns/{identity}"


def send(context: Context, fields: Mapping[str, str]) -> str:
    """Start a run of the loop through delivery; the page of jobs shows it."""
    named(context)
    context.base["runner"].start("reach")
    return "/jobs"


def decide(context: Context, fields: Mapping[str, str]) -> str:
    """Say what became of an undecided message of this campaign."""
    identity, outcome = named(context).campaign_id, fields.get("outcome", "")
    sends, message = context.session.ledger.sends, fields.get("send", "")
    if outcome not in ("sent", "failed"):
        raise UsageError(mark("A message was sent or has failed; nothing else."))
    if sends.send(message).campaign_id != identity:
        raise UsageError(mark("This message belongs to another campaign."))
    sends.decide(message, outcome, context.actor)
    return f"/campaigns/{identity}"


def retry(context: Context, fields: Mapping[str, str]) -> str:
    """Plan failed messages again."""
    identity = named(context).campaign_id
    context.session.ledger.sends.retry_failed(identity)
    return f"/campaigns/{identity}"


_OWN = "/campaigns/{campaign_id}"
PAGES = (Page(_OWN, mark("Campaign"), "reach", "campaign.html", campaign_page, listed=False),)
ACTIONS = (
    Action(f"{_OWN}/pause", pause),
    Action(f"{_OWN}/resume", resume),
    Action(f"{_OWN}/stop", stop),
    Action(f"{_OWN}/send", send),
    Action(f"{_OWN}/decide", decide),
    Action(f"{_OWN}/retry", retry),
)
