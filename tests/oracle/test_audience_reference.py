"""The audience of a play against a plain reading of its rules, row by row, on towns drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.strategy.audience import select_audience
from gridloop.strategy.facts import BOUNCES, CONTACTS, ENROLMENTS, RUNNING, UNSUBSCRIBES, LedgerFacts
from gridloop.strategy.playbook.store import CheckedPlay, check_play, load_playbook

AT = datetime(2025, 3, 1, 4, tzinfo=UTC)
DAY = date(2025, 3, 1)
CHANNELS = ("app", "email", "sms")
Rows = list[dict[str, Any]]


@dataclass
class Town:
    """Rows by table, read as a view of the lake is read."""

    tables: dict[str, Rows]
    facts: dict[str, Rows]
    customers: Rows
    lake: Any = field(default_factory=lambda: _LAKE)

    def exists(self, name: str) -> bool:
        """Whether there are rows."""
        return bool(self.tables.get(name))

    def arrow(self, name: str, columns: tuple[str, ...]) -> pa.Table:
        """Some columns of a table."""
        schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(table(name))])
        return pa.Table.from_pylist(self.tables.get(name, []), schema=schema).select(list(columns))

    def ledger(self) -> LedgerFacts:
        """The facts as tables."""
        shapes = {
            "running": RUNNING,
            "contacts": CONTACTS,
            "unsubscribes": UNSUBSCRIBES,
            "enrolments": ENROLMENTS,
            "bounces": BOUNCES,
        }
        return LedgerFacts(
            **{n: pa.Table.from_pylist(self.facts.get(n, []), schema=s) for n, s in shapes.items()}
        )


_LAKE = SimpleNamespace(workspace=SimpleNamespace(config=SimpleNamespace(zone="Asia/Shanghai")))


@pytest.fixture(scope="module")
def play() -> CheckedPlay:
    """The shipped play."""
    return check_play(load_playbook("tou-shift"))


def days(least: int, most: int) -> st.SearchStrategy[date]:
    """Days around the day of the plan."""
    return st.integers(least, most).map(lambda n: DAY + timedelta(days=n))


@st.composite
def towns(draw: st.DrawFn) -> Town:
    """Up to six customers with accounts, contracts, prices, consents and a history."""
    tables: dict[str, Rows] = {
        name: []
        for name in ("customer", "account", "contract", "offer_value", "consent", "tariff_assignment")
    }
    facts: dict[str, Rows] = {n: [] for n in ("running", "contacts", "unsubscribes", "enrolments", "bounces")}
    customers: Rows = []
    for number in range(draw(st.integers(1, 6))):
        customer = f"c{number}"
        tables["customer"].append({"customer_id": customer, "since": draw(st.none() | days(-800, -1))})
        customers.append(
            {
                "customer_id": customer,
                "customer_class": draw(st.sampled_from(["residential", "residential", "shop"])),
                "evening_share": draw(st.sampled_from([0.2, 0.4, None])),
                "vulnerable": draw(st.sampled_from([False, False, None, True])),
            }
        )
        _draw_accounts(draw, customer, tables, facts)
        _draw_contacts(draw, customer, tables, facts)
    return Town(tables, facts, customers)


def _draw_accounts(draw: st.DrawFn, customer: str, tables: dict[str, Rows], facts: dict[str, Rows]) -> None:
    for place in range(draw(st.integers(1, 2))):
        account = f"a{place}{customer}"
        tables["account"].append(
            {
                "account_id": account,
                "customer_id": customer,
                "opened": draw(st.none() | days(-800, -300)),
                "closed": draw(st.sampled_from([None, None, None, DAY, DAY + timedelta(days=1)])),
            }
        )
        if draw(st.integers(0, 9)) == 0:
            facts["running"].append({"account_id": account})
        if draw(st.integers(0, 9)) == 0:
            facts["enrolments"].append(
                {
                    "account_id": account,
                    "tariff_id": draw(st.sampled_from(["tou-evening", "county-residential-flat", None])),
                }
            )
        for point in range(draw(st.integers(0, 2))):
            contract = f"k{point}{account}"
            tables["contract"].append(
                {
                    "contract_id": contract,
                    "account_id": account,
                    "service_point_id": f"s{point}{account}",
                    "valid_from": draw(days(-900, -200)),
                    "valid_to": draw(st.sampled_from([None, None, DAY, DAY + timedelta(days=1)])),
                    "tariff_id": draw(st.sampled_from(["RES-TIER", "RES-TIER", "RES-TOU", None])),
                }
            )
            if draw(st.integers(0, 4)) == 0:
                tables["tariff_assignment"].append(
                    {
                        "contract_id": contract,
                        "tariff_id": draw(st.sampled_from(["RES-TIER", "tou-evening"])),
                        "valid_from": draw(days(-50, 1)),
                        "valid_to": None,
                    }
                )
            for offer in draw(st.sampled_from([["tou-evening"], ["tou-evening"], ["another"], []])):
                saving = draw(st.sampled_from([None, "-40", "5.999999", "6", "12", "30"]))
                tables["offer_value"].append(
                    {
                        "contract_id": contract,
                        "offer_id": offer,
                        "window_end": DAY - timedelta(days=2),
                        "as_of": AT,
                        "saving": None if saving is None else Decimal(saving),
                    }
                )


def _draw_contacts(draw: st.DrawFn, customer: str, tables: dict[str, Rows], facts: dict[str, Rows]) -> None:
    for channel in CHANNELS:
        for _ in range(draw(st.integers(0, 2))):
            tables["consent"].append(
                {
                    "customer_id": customer,
                    "channel": channel,
                    "purpose": draw(st.sampled_from(["marketing", "marketing", "service"])),
                    "granted": draw(st.booleans()),
                    "valid_from": AT - timedelta(hours=draw(st.integers(-5, 5000))),
                    "valid_to": draw(st.sampled_from([None, None, AT, AT + timedelta(hours=1)])),
                }
            )
        if draw(st.integers(0, 9)) == 0:
            facts["bounces"].append({"customer_id": customer, "channel": channel})
    if draw(st.integers(0, 4)) == 0:
        facts["unsubscribes"].append(
            {
                "customer_id": customer,
                "channel": draw(st.sampled_from([None, *CHANNELS])),
                "purpose": draw(st.sampled_from([None, "marketing", "service"])),
            }
        )
    if draw(st.integers(0, 4)) == 0:
        at = AT - timedelta(days=draw(st.sampled_from([1, 29, 30, 31])))
        facts["contacts"].append({"customer_id": customer, "at": at})


def in_force(row: dict[str, Any]) -> bool:
    """Whether a row with validity holds on the day."""
    return row["valid_from"] <= DAY and (row["valid_to"] is None or row["valid_to"] > DAY)


def consented(town: Town, customer: str) -> list[str]:
    """Channels by which the customer agreed to marketing, in the play's order."""
    found = []
    for channel in CHANNELS:
        rows = [
            r
            for r in town.tables["consent"]
            if (r["customer_id"], r["channel"], r["purpose"]) == (customer, channel, "marketing")
            and r["valid_from"] <= AT
        ]
        last = max((r["valid_from"] for r in rows), default=None)
        if any(
            r["valid_from"] == last and r["granted"] and (r["valid_to"] is None or r["valid_to"] > AT)
            for r in rows
        ):
            found.append(channel)
    return found


def expected(
    town: Town, account: dict[str, Any], order: list[str]
) -> tuple[str | None, Decimal | None, str | None]:
    """Reason, saving and channel of one account, read off the play as it is written."""
    customer, name = account["customer_id"], account["account_id"]
    person = next(r for r in town.customers if r["customer_id"] == customer)
    mine = [r for r in town.tables["contract"] if r["account_id"] == name]
    now = [r for r in mine if in_force(r)]
    prices = {
        r["contract_id"]: r["saving"] for r in town.tables["offer_value"] if r["offer_id"] == "tou-evening"
    }
    savings = [prices.get(r["contract_id"]) for r in now]
    known = [s for s in savings if s is not None]
    saving = sum(known, Decimal(0)) if savings and len(known) == len(savings) else None
    agreed = consented(town, customer)
    refusals = [
        r
        for r in town.facts["unsubscribes"]
        if r["customer_id"] == customer and r["purpose"] in (None, "marketing")
    ]
    refused = [c for c in CHANNELS if any(r["channel"] in (None, c) for r in refusals)]
    bounced = [r["channel"] for r in town.facts["bounces"] if r["customer_id"] == customer]
    left = [c for c in agreed if c not in refused]
    usable = sorted((c for c in left if c not in bounced), key=order.index)
    register = next(r for r in town.tables["customer"] if r["customer_id"] == customer)
    began = account["opened"] or min((r["valid_from"] for r in mine), default=register["since"])
    contacts = [r["at"] for r in town.facts["contacts"] if r["customer_id"] == customer]
    reasons = {
        "account_closed": (account["closed"] is not None and account["closed"] <= DAY) or not now,
        "vulnerable": person["vulnerable"] is True,
        "short_tenure": began is None or (DAY - began).days < 365,
        "other_tariff": any(present_tariff(town, r) != "RES-TIER" for r in now)
        or {"account_id": name, "tariff_id": "tou-evening"} in town.facts["enrolments"],
        "not_priced": saving is None,
        "saving_too_small": saving is not None and saving < 12,
        "no_consent": not agreed,
        "unsubscribed": bool(refused) and not left,
        "contacted_lately": any(at > AT - timedelta(days=30) for at in contacts),
        "in_running_campaign": {"account_id": name} in town.facts["running"],
        "no_channel": not usable,
    }
    reason = next((code for code, holds in reasons.items() if holds), None)
    return reason, saving, usable[0] if usable else None


def present_tariff(town: Town, contract: dict[str, Any]) -> str | None:
    """The tariff a contract is billed by on the day."""
    rows = [
        r
        for r in town.tables["tariff_assignment"]
        if r["contract_id"] == contract["contract_id"] and in_force(r)
    ]
    found: str | None = (
        max(rows, key=lambda r: r["valid_from"])["tariff_id"] if rows else contract["tariff_id"]
    )
    return found


@given(town=towns(), order=st.permutations(CHANNELS))
def test_each_account_is_selected_or_left_out_with_the_first_reason(
    town: Town, order: list[str], play: CheckedPlay
) -> None:
    schema = pa.schema(
        [
            ("customer_id", pa.string()),
            ("customer_class", pa.string()),
            ("evening_share", pa.float64()),
            ("vulnerable", pa.bool_()),
        ]
    )
    customers = pa.Table.from_pylist(town.customers, schema=schema)
    found = select_audience(town, play, town.ledger(), customers, AT, order)  # type: ignore[arg-type]
    named = {
        r["customer_id"]
        for r in town.customers
        if r["customer_class"] == "residential" and r["evening_share"] is not None
    }
    wanted = {
        row["account_id"]: expected(town, row, order)
        for row in town.tables["account"]
        if row["customer_id"] in named
    }
    assert {
        row["account_id"]: (row["reason"], row["saving"], row["channel"]) for row in found.to_pylist()
    } == wanted
    assert found["account_id"].to_pylist() == sorted(wanted)
