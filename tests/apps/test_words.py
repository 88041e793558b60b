"""Numbers, times and languages as a reader writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.apps.words import Words, chosen_language

NOW = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)
EN = Words("en", "Asia/Shanghai", NOW, "CNY")
ZH = Words("zh", "Asia/Shanghai", NOW, "CNY")


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        (None, None, "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "de, en;q=0.7, zh;q=0.3", "en"),
        (None, "fr", "en"),
        (None, "zh;q=what", "en"),
        ("en", "zh-CN", "en"),
        ("klingon", "zh", "zh"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browser_s(cookie, accepted, language):
    assert chosen_language(cookie, accepted) == language


def test_numbers_carry_separators_and_a_true_minus():
    assert EN.number(1234567) == "1,234,567"
    assert EN.number(-0.5, 1) == "−0.5"
    assert EN.number(None) == EN.number(float("nan")) == "–"
    assert EN.number(0) == "0"
    assert EN.signed(4.25) == "+4.2"
    assert EN.signed(-0.02) == EN.signed(0.0) == "0.0"
    assert EN.percent(0.9896) == "99.0%"


def test_money_is_in_the_currency_of_the_workspace():
    assert EN.money(Decimal("-1998.4")) == "−CN¥1,998"
    assert ZH.money("266") == "¥266"
    assert ZH.money(None) == "–"


def test_an_instant_is_told_in_the_zone_of_the_workspace():
    assert EN.time(NOW) == "9 Mar 2026 10:00"
    assert ZH.time(NOW) == "2026年3月9日 10:00"
    assert EN.day(date(2026, 1, 6)) == "6 Jan 2026"
    assert EN.age(NOW - timedelta(hours=3)) == "3 hours ago"
    assert ZH.age(NOW - timedelta(hours=3)) == "3小时前"
    assert EN.age(NOW + timedelta(seconds=5)) == EN.age(NOW)


def test_what_is_counted_has_its_plural():
    assert EN.plural("with {count} meter", "with {count} meters", 1) == "with 1 meter"
    assert EN.plural("with {count} meter", "with {count} meters", 0) == "with 0 meters"
    assert ZH.plural("with {count} meter", "with {count} meters", 1200) == "电表 1,200 只"


def test_a_message_nobody_translated_stays_readable():
    assert ZH("never heard of {thing}", thing="it") == "never heard of it"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_any_number_is_written_without_a_hyphen(value):
    assert "-" not in EN.number(value) + EN.signed(value) + ZH.percent(value)


def test_yes_and_no_and_lengths_of_time_are_said_in_chinese():
    words = Words("zh", "Asia/Shanghai", datetime(2026, 1, 1, tzinfo=UTC), "CNY")
    assert [words.cell(True), words.cell(False)] == ["是", "否"]
    assert [words.duration(0.4), words.duration(180)] == ["0.4 秒", "3 分钟"]
