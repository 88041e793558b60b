"""One customer by pseudonym: tags, the year of load, segments, what offers would save, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridloop.apps.console.customer_events import timeline
from gridloop.apps.console.customer_year import (
    meters_of,
    remembered_year,
    require_customer,
    year_basis,
    year_title,
)
from gridloop.apps.console.customers import class_name, tag_specs, tag_value
from gridloop.apps.console.segments import segment_names
from gridloop.apps.tags import customer_tags
from gridloop.apps.web.drawing import heat
from gridloop.apps.web.page import Answer, Context, Page, mark
from gridloop.domain.errors import UsageError
from gridloop.engine.lookup import Equals, OneOf
from gridloop.insight.tags.reasons import reason_label
from gridloop.kernels.features.rules import SEASON_WINDOW_DAYS
from gridloop.strategy.playbook.store import load_playbook

LEAST_COVERAGE = 0.75
"""Share of readings below which the page says that a year is not known well enough."""
HEADLINES = 8
"""Tags that lead the page."""

CONTRACT = ("contract_id", "account_id", "tariff_id", "capacity_kva", "valid_from", "valid_to")
"""What is shown of a contract."""

OFFER_REASONS: Mapping[str, str] = {
    "other_tariff": mark("The contract is on another tariff than the one that is compared."),
    "net_metered": mark("The meter records net energy; prices of it are not supported yet."),
    "too_few_days": mark("The customer was not at this place for the whole year."),
    "low_coverage": mark("Too few days of the year have half of their readings."),
    "gap_too_long": mark("A gap is so long that it cannot be filled from the rest of the month."),
    "no_price": mark("The prices of the tariff do not cover the year."),
    "no_capacity": mark("The tariff charges contracted capacity, and the contract states none."),
}
"""Why an offer could not be priced."""
NO_CHANNEL = mark("No channel may be used")


def customer_page(context: Context) -> Answer:
    """Everything known about one customer, each with where it came from and what it led to."""
    identity = context.parameters["customer_id"]
    register = require_customer(context, identity)
    contracts = _contracts(context, identity)
    rows = _tags(context, identity)
    year = remembered_year(context, identity)
    facts = {
        "customer": identity,
        "register": register | {"class_name": class_name(context, register["customer_class"])},
        "contracts": contracts,
        "headlines": [
            row["label"] if row["value"] == "yes" else f"{row['label']}: {row['says']}"
            for row in rows
            if row["reason"] is None and row["value"] != "no" and row["kind"] in ("flag", "choice")
        ][:HEADLINES],
        "given": [row for row in rows if row["reason"] is None],
        "lacking": _lacking(rows),
        "enough": _enough(context, identity),
        "segments": _segments(context, identity),
        "offers": _offers(context, identity),
        "decisions": _decisions(context, identity),
        "timeline": timeline(context, register, contracts),
        "last_day": None if year is None else year["days"][-1],
        "top": None if year is None else year["top"],
        "bases": _bases(context),
    }
    title = "" if year is None else year_title(context, year)
    picture = "" if year is None else heat(f"/customers/{identity}/year.json", title)
    return Answer(rows, facts | {"year_says": title}, {"picture": picture}, identity)


def _bases(context: Context) -> dict[str, Any]:
    text = context.text
    return {
        "year": year_basis(context),
        "tags": context.basis(
            text(
                "Rules of the catalogue of tags over the customer's features. Confidence is how much was seen."
            ),
            ("tag", "feature"),
            "insight.tags",
        ),
        "offers": context.basis(
            text(
                "The customer's own past year priced under the offer and under the tariff held, use unchanged."
            ),
            ("offer_value", "reading", "contract"),
            "strategy.offers",
        ),
        "timeline": context.basis(
            text("Register of contracts; messages, answers and enrolments of the ledger.")
        ),
    }


def _rows(context: Context, table: str, identity: str, *columns: str) -> list[dict[str, Any]]:
    if not context.view.exists(table):
        return []
    mine = context.view.find(table, [Equals("customer_id", identity)], columns, order=columns[:1])
    found: list[dict[str, Any]] = mine.to_pylist()
    return found


def _contracts(context: Context, identity: str) -> list[dict[str, Any]]:
    """The customer's contracts with the meters that stand there, the newest first."""
    view = context.view
    if not (view.exists("account") and view.exists("contract")):
        return []
    accounts = view.find("account", [Equals("customer_id", identity)], ("account_id",))["account_id"]
    theirs = [OneOf("account_id", accounts.to_pylist())]
    found = view.find("contract", theirs, CONTRACT, order=("valid_from", "contract_id")).to_pylist()
    meters = [stay.meter_id for stay in meters_of(context, identity)]
    return [row | {"meters": meters} for row in reversed(found)]


def _tags(context: Context, identity: str) -> list[dict[str, Any]]:
    """The customer's tags in the reader's language; none before the customer was tagged."""
    if not context.view.exists("tag"):
        return []
    try:
        rows = customer_tags(context.session, context.view, identity)
    except UsageError:
        return []
    words, specs = context.words, tag_specs(context)
    currency = context.session.workspace.config.currency
    found = []
    for row in rows:
        spec = specs[row["tag"]]
        says = tag_value(context, spec, row["value"])
        if spec.kind == "number" and row["number"] is not None:
            says = words.money(row["number"]) if row["unit"] == currency else words.number(row["number"])
            says = says if row["unit"] in ("1", currency) else f"{says} {row['unit']}"
        found.append(
            {
                "tag": row["tag"],
                "label": words.label(spec.label),
                "kind": spec.kind,
                "value": row["value"],
                "says": says,
                "confidence": row["confidence"],
                "reason": row["reason"],
                "why_not": words.label(reason_label(row["reason"])) if row["reason"] else None,
                "window_start": row["window_start"],
                "window_end": row["window_end"],
            }
        )
    return found


def _lacking(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tags that are not given, together by why."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["reason"] is not None:
            found.setdefault(row["why_not"], []).append(row["label"])
    return [{"why": why, "tags": tags} for why, tags in found.items()]


def _enough(context: Context, identity: str) -> dict[str, Any]:
    """Whether enough was read to know a year; what is needed and what is there."""
    rows = _rows(context, "feature", identity, "days_used", "coverage")
    days = max((row["days_used"] or 0 for row in rows), default=0)
    coverage = max((row["coverage"] or 0.0 for row in rows), default=0.0)
    return {
        "days": days,
        "coverage": coverage,
        "needs_days": SEASON_WINDOW_DAYS,
        "needs_coverage": LEAST_COVERAGE,
        "known": days >= SEASON_WINDOW_DAYS and coverage >= LEAST_COVERAGE,
    }


def _segments(context: Context, identity: str) -> list[dict[str, Any]]:
    names = segment_names(context)
    return [
        {"segment": row["segment_id"], "name": names[row["segment_id"]], "confidence": row["confidence"]}
        for row in _rows(context, "segment_member", identity, "segment_id", "confidence")
        if row["segment_id"] in names
    ]


def _offers(context: Context, identity: str) -> list[dict[str, Any]]:
    """What each offer would have saved in the past year, or why that cannot be said."""
    columns = ("offer_id", "contract_id", "saving", "bill_now", "bill_offered", "days_used", "reason")
    found = []
    for row in _rows(context, "offer_value", identity, *columns):
        said = OFFER_REASONS.get(row["reason"] or "", row["reason"] or "")
        found.append(row | {"why_not": context.text(said) if said else None})
    return found


def _decisions(context: Context, identity: str) -> list[dict[str, Any]]:
    """What each play's newest list decided about the customer's accounts."""
    found = []
    for row in _rows(
        context, "recommendation", identity, "playbook", "account_id", "decision", "reason", "rank"
    ):
        try:
            play = load_playbook(row["playbook"], context.session.workspace.root)
        except UsageError:
            continue
        labels = {one.name: context.words.label(one.label) for one in play.exclusions}
        why = labels.get(
            row["reason"] or "", context.text(NO_CHANNEL) if row["reason"] == "no_channel" else row["reason"]
        )
        found.append(
            row
            | {
                "title": context.words.label(play.title),
                "why": why,
                "href": context.to(f"/plays/{row['playbook']}", "/plays"),
            }
        )
    return found


PAGES = (
    Page(
        "/customers/{customer_id}", mark("Customer"), "insight", "customer.html", customer_page, listed=False
    ),
)
