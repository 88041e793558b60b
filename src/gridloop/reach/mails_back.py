"""Mails that come back: bounces (RFC 3464), complaints (RFC 5965) and mails of unsubscription."""

from __future__ import annotations

import re
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import parsedate_to_datetime
from hashlib import sha256

from gridloop.reach.channels.channel import Receipt
from gridloop.reach.tokens import UnsubscribeTokens

_MESSAGE_ID = re.compile(r"\b([0-9a-f]{32})(?:@|\b)")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_KINDS = {"failed": "bounced", "delivered": "delivered", "relayed": "delivered", "expanded": "delivered"}
"""What an `Action` of a delivery status notification means; `delayed` means nothing yet."""


def receipt_of_mail(raw: bytes, tokens: UnsubscribeTokens, now: datetime) -> Receipt | None:
    """What a mail tells; None when it tells nothing of our messages.

    Args:
        raw: the whole mail.
        tokens: of the workspace; a mail of unsubscription without a valid one is none.
        now: for a mail without a usable date.
    """
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    kind, message_id, status = _told(mail, tokens)
    if kind is None or message_id is None:
        return None
    return Receipt(
        sha256(raw).hexdigest()[:32], message_id, kind, _date(mail, now), {"status": status} if status else {}
    )


def _told(mail: EmailMessage, tokens: UnsubscribeTokens) -> tuple[str | None, str | None, str | None]:
    """Kind, message id and status code."""
    report = str(mail.get_param("report-type", "")).lower()
    if mail.get_content_type() == "multipart/report" and report == "delivery-status":
        blocks = _status_blocks(mail)
        envelope = next((str(b["Original-Envelope-Id"]) for b in blocks if b["Original-Envelope-Id"]), "")
        told = [b for b in blocks if b["Action"]]
        if not told:
            return None, None, None
        action = str(told[0]["Action"]).strip().lower()
        message_id = _original(mail) or _id_in(envelope)
        return _KINDS.get(action), message_id, _status(told[0])
    if mail.get_content_type() == "multipart/report" and report == "feedback-report":
        return "complained", _original(mail), None
    found = _TOKEN.search(str(mail["Subject"] or ""))
    message_id = tokens.message_id(found[0]) if found else None
    return ("unsubscribed" if message_id else None), message_id, None


def _status_blocks(mail: EmailMessage) -> list[Message]:
    parts = (part for part in mail.walk() if part.get_content_type() == "message/delivery-status")
    return [block for part in parts for block in part.get_payload() if isinstance(block, Message)]


def _status(block: Message) -> str | None:
    found = re.match(r"\s*(\d\.\d{1,3}\.\d{1,3})", str(block["Status"] or ""))
    return found[1] if found else None


def _original(mail: EmailMessage) -> str | None:
    """The message id of ours that is returned within the mail, whole or as headers."""
    for part in mail.walk():
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            inner = part.get_payload()
            whole = inner[0] if isinstance(inner, list) else _headers(part)
            found = _id_in(str(whole["Message-ID"] or "")) if isinstance(whole, Message) else None
            if found is not None:
                return found
    return None


def _headers(part: Message) -> Message | None:
    payload = part.get_payload(decode=True)
    return message_from_bytes(payload, policy=default) if isinstance(payload, bytes) else None


def _id_in(text: str) -> str | None:
    found = _MESSAGE_ID.search(text)
    return found[1] if found else None


def _date(mail: EmailMessage, now: datetime) -> datetime:
    try:
        stated = parsedate_to_datetime(str(mail["Date"]))
    except (TypeError, ValueError):
        return now
    return stated if stated.tzinfo is not None and stated <= now else now
