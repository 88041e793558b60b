"""Headings of tables that commands print: a column's name, for people who read another language than English."""

from __future__ import annotations

from gridloop.apps.recognition import recogniser
from gridloop.apps.translations import Language

HEADINGS = (
    "account", "accounts", "action", "actor", "after", "against", "amount", "arm", "at", "author", "besides",
    "blocks", "bounced", "by", "campaign", "campaign status", "channel", "charge", "check", "clustering", "code",
    "column", "confidence", "contract", "contracts", "count", "counts", "coverage", "currency", "customer",
    "customers", "customers for whom the rule is unknown", "days", "delivered", "description", "details",
    "detectable", "effect", "effect on", "enrolled", "error", "evidence", "example", "expected", "feature", "files",
    "finding", "findings", "format", "found", "from", "gravest", "held out", "high", "instead of", "intervals",
    "job", "kind", "known from", "known until", "label", "lacking", "left out", "licence", "low", "mean day",
    "measure", "median", "members", "meter", "method", "missing", "name", "next", "note", "now", "of", "offer",
    "offered", "on", "opened", "outcome", "owner", "p", "peak share", "per", "per kwh", "percent", "period", "plan",
    "plan status", "play", "population", "precision", "price", "prices", "rank", "reachable", "reason",
    "reason code", "recall", "recipe", "recommended", "role", "rows", "rows accepted", "rows in",
    "rows quarantined", "rows superseded", "rule", "saving", "says", "schedule", "seconds", "segment", "sent",
    "severity", "share", "share of the peak", "stability", "stage", "standard", "started", "state", "status",
    "step", "subject", "table", "tables", "tag", "tariff", "text", "things", "title", "total", "type", "unit",
    "units", "unsubscribed", "until", "used", "value", "values", "verdict", "what", "when", "who", "why", "why not",
    "year", "zone", "accepted", "intervals missing", "missing values", "null share", "lowest", "highest",
)  # fmt: skip
"""Names of columns, with blanks; one that is not here stays as it is."""


def heading(name: str, language: Language) -> str:
    """A column's name as its heading."""
    text = name.replace("_", " ")
    return recogniser(language).whole(f"heading|{text}").removeprefix("heading|")
