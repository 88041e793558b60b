"""What comes back: recorded once however often it is told, and applied to sends, unsubscriptions and enrolments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from gridloop.domain.errors import SourceUnreadable
from gridloop.domain.finding import Finding, Severity
from gridloop.ledger.campaigns import Campaign
from gridloop.ledger.enrolments import Enrolment
from gridloop.ledger.messages import Send
from gridloop.ledger.redaction import personal_kind
from gridloop.ledger.responses import PROVES_IT_WENT_OUT, Response
from gridloop.ledger.unsubscribes import Unsubscribe
from gridloop.reach.channels.channel import Receipt
from gridloop.reach.context import ReachContext
from gridloop.reach.guardrails import pause_beyond_limits
from gridloop.reach.mails_back import receipt_of_mail
from gridloop.reach.rules import ContactRules, rules_of
from gridloop.reach.tokens import UnsubscribeTokens

KINDS = PROVES_IT_WENT_OUT
"""Kinds of receipts."""


@dataclass(frozen=True)
class ReceiptReport:
    """What came back, and what it changed.

    Attributes:
        told: receipts given.
        new: of which not known before.
        unmatched: of which no message of ours is meant.
        sent: undecided messages that are proven to have gone out.
        bounced: messages that came back.
        unsubscribed: new unsubscriptions.
        enrolled: new enrolments.
        findings: what a person should know.
    """

    told: int = 0
    new: int = 0
    unmatched: int = 0
    sent: int = 0
    bounced: int = 0
    unsubscribed: int = 0
    enrolled: int = 0
    findings: tuple[Finding, ...] = ()


def take_in(context: ReachContext, receipts: Iterable[Receipt], source: str) -> ReceiptReport:
    """Record what came back and apply it; the same again changes nothing.

    Unsubscriptions are written first: whatever happens after, nobody is sent more than they want.

    Args:
        context: see `ReachContext`.
        receipts: any order.
        source: how they came: a transport, `file`, `mail`.

    Raises:
        LedgerConflict: a receipt is known and says something else now.
    """
    listed = list(receipts)
    sends = context.ledger.sends.of_messages(one.message_id for one in listed)
    matched = [(one, sends[one.message_id]) for one in listed if one.message_id in sends]
    campaigns = _Campaigns(context)
    ledger = context.ledger
    unsubscribed = ledger.unsubscribes.record(
        _unsubscribe(one, send, campaigns[send.campaign_id].rules, source)
        for one, send in matched
        if one.kind == "unsubscribed"
    )
    new = ledger.responses.record(_response(one, send) for one, send in matched)
    enrolled = ledger.enrolments.record(
        enrolment
        for one, send in matched
        if one.kind == "accepted"
        for enrolment in campaigns[send.campaign_id].enrolments(one, send)
    )
    moved = ledger.responses.reconcile()
    findings = [
        finding
        for campaign_id in dict.fromkeys(send.campaign_id for _, send in matched)
        for finding in pause_beyond_limits(context, campaign_id)
    ]
    unmatched = len(listed) - len(matched)
    if unmatched:
        findings.append(
            Finding(
                "reach.unmatched_receipts",
                f"{unmatched:,} receipts tell of no message of this workspace.",
                {"receipts": unmatched},
                Severity.WARNING,
                "response",
            )
        )
    return ReceiptReport(
        len(listed), new, unmatched, moved.sent, moved.bounced, unsubscribed, enrolled, tuple(findings)
    )


def read_receipts(path: Path, context: ReachContext) -> list[Receipt]:
    """Receipts from a file, or from all `.eml` and `.jsonl` of a folder.

    `.eml` is a mail that came back: a bounce, a complaint or a mail of unsubscription. Anything else is JSON lines:
    `message_id` or `token` (of an unsubscription link), `kind` and `at` (ISO 8601 with zone), and where there are such,
    `receipt_id` (the channel's own key) and `reason` (a code).

    Raises:
        SourceUnreadable: a file or line cannot be read; nothing was recorded.
    """
    if not path.exists():
        raise SourceUnreadable(f"There is no file {path}.", ways_out=("Name it with `--file`.",))
    tokens, now = UnsubscribeTokens.of(context.vault), context.clock.now()
    found: list[Receipt] = []
    known = (file for file in sorted(path.glob("*")) if file.suffix in (".eml", ".jsonl"))
    for file in known if path.is_dir() else [path]:
        if file.suffix == ".eml":
            one = receipt_of_mail(file.read_bytes(), tokens, now)
            found += [] if one is None else [one]
        else:
            found += _receipts_of_lines(file, tokens)
    return found


def _receipts_of_lines(file: Path, tokens: UnsubscribeTokens) -> Iterator[Receipt]:
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                yield _receipt(json.loads(line), tokens)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                reason = str(error) if isinstance(error, _Faulty) else type(error).__name__
                raise SourceUnreadable(
                    f"Line {number} of {file.name} is no receipt.",
                    evidence={"reason": reason},
                    ways_out=(
                        'A line is {"message_id": "…", "kind": "delivered", "at": "2026-01-06T10:00:00+08:00"}.',
                        f"Kinds: {', '.join(KINDS)}.",
                    ),
                ) from None


class _Faulty(ValueError):
    """What is wrong with a line, without what stands in it."""


def _receipt(line: Mapping[str, Any], tokens: UnsubscribeTokens) -> Receipt:
    message_id = str(line["message_id"]) if "message_id" in line else tokens.message_id(str(line["token"]))
    if message_id is None:
        raise _Faulty("the token is none of this workspace")
    kind = str(line.get("kind", "unsubscribed" if "token" in line else ""))
    if kind not in KINDS:
        raise _Faulty("`kind` is none that is known")
    at = datetime.fromisoformat(line["at"])
    if at.tzinfo is None:
        raise _Faulty("`at` has no zone")
    given = line.get("receipt_id") or f"{message_id}|{kind}|{at.isoformat()}"
    details = {"reason": str(line["reason"])} if "reason" in line else {}
    return Receipt(str(given), message_id, kind, at, details)


def _key(receipt: Receipt, send: Send) -> str:
    """A key of our own: a channel's may hold an address."""
    return sha256(f"{send.channel}|{receipt.receipt_id}".encode()).hexdigest()[:32]


def _response(receipt: Receipt, send: Send) -> Response:
    details = {
        name: value
        for name, value in receipt.details.items()
        if isinstance(value, str | int | float | bool) and personal_kind(str(value)) is None
    }
    return Response(
        f"response-{_key(receipt, send)}",
        send.customer_id,
        receipt.kind,
        receipt.at,
        send.send_id,
        send.campaign_id,
        details=details or None,
    )


def _unsubscribe(receipt: Receipt, send: Send, rules: ContactRules, source: str) -> Unsubscribe:
    """Of every channel: who refuses by one does not want to hear the same by another."""
    return Unsubscribe(
        f"unsubscribe-{_key(receipt, send)}",
        send.customer_id,
        receipt.at,
        source,
        purpose=rules.purpose,
        send_id=send.send_id,
    )


class _Campaigns(dict[str, "_CampaignFacts"]):
    """What receipts need of campaigns, read when it is first asked for."""

    def __init__(self, context: ReachContext) -> None:
        super().__init__()
        self._context = context

    def __missing__(self, campaign_id: str) -> _CampaignFacts:
        self[campaign_id] = _CampaignFacts(
            self._context, self._context.ledger.campaigns.campaign(campaign_id)
        )
        return self[campaign_id]


@dataclass
class _CampaignFacts:
    context: ReachContext
    campaign: Campaign

    @cached_property
    def rules(self) -> ContactRules:
        assignments = self.context.ledger.assignments.of(self.campaign.campaign_id)
        return rules_of(self.campaign, assignments, self.context.view, self.context.zone)

    def enrolments(self, receipt: Receipt, send: Send) -> list[Enrolment]:
        """Of every account of the customer that was offered the product."""
        product_id, campaign_id = self.campaign.product_id, self.campaign.campaign_id
        if product_id is None:
            return []
        return [
            Enrolment(product_id, unit, send.customer_id, receipt.at, send.channel, campaign_id)
            for unit in self.rules.treated_units(send.customer_id)
        ]
