"""The catalogue of tags is data: complete, checked, bilingual, overridden by a workspace."""

from __future__ import annotations

import re

import pytest

from gridloop.domain.errors import UsageError
from gridloop.insight.tags.catalogue import load_tags

FLAG = "{name: mine, kind: flag, label: {en: A, zh: 甲}, definition: {en: B, zh: 乙}, minimum_days: 1, when: WHEN}"


def test_every_requirement_from_usage_to_value_has_a_tag():
    served = {number for spec in load_tags() for number in spec.requirements}
    assert {f"S{number}" for number in range(103, 111)} | {"S113"} <= served


def test_every_tag_says_what_it_is_in_both_languages():
    for spec in load_tags():
        assert re.search("[\u4e00-\u9fff]", spec.label.zh) and re.search(
            "[\u4e00-\u9fff]", spec.definition.zh
        )
        assert spec.formula and spec.definition.en.endswith(".")
        assert spec.minimum_days <= spec.full_days


def write(folder, text):
    """A tag file of a workspace."""
    (folder / "tags").mkdir(exist_ok=True)
    (folder / "tags" / "own.yaml").write_text(text, encoding="utf-8")


def test_a_workspace_adds_tags_and_overrides_by_name(tmp_path):
    mine = FLAG.replace("WHEN", "zero_share > 0.5")
    stricter = mine.replace("mine", "evening_peak").replace("zero_share > 0.5", "evening_share >= 0.4")
    write(tmp_path, f"tags:\n  - {mine}\n  - {stricter}\n")
    tags = load_tags(tmp_path)
    assert tags.tag("mine").formula == "yes when zero_share > 0.5"
    assert tags.tag("evening_peak").when == "evening_share >= 0.4"
    assert len(tags.specs) == len(load_tags().specs) + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tags: [{", "cannot be read"),
        ("labels: []", "does not hold one list"),
        (f"tags: [{FLAG.replace('when', 'wenn')}]", "Extra inputs are not permitted"),
        (f"tags: [{FLAG.replace(', when: WHEN', '')}]", "a flag needs when"),
        (f"tags: [{FLAG.replace('WHEN', 'evening_shar > 1')}]", "there is no column 'evening_shar'"),
        (f"tags: [{FLAG.replace('WHEN', 'zero_share > 1')}, {FLAG.replace('WHEN', 'zero_share > 1')}]", "twice"),
        (f"tags: [{FLAG.replace('flag', 'decile').replace('when: WHEN', 'of: region_id')}]", "no number column"),
        (f"tags: [{FLAG.replace('WHEN', chr(39).join(['tag(', 'stable_use', ')']))}]", "there is no tag"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path, text, said):
    text = text.replace("tag('stable_use')", "\"tag('stable_use')\"")
    write(tmp_path, text)
    with pytest.raises(UsageError) as refused:
        load_tags(tmp_path)
    assert said in str(refused.value)


def test_an_unknown_tag_is_answered_with_the_closest():
    with pytest.raises(UsageError, match="evening_peak"):
        load_tags().tag("evening_peek")
