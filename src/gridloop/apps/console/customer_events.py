"""What happened to a customer: contracts, messages, answers and enrolments, the newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gridloop.apps.console.segments import CHANNELS
from gridloop.apps.judged import launched_campaigns, play_of
from gridloop.apps.web.page import Context, mark

if TYPE_CHECKING:
    from gridloop.ledger.campaigns import Campaign

Event = tuple[datetime, str, str, str]
"""When, kind, subject (campaign, product, channel or contract), campaign."""

KINDS: Mapping[str, tuple[str, str]] = {
    "since": (mark("Customer since then"), "data"),
    "contract": (mark("Contract began, tariff {subject}"), "data"),
    "contract_end": (mark("Contract ended, tariff {subject}"), "data"),
    "planned": (mark("Message planned: {subject}"), "reach"),
    "sent": (mark("Message sent: {subject}"), "reach"),
    "failed": (mark("Message failed: {subject}"), "reach"),
    "cancelled": (mark("Message cancelled: {subject}"), "reach"),
    "unknown": (mark("Message may or may not have gone out: {subject}"), "reach"),
    "bounced": (mark("Message came back"), "reach"),
    "delivered": (mark("Message arrived"), "reach"),
    "opened": (mark("Message opened"), "reach"),
    "clicked": (mark("Followed the link of the message"), "reach"),
    "accepted": (mark("Accepted the offer"), "reach"),
    "declined": (mark("Declined the offer"), "reach"),
    "complained": (mark("Complained"), "reach"),
    "unsubscribed": (mark("Unsubscribed"), "reach"),
    "enrolled": (mark("Enrolled in {subject}"), "evaluate"),
    "ended": (mark("Enrolment in {subject} ended"), "evaluate"),
}
"""What an event is called, and its stage; one that is not here stands for itself."""


def _ledger_events(context: Context) -> dict[str, list[Event]]:
    """The events of every customer that the ledger knows of."""
    ledger = context.session.ledger
    found: dict[str, list[Event]] = defaultdict(list)
    for campaign in launched_campaigns(context.session):
        identity = campaign.campaign_id
        for send in ledger.sends.of(identity):
            at = send.sent_at or send.sending_at or send.planned_at
            if send.status != "bounced":
                found[send.customer_id].append((at, send.status, send.channel, identity))
        for answer in ledger.responses.of(identity):
            found[answer.customer_id].append((answer.at, answer.kind, "", identity))
    for product in ledger.products.all():
        for one in ledger.enrolments.in_product(product.product_id):
            found[one.customer_id].append((one.enrolled_at, "enrolled", product.name, one.campaign_id or ""))
            if one.ended_at is not None:
                found[one.customer_id].append((one.ended_at, "ended", product.name, one.campaign_id or ""))
    return dict(found)


def _register_events(
    context: Context, customer: Mapping[str, Any], contracts: list[dict[str, Any]]
) -> list[Event]:
    zone = ZoneInfo(context.session.workspace.config.zone)

    def at(day: Any) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    found: list[Event] = []
    if customer["since"] is not None:
        found.append((at(customer["since"]), "since", "", ""))
    for one in contracts:
        found.append((at(one["valid_from"]), "contract", one["tariff_id"] or "–", ""))
        if one["valid_to"] is not None:
            found.append((at(one["valid_to"]), "contract_end", one["tariff_id"] or "–", ""))
    return found


def timeline(
    context: Context, customer: Mapping[str, Any], contracts: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The events of one customer, the newest first, each with what it belongs to."""
    known: dict[str, list[Event]] = context.remembered("customers.events", lambda: _ledger_events(context))
    campaigns: dict[str, Campaign] = {one.campaign_id: one for one in launched_campaigns(context.session)}
    events = [*known.get(customer["customer_id"], []), *_register_events(context, customer, contracts)]
    return [
        {
            "at": at,
            "kind": kind,
            "stage": KINDS.get(kind, ("", "govern"))[1],
            "what": _what(context, kind, subject),
            "campaign": campaign or None,
            "campaign_name": _title(context, campaigns.get(campaign)),
            "href": context.to(f"/campaigns/{campaign}/result", f"/campaigns/{campaign}") if campaign else "",
        }
        for at, kind, subject, campaign in sorted(events, reverse=True)
    ]


def _what(context: Context, kind: str, subject: str) -> str:
    said = KINDS.get(kind, (kind, ""))[0]
    name = CHANNELS.get(subject, subject)
    return context.text(said, subject=context.text(name) if name else "")


def _title(context: Context, campaign: Campaign | None) -> str:
    """What the campaign's play is called."""
    play = None if campaign is None else play_of(campaign)
    return "" if campaign is None else campaign.name if play is None else context.words.label(play.title)
