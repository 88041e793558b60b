"""Who is worth contacting: values by hand, order, capacity, strata by customer, and the digest of the list."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.tables import table
from gridloop.engine.schema import conform
from gridloop.strategy.audience import MONEY
from gridloop.strategy.learning import Band, Belief, learn
from gridloop.strategy.playbook.model import Playbook
from gridloop.strategy.playbook.store import load_playbook
from gridloop.strategy.recommend import (
    contacts_to_units,
    list_digest,
    recommend,
    selected_rows,
    strata_bands,
    thirds,
)
from gridloop.testing.readings import utc

PLAY = load_playbook("tou-shift")
KNOWN = utc(2025, 1, 2)


def audience(*rows: tuple[str, str, str | None, str | None, str | None]) -> pa.Table:
    """Account, customer, saving, channel, reason."""
    names = ("account_id", "customer_id", "saving", "channel", "reason")
    made: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) | {"region_id": "r1"} for row in rows]
    for row in made:
        row["saving"] = None if row["saving"] is None else Decimal(row["saving"])
    schema = pa.schema([(n, MONEY if n == "saving" else pa.string()) for n in (*names, "region_id")])
    return pa.Table.from_pylist(made, schema=schema)


def baseline(**values: float | None) -> pa.Table:
    """Mean Wh an evening by account."""
    return pa.table(
        {
            "account_id": pa.array(list(values), pa.string()),
            "value": pa.array(list(values.values()), pa.float64()),
        }
    )


def street(count: int) -> tuple[pa.Table, pa.Table]:
    """Homes a00, a01 …, each using 100 Wh an evening and saving 1 a year more than the one before."""
    names = [f"a{n:02d}" for n in range(count)]
    people = audience(*((n, f"c{n}", str(20 + place), "app", None) for place, n in enumerate(names)))
    return people, baseline(**{n: 2000.0 + 100 * place for place, n in enumerate(names)})


def changed(part: str, **values: Any) -> Playbook:
    """The shipped play with other values in one part."""
    return PLAY.model_copy(update={part: getattr(PLAY, part).model_copy(update=values)})


def by_account(rows: pa.Table) -> dict[str, dict[str, Any]]:
    """Rows by account."""
    return {row["account_id"]: row for row in rows.to_pylist()}


def test_value_is_worth_less_contact_and_the_cost_of_those_who_enrol():
    """4 kWh an evening · 365 · 3 % = 43.8 kWh at 0.45 = 19.71, less 0.01 for the app and a quarter of 8."""
    rows = recommend(
        PLAY,
        audience(("a1", "c1", "30", "app", None), ("a2", "c2", "30", "sms", None)),
        baseline(a1=4000.0, a2=4000.0),
        learn(PLAY, None),
        KNOWN,
    )
    found = by_account(conform(table("recommendation"), rows))
    assert found["a1"]["value"] == Decimal("17.70")
    assert found["a2"]["value"] == Decimal("17.65")
    assert (found["a1"]["rank"], found["a2"]["rank"]) == (1, 2)
    assert (found["a1"]["offer_id"], found["a1"]["unit"]) == ("tou-evening", "Wh")


def test_a_utility_that_bears_the_saving_counts_it():
    """Half of 30 for a quarter of those offered: 3.75 less."""
    play = changed("value", saving_borne=Decimal("0.5"))
    rows = recommend(
        play, audience(("a1", "c1", "30", "app", None)), baseline(a1=4000.0), learn(play, None), KNOWN
    )
    assert by_account(rows)["a1"]["value"] == Decimal("13.95")


def test_whoever_costs_more_than_they_bring_is_left_out():
    """0.4 kWh · 365 · 3 % · 0.45 = 1.971 is less than 2.01."""
    people = audience(("small", "c1", "30", "app", None), ("unknown", "c2", "30", "app", None))
    found = by_account(recommend(PLAY, people, baseline(small=400.0, unknown=None), learn(PLAY, None), KNOWN))
    assert (found["small"]["reason"], found["small"]["value"]) == ("no_value", Decimal("-0.039"))
    assert (found["unknown"]["decision"], found["unknown"]["value"]) == ("selected", None)
    assert found["unknown"]["stratum"] == "baseline=none,saving=1"


def test_an_excluded_account_keeps_its_reason_and_has_no_rank_and_no_stratum():
    people = audience(("a1", "c1", "-50", "app", "saving_too_small"), ("a2", "c2", "30", "app", None))
    found = by_account(recommend(PLAY, people, baseline(a1=400.0, a2=4000.0), learn(PLAY, None), KNOWN))
    kept = {name: found["a1"][name] for name in ("decision", "reason", "rank", "stratum", "saving")}
    assert kept == {
        "decision": "excluded",
        "reason": "saving_too_small",
        "rank": None,
        "stratum": None,
        "saving": Decimal("-50"),
    }


def test_capacity_is_counted_in_contacts_and_goes_to_the_best():
    """Seven of ten are contacted, so 7 contacts are room for 10 accounts."""
    assert contacts_to_units(7, 0.3) == 10
    people, before = street(12)
    play = changed("contact", capacity=7)
    found = by_account(recommend(play, people, before, learn(play, None), KNOWN))
    assert {a for a, row in found.items() if row["reason"] == "over_capacity"} == {"a00", "a01"}
    assert found["a11"]["rank"] == 1


def test_thirds_of_equal_values_lie_together():
    assert list(thirds(np.array([1.0, 2.0, 3.0]))) == ["1", "2", "3"]
    assert list(thirds(np.array([5.0, 5.0, 5.0, np.nan]))) == ["1", "1", "1", "none"]
    assert list(thirds(np.array([1.0, 1.0, 1.0, 9.0]))) == ["1", "1", "1", "3"]


def test_accounts_of_a_customer_lie_in_one_stratum():
    people, before = street(9)
    pair = pa.array(["c0", "c0", *people["customer_id"].to_pylist()[2:]])
    rows = recommend(PLAY, people.set_column(1, "customer_id", pair), before, learn(PLAY, None), KNOWN)
    found = by_account(rows)
    # 20 + 21 a year and 2,000 + 2,100 Wh make this customer the greatest of eight
    assert found["a00"]["stratum"] == found["a01"]["stratum"] == "baseline=3,saving=3"


def test_bands_are_where_the_second_and_the_third_third_begin():
    people, before = street(9)
    rows = recommend(PLAY, people, before, learn(PLAY, None), KNOWN)
    assert strata_bands(PLAY, selected_rows(rows, PLAY.name)) == {
        "baseline": [2300.0, 2600.0],
        "saving": [23.0, 26.0],
    }


def test_a_band_that_was_dropped_is_left_out():
    people, before = street(9)
    lessons = replace(learn(PLAY, None), dropped=(Band("saving", 1, None, 23.0),))
    found = by_account(recommend(PLAY, people, before, lessons, KNOWN))
    assert [a for a, row in found.items() if row["reason"] == "losing_band"] == ["a00", "a01", "a02"]


def test_an_effect_the_wrong_way_leaves_nobody_worth_contacting():
    people, before = street(3)
    lessons = replace(learn(PLAY, None), effect=Belief(1.0, 0.5, 1.5, "campaign-1"))
    found = recommend(PLAY, people, before, lessons, KNOWN)
    assert set(found["reason"].to_pylist()) == {"no_value"}


def test_the_digest_of_a_list_can_be_computed_by_hand():
    people = audience(("a1", "c1", "30", "app", None), ("a2", "c2", "-1", "app", "saving_too_small"))
    rows = recommend(PLAY, people, baseline(a1=4000.0, a2=4000.0), learn(PLAY, None), KNOWN)
    line = "a1\tc1\tbaseline=1,saving=1\tapp\ttou-evening\t30.000000\t1\n"
    assert list_digest(rows, PLAY.name) == hashlib.sha256(line.encode()).hexdigest()
    assert list_digest(rows, "another") == hashlib.sha256(b"").hexdigest()


@given(order=st.permutations(range(7)), place=st.integers(0, 6))
def test_a_list_has_one_digest_in_any_order_and_another_when_a_row_changes(order: list[int], place: int):
    people, before = street(7)
    rows = recommend(PLAY, people, before, learn(PLAY, None), KNOWN)
    digest = list_digest(rows, PLAY.name)
    assert list_digest(rows.take(order), PLAY.name) == digest
    channels = ["sms" if n == place else "app" for n in range(7)]
    other = rows.set_column(rows.column_names.index("channel"), "channel", pa.array(channels))
    assert list_digest(other, PLAY.name) != digest


@pytest.mark.parametrize("kind", ["share"])
def test_a_share_is_not_valued_in_money(kind):
    primary = PLAY.success.primary.model_copy(update={"kind": kind})
    play = changed("success", primary=primary)
    people, before = street(3)
    found = recommend(play, people, before, learn(play, None), KNOWN)
    assert found["value"].null_count == 3
    assert found["rank"].to_pylist() == [1, 2, 3]
