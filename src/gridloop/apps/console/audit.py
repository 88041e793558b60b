"""The audit trail: who did what, newest first, and whether the chain of entries is whole."""

from __future__ import annotations

from gridloop.apps.console.jobs import whole
from gridloop.apps.web.page import Answer, Context, Page, mark

SHOWN = 50
"""Entries at a time."""


def audit_page(context: Context) -> Answer:
    """Entries, of one subject when it is asked for; the whole chain is recomputed for every reader."""
    audit = context.session.ledger.audit
    first, subject = whole(context.query.get("first", "")), context.query.get("subject", "").strip()
    head = audit.head()
    found = audit.entries(max(head.sequence, 1), subject) if subject else audit.entries(first + SHOWN)
    faults = audit.verify()
    rows = [
        {
            "sequence": one.sequence,
            "at": one.at,
            "actor": one.actor,
            "action": one.action,
            "subject": one.subject,
            "details": dict(one.details),
            "hash": one.hash,
        }
        for one in found[first : first + SHOWN]
    ]
    facts = {
        "first": first,
        "size": SHOWN,
        "total": len(found) if subject else head.sequence,
        "subject": subject,
        "head": {"sequence": head.sequence, "hash": head.hash},
        "whole": not faults,
        "faults": [{"code": one.code, "text": one.text, "entry": one.subject} for one in faults],
        "basis": context.basis(
            context.text(
                "Each entry holds the hash of the one before it; the chain was recomputed from the first entry to the "
                "last when this page was asked for."
            )
        ),
    }
    return Answer(rows, facts)


PAGES = (Page("/audit", mark("Audit trail"), "govern", "audit.html", audit_page),)
