"""Templates say how to refuse, name only what there is, and are filled completely or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gridloop.domain.errors import UsageError
from gridloop.reach.content.phrases import money, refusal
from gridloop.reach.content.render import Link, ValueMissing, fill, render
from gridloop.reach.content.template import (
    PLACEHOLDERS,
    Template,
    load_template,
    placeholders,
    read_template,
    template_paths,
)

SHIPPED = load_template("tou-offer")
VALUES = {
    "name": "Li Na",
    "utility": "County Power",
    "tariff": "Evening",
    "saving": "CNY 120.50",
    "refusal": Link("Stop these messages:", "https://power.example/u/abc"),
}


def declared(**changes):
    """The shipped template with other words in English."""
    document = SHIPPED.model_dump()
    document["en"] |= changes
    return document


@pytest.mark.parametrize("name", template_paths())
def test_every_shipped_template_is_valid_and_can_be_filled_in_both_languages(name):
    template = load_template(name)
    for language in ("en", "zh-CN"):
        for channel in ("email", "sms", "app", "phone"):
            words = render(template, language, channel, VALUES)
            assert "{" not in words.subject + words.text
            assert "https://power.example/u/abc" in words.text
            assert (words.html is not None) == (channel == "email")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            ["120.50", "past year", "your own meter readings", "may also rise", "some homes would pay more"],
        ),
        (
            "en",
            [
                "because you agreed",
                "selected your home",
                "same for everybody",
                "refuse, without any disadvantage",
            ],
        ),
        ("zh", ["120.50", "过去一年", "您本人", "电费也可能上升", "有些家庭改用后会多付电费"]),
        ("zh", ["您同意接收推荐", "自动选中", "不使用您个人数据的通用方案", "不会因此受到任何不利影响"]),
    ],
)
def test_the_offer_says_where_its_number_comes_from_what_may_go_wrong_and_why_one_gets_it(language, said):
    words = render(SHIPPED, language, "email", VALUES)
    for page in (" ".join(words.text.split()), " ".join(words.html.split())):
        assert [part for part in said if part not in page] == []


@pytest.mark.parametrize("channel", ["sms", "app"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_short_message_says_it_too_in_few_characters(language, channel):
    words = render(SHIPPED, language, channel, VALUES | {"refusal": refusal(channel, language, None, None)})
    assert len(words.text) < (320 if language == "en" else 140)
    assert ("may rise" if language == "en" else "可能上升") in words.text


def test_values_never_become_markup_and_end_no_header():
    evil = '<script>alert("x")</script>\r\nBcc: all@people.example'
    words = render(SHIPPED, "en", "email", VALUES | {"name": evil, "utility": evil})
    assert "<script>" not in words.html
    assert "&lt;script&gt;" in words.html
    assert "\n" not in words.subject
    assert "\r" not in words.subject
    link = render(SHIPPED, "en", "email", VALUES | {"refusal": Link('"><b>', 'https://x.example/"><b>')})
    assert "<b>" not in link.html.split("https://x.example")[1]


def test_a_value_with_braces_stays_as_it_is():
    assert fill("{name}", {"name": "{saving}"}) == "{saving}"
    assert fill("{{name}}", {}) == "{name}"


def test_nothing_is_written_while_a_value_is_missing():
    with pytest.raises(ValueMissing) as told:
        render(SHIPPED, "en", "sms", {name: value for name, value in VALUES.items() if name != "saving"})
    assert told.value.name == "saving"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"text": "Save {savings} {refusal}"}, "Did you mean 'saving'"),
        ({"text": "Save {saving.real} {refusal}"}, "one plain name"),
        ({"text": "Save {saving!r} {refusal}"}, "one plain name"),
        ({"text": "Save {saving:>10} {refusal}"}, "one plain name"),
        ({"text": "Save {0} {refusal}"}, "one plain name"),
        ({"text": "Save {saving {refusal}"}, "unexpected '{'"),
        ({"short": "Save {saving}"}, "short does not say how to refuse"),
        ({"html": "<p>{saving}</p>"}, "html does not say how to refuse"),
        ({"subject": "one\ntwo"}, "a subject is one line"),
    ],
)
def test_a_wrong_template_is_refused_with_the_reason(tmp_path, words, reason):
    path = tmp_path / "tou-offer.yaml"
    path.write_text(yaml.safe_dump(declared(**words), allow_unicode=True), encoding="utf-8")
    with pytest.raises(UsageError, match=reason):
        read_template(path)


def test_a_misspelt_key_a_missing_language_and_another_name_are_told(tmp_path):
    path = tmp_path / "tou-offer.yaml"
    path.write_text(yaml.safe_dump(declared() | {"titel": "x"}), encoding="utf-8")
    with pytest.raises(UsageError, match="key that templates do not know") as told:
        read_template(path)
    assert "'title'" in str(told.value)
    document = declared()
    del document["zh"]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(UsageError, match="is not valid"):
        read_template(path)
    path.write_text(yaml.safe_dump(declared() | {"name": "other-offer"}), encoding="utf-8")
    with pytest.raises(UsageError, match="declares the name"):
        read_template(path)
    for text in ("[", "- a", ""):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=r"cannot be read|holds no template"):
            read_template(path)
    with pytest.raises(UsageError, match="no template 'tou-ofer'") as told:
        load_template("tou-ofer")
    assert "tou-offer" in str(told.value)


def test_a_workspace_says_it_in_its_own_words(tmp_path):
    (tmp_path / "content").mkdir()
    mine = declared(subject="Ours: {saving}")
    (tmp_path / "content" / "tou-offer.yaml").write_text(yaml.safe_dump(mine), encoding="utf-8")
    assert load_template("tou-offer", tmp_path).en.subject == "Ours: {saving}"
    assert load_template("tou-offer").en.subject == SHIPPED.en.subject


def test_every_placeholder_that_the_shipped_words_use_is_explained():
    used = {
        name
        for words in (SHIPPED.en, SHIPPED.zh)
        for text in (words.text, words.subject)
        for name in placeholders(text)
    }
    assert used == set(PLACEHOLDERS)
    assert isinstance(SHIPPED, Template)


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("1234.565", "CNY", "en", "CNY 1,234.57"),
        ("1234.565", "CNY", "zh", "1,234.57 元"),
        ("-0.005", "GBP", "en", "-£0.01"),
        ("12", "GBP", "zh", "12.00 英镑"),
        ("12.344", "CHF", "en", "CHF 12.34"),
        ("12.344", "CHF", "zh", "12.34 CHF"),
    ],
)
def test_money_is_written_as_the_language_does(amount, currency, language, text):
    assert money(Decimal(amount), currency, language) == text


@given(st.sampled_from(["email", "sms", "app", "phone", "pigeon"]), st.sampled_from(["en", "zh"]))
def test_there_is_always_a_way_to_refuse(channel, language):
    link = refusal(channel, language, "https://power.example/u/abc", "mailto:stop@power.example?subject=abc")
    assert link.plain.endswith("https://power.example/u/abc")
    mail = refusal(channel, language, None, "mailto:stop@power.example?subject=abc")
    assert "stop@power.example" in mail.plain
    assert isinstance(refusal(channel, language, None, None), str)
