"""Whom a play is for, read from a lake; random towns are in tests/oracle/test_audience_reference.py."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from gridloop.domain.table import Stage
from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.strategy.audience import select_audience
from gridloop.strategy.facts import LedgerFacts
from gridloop.strategy.playbook.store import check_play, load_playbook
from gridloop.testing.readings import utc

AT = datetime(2025, 3, 1, 4, tzinfo=UTC)
CONSENT = {"purpose": "marketing", "granted": True, "valid_from": utc(2023, 5, 1), "source": "form"}


@pytest.fixture(scope="module")
def play():
    """The shipped play."""
    return check_play(load_playbook("tou-shift"))


@pytest.fixture
def found(street, play):
    """The one account of the street's customer c-1, once its contracts have these savings a year."""

    def select(savings, **more):
        street.write("customer", {"customer_id": "c-1", "customer_class": "residential", "region_id": "r-1"})
        street.account("1")
        street.write("consent", {"customer_id": "c-1", "channel": "email", **CONSENT})
        for point in savings:
            street.contract("1", point, tariff_id="RES-TIER", **more)
        offers = [
            {
                "contract_id": f"k-1-{point}",
                "customer_id": "c-1",
                "offer_id": "tou-evening",
                "window_start": date(2024, 1, 1),
                "window_end": date(2024, 12, 31),
                "as_of": AT,
                "saving": saving,
                "days_used": 366,
            }
            for point, saving in savings.items()
        ]
        schema = arrow_schema(table("offer_value"))
        street.lake.writer(Stage.STRATEGY).append("offer_value", pa.Table.from_pylist(offers, schema=schema))
        customers = pa.table(
            {
                "customer_id": ["c-1"],
                "customer_class": ["residential"],
                "evening_share": [0.4],
                "vulnerable": pa.array([None], pa.bool_()),
            }
        )
        return select_audience(street.view(), play, LedgerFacts(), customers, AT).to_pylist()

    return select


def test_savings_of_all_contracts_of_an_account_add_up(found):
    assert found({"p-1": Decimal("30.5"), "p-2": Decimal("-10.25")}) == [
        {
            "account_id": "a-1",
            "customer_id": "c-1",
            "region_id": "r-1",
            "saving": Decimal("20.25"),
            "channel": "email",
            "reason": None,
        }
    ]


def test_a_loss_at_one_place_may_outweigh_a_saving_at_another(found):
    [row] = found({"p-1": Decimal(30), "p-2": Decimal(-40)})
    assert (row["saving"], row["reason"]) == (Decimal(-10), "saving_too_small")


def test_an_account_is_priced_only_when_all_its_contracts_are(found):
    [row] = found({"p-1": Decimal(30), "p-2": None})
    assert (row["saving"], row["reason"]) == (None, "not_priced")


def test_a_contract_that_ended_does_not_count(found):
    [row] = found({"p-1": Decimal(30)}, valid_to=date(2025, 3, 1))
    assert row["reason"] == "account_closed"


def test_a_renewal_that_did_not_close_the_old_contract_takes_its_place(street, found):
    street.write(
        "contract",
        {
            "contract_id": "k-0",
            "account_id": "a-1",
            "service_point_id": "p-1",
            "valid_from": date(2019, 1, 1),
            "tariff_id": "RES-TOU",
        },
    )
    [row] = found({"p-1": Decimal(30)})
    assert (row["saving"], row["reason"]) == (Decimal(30), None)
