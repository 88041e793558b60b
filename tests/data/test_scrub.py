"""Nobody can be found in a text that was scrubbed; what is not a person stays."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.data.scrub import Scrubber

PEOPLE = [
    {"name": "沈清禾", "phone": "11100001234", "address": "澜禾县东堰镇安澜路8号"},
    {"name": "澜禾县云帆超市", "phone": None, "address": None},
    {"name": "Ann Lee", "phone": "11155556666"},
]


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("我是沈清禾,电话11100001234", "我是[name],电话[phone]"),
        ("家住澜禾县东堰镇安澜路8号", "家住[address]"),
        ("澜禾县云帆超市停电", "[name]停电"),
        ("Ann Lee called", "[name] called"),
        ("Annika Leeds called", "Annika Leeds called"),
        ("mail u123@lanhe.example today", "mail [email] today"),
        ("身份证510101199003074512", "身份证[number]"),
        ("+86 138 0013 8000", "[phone]"),
        ("请联系王女士", "请联系[name]女士"),
        ("我叫周敏,来电咨询", "我叫[name],来电咨询"),
        ("Mrs. Baker asked", "Mrs [name] asked"),
        ("账户A123456789", "账户[number]"),
    ],
)
def test_what_identifies_a_person_is_replaced(text: str, scrubbed: str) -> None:
    assert Scrubber(lambda: PEOPLE).text(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-01停电,约3小时",
        "电费301.45元,比上月多",
        "The bill is 86.40 yuan for 230 kWh on 03-14",
        "1234567.89 kWh",
        "",
    ],
)
def test_days_amounts_and_energies_stay(text: str) -> None:
    assert Scrubber(lambda: PEOPLE).text(text) == text


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["沈清禾", "11100001234"]))
def test_a_known_name_or_number_never_survives(before: str, after: str, word: str) -> None:
    assert word not in Scrubber(lambda: PEOPLE).text(f"{before} {word} {after}")


def test_absent_texts_stay_absent() -> None:
    column = Scrubber(lambda: PEOPLE).column(pa.array(["沈清禾", None, "停电"]))
    assert column.to_pylist() == ["[name]", None, "停电"]


def test_the_people_are_read_only_when_a_text_comes() -> None:
    def refuse() -> list[dict[str, object]]:
        raise AssertionError

    assert Scrubber(refuse).column(pa.array([], pa.string())).to_pylist() == []
