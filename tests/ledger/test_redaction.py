"""Personal data is recognised, and what only looks a little like it is let through."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.ledger.redaction import PersonalDataRefused, personal_kind, refuse_personal


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("wang.li@example.com", "e-mail address"),
        ("write to <Wang.Li+x@mail.example.cn>!", "e-mail address"),
        ("wang\uff20example.com", "e-mail address"),
        ("13912345678", "mobile number"),
        ("tel:13912345678", "mobile number"),
        ("call 139 1234 5678 today", "mobile number"),
        ("电话139-1234-5678。", "mobile number"),
        ("\uff11\uff13\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", "mobile number"),
        ("8613912345678", "mobile number"),
        ("07700900123", "mobile number"),
        ("07700 900123", "mobile number"),
        ("+8613912345678", "mobile number"),
        ("+44 7700 900 123", "telephone number"),
        ("tel:+1-202-555-0143", "telephone number"),
        ("020 7946 0123", "telephone number"),
        ("010-12345678", "telephone number"),
        ("(202) 555-0143", "telephone number"),
        ("11010519491231002X", "resident identity number"),
    ],
)
def test_personal_data_is_recognised(text, kind):
    assert personal_kind(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "customer:7",
        "meter:0012345678",
        "MAC000246",
        "2026-07-01T08:00:00.139123+08:00",
        "20260701T080000-1391234567",
        "gridloop@0.1.0",
        "postgresql://user@host/database",
        "reading@7",
        "192.168.100.200",
        "rows 1,391,234,567 of 9,999",
        "139123456789 Wh",
        "@",
    ],
)
def test_other_text_is_let_through(text):
    assert personal_kind(text) is None


@given(st.integers(min_value=0))
def test_digests_and_random_ids_are_let_through(number):
    digest = sha256(str(number).encode()).hexdigest()
    assert personal_kind(digest) is None
    assert personal_kind(str(uuid.UUID(digest[:32]))) is None
    assert personal_kind(f"send-{digest[:20]}") is None


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))
def test_instants_are_let_through(time):
    assert personal_kind(time.replace(tzinfo=UTC).isoformat()) is None


def test_numbers_are_measurements_not_telephones():
    refuse_personal({"energy_wh": 13912345678, "items": [13912345678.0, None, True]}, "details")


def test_the_place_is_named():
    with pytest.raises(PersonalDataRefused) as told:
        refuse_personal({"a": [{"b": "x@example.com"}]}, "details")
    assert told.value.evidence == {"place": "details.a[0].b", "kind": "e-mail address"}
    with pytest.raises(PersonalDataRefused, match="an e-mail address"):
        refuse_personal({"x@example.com": 1}, "details")


def test_a_long_text_is_searched_quickly():
    assert personal_kind("1 " * 50_000 + "a" * 100_000) is None
