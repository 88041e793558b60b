"""A finished English text is known again by its template, its values taken over, and what is not known stays."""

from __future__ import annotations

import pytest

from gridloop.apps.recognition import Recogniser, told
from gridloop.domain.errors import UsageError, did_you_mean


@pytest.fixture
def recogniser() -> Recogniser:
    return Recogniser(
        {
            "Nothing is there.": "什么都没有。",
            "There is no tariff {0}.": "没有电价 {0}。",
            "There is no tariff {0} in {1}.": "{1} 中没有电价 {0}。",
            "File {0}: {1}": "文件 {0}：{1}",
            'A line is {{"id": {0}}}.': '一行是 {{"id": {0}}}。',
        }
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nothing is there.", "什么都没有。"),
        ("There is no tariff 'x'.", "没有电价 'x'。"),
        ("There is no tariff 'x' in 'a b'.", "'a b' 中没有电价 'x'。"),
        ("File a.yaml: There is no tariff 'x'.", "文件 a.yaml：没有电价 'x'。"),
        ("Nothing is there. There is no tariff 7.", "什么都没有。没有电价 7。"),
        ('A line is {"id": 5}.', '一行是 {"id": 5}。'),
        ("Nobody knows this.", "Nobody knows this."),
        ("Nothing is there. Nobody knows this.", "Nothing is there. Nobody knows this."),
        ("", ""),
    ],
)
def test_texts_are_known_by_their_templates(recogniser, text, said):
    assert recogniser(text) == said


def test_a_value_is_never_read_as_a_place_for_a_value(recogniser):
    assert recogniser("There is no tariff {0}.") == "没有电价 {0}。"


def test_errors_as_they_arise_are_known():
    error = UsageError("There is no playbook 'tou'.", ways_out=did_you_mean("tou", ["tou-shift"]))
    assert told(error.what, "zh") == "没有方案 'tou'。"
    assert told(error.ways_out[0], "zh") == "您是指 'tou-shift' 吗？"
    assert told(error.what, "en") == error.what


def test_labels_of_declarations_are_known():
    assert told("Evening time-of-use for homes", "zh") == "居民晚高峰分时电价推广"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "m-1: gaps of whole days: 3, 72 h in all, the longest 24 h from 2025-01-03; left missing.",
            "m-1：整日空缺：3 处，共 72 小时，最长 24 小时，自 2025-01-03 起；保留为缺失。",
        ),
        ("Rows were quarantined: the meter is not in the meter table.", "有行被隔离：电表不在电表表中。"),
    ],
)
def test_findings_are_said_with_what_they_are_about(text, said):
    assert told(text, "zh") == said
