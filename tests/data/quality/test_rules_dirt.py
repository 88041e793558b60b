"""Generated dirt: whatever is planted in the records of customers is reported, and no clean row is accused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

Row = dict[str, Any]
TABLES = ("region", "customer", "account", "contract", "service_point")
NUMBER = count()


def change(column: str, value: object) -> Callable[[Row], None]:
    """Gives a row another value."""
    return lambda row: row.update({column: value})


FAULTS: dict[tuple[str, str], Callable[[Row], None]] = {
    ("customer", "values.customer_class"): change("customer_class", "palace"),
    ("customer", "reference.region_id"): change("region_id", "nowhere"),
    ("customer", "blank.segment_source"): change("segment_source", ""),
    ("account", "required.status"): change("status", None),
    ("account", "order.closed"): change("closed", date(2000, 1, 1)),
    ("contract", "reference.account_id"): change("account_id", "nobody"),
    ("contract", "order.valid_to"): change("valid_to", date(2023, 12, 31)),
    ("contract", "range.capacity_kva"): change("capacity_kva", -1.0),
    ("service_point", "range.longitude"): change("longitude", 181.0),
    ("service_point", "zone.name"): change("zone", "CST+8"),
    ("service_point", "finite.capacity_kva"): change("capacity_kva", float("inf")),
}
REPEATED = [("customer", "key.unique"), ("account", "key.unique"), ("service_point", "key.unique")]
CONSEQUENCES = ("linked.", "known.", "rate.", "timeliness.unchanged", "reference_unfilled.")
"""Rules that follow from other faults or only inform."""

PLANS = st.lists(
    st.tuples(st.sampled_from([*FAULTS, *REPEATED]), st.integers(0, 11)), max_size=14, unique=True
)


@settings(max_examples=6)
@given(plan=PLANS)
def test_every_planted_fault_is_reported_and_no_clean_row_is_accused(new_utility, tmp_path_factory, plan):
    utility = new_utility().keep(TABLES)
    # Repeated rows come last, as copies of whole rows would repeat their other faults too: they are copied clean.
    clean = {name: [dict(row) for row in utility[name]] for name in TABLES}
    expected: Counter[tuple[str, str]] = Counter()
    for fault, place in plan:
        if fault in FAULTS:
            FAULTS[fault](utility[fault[0]][place])
            expected[fault] += 1
    broken = {(fault[0], place) for fault, place in plan if fault in FAULTS}
    for fault, place in plan:
        if fault in REPEATED and (fault[0], place) not in broken:
            utility[fault[0]].append(dict(clean[fault[0]][place]))
            expected[fault] += 1
    report, rows = utility.check(tmp_path_factory.mktemp("dirt") / f"workspace-{next(NUMBER)}")
    found = {
        (row["table_name"], row["rule"]): row["count"]
        for row in rows
        if not row["rule"].startswith(CONSEQUENCES)
    }
    assert found == dict(expected)
    assert report.counts["could_not_run"] == 0
