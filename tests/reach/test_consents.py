"""The consents that the gate asks are those that everybody else counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gridloop.insight.segments.contactable import consents_at
from gridloop.reach.consents import ConsentBook

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = st.integers(0, 20)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["C1", "C2"]),
        st.sampled_from(["sms", "email"]),
        DAYS,
        st.none() | DAYS,
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda row: row[:3],
)


@given(ROWS, DAYS)
def test_they_agree_with_the_table_of_consents_at_every_instant(new_view, rows, day):
    view = new_view(
        {
            "consent": [
                {
                    "customer_id": customer,
                    "channel": channel,
                    "purpose": "marketing",
                    "granted": granted,
                    "valid_from": FIRST + timedelta(days=begins),
                    "valid_to": None if ends is None else FIRST + timedelta(days=ends),
                    "source": "app",
                }
                for customer, channel, begins, ends, granted in rows
            ]
        }
    )
    at = FIRST + timedelta(days=day)
    table, book = consents_at(view, "marketing", at), ConsentBook.read(view, "marketing")
    for customer in ("C1", "C2"):
        for channel in ("sms", "email"):
            counted = customer in table.by_channel.get(channel, frozenset())
            assert book.granted(customer, channel, at) == counted
    assert not ConsentBook.read(view, "research").granted("C1", "sms", at)


def test_without_a_table_of_consents_nobody_has_consented(new_view):
    assert not ConsentBook.read(new_view({}), "marketing").granted("C1", "sms", FIRST)
