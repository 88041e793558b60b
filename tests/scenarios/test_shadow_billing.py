"""Our tariff gives the county's own bills, line by line and to the cent, from nothing but what was billed."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import numpy as np
import pytest

from gridloop.apps.wiring import opened
from gridloop.strategy.tariff import Use, load_tariff, price_use
from gridloop.strategy.tariff.bill import month_parts

pytestmark = pytest.mark.slow

OURS = {"tier 2": "tier 2 surcharge", "tier 3": "tier 3 surcharge"}


@pytest.fixture
def billed(done_once, monkeypatch):
    """Bills of the county's standard tariff, each with its lines by item: quantity and amount."""
    monkeypatch.setenv("GRIDLOOP_KEYS", str(done_once.keys))
    tariff = load_tariff("county-residential-flat")
    with opened(done_once.workspace) as session:
        view = session.published()
        contracts = view.arrow("contract").to_pylist()
        bills, lines = view.arrow("bill").to_pylist(), view.arrow("bill_line").to_pylist()
        view.close()
    accounts = {row["account_id"] for row in contracts if tariff.is_assigned(row["tariff_id"])}
    by_bill = defaultdict(dict)
    for line in lines:
        by_bill[line["bill_id"]][line["item"]] = (line["quantity"], line["amount"])
    return [(bill, by_bill[bill["bill_id"]]) for bill in bills if bill["account_id"] in accounts]


def ours(bill, lines):
    """The bill that our tariff makes of the same days and the same energy."""
    days = (bill["period_end"] - bill["period_start"]).days
    exported = round(abs(lines.get("feed-in credit", (0.0,))[0]) * 1000)
    use = Use(
        month_parts(bill["period_start"], days),
        np.array([[[bill["energy_wh"]]]], np.int64),
        exported_wh=np.array([[exported]], np.int64),
    )
    return price_use(load_tariff("county-residential-flat"), use).bill(0, 0)


def test_every_bill_comes_out_line_by_line_to_the_cent(billed):
    assert len(billed) >= 20
    partial = 0
    for bill, lines in billed:
        made = ours(bill, lines)
        assert made.amount == bill["amount"], bill["bill_id"]
        assert made.tax == bill["tax"], bill["bill_id"]
        amounts = {OURS.get(line.item, line.item): line.amount for line in made.lines}
        assert amounts == {item: amount for item, (_, amount) in lines.items() if amount}, bill["bill_id"]
        partial += bill["period_start"].day != 1 or bill["period_end"].day != 1
    print(f"{len(billed)} bills, {partial} of part months")
    assert sum(Decimal(bill["amount"]) for bill, _ in billed) > 0
