"""Playbooks are found by name, and a wrong one is refused with the place and a way out."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from gridloop.domain.errors import UsageError
from gridloop.strategy.playbook.store import checked_rules, list_playbooks, load_playbook, parse_playbook


@pytest.fixture
def declared() -> dict[str, Any]:
    """The shipped play as it is written, every value a text."""
    text = (files("gridloop") / "library/playbooks/tou-shift.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.load(text, yaml.BaseLoader)
    return loaded


def changed(declared: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """The declaration with one value set; `place` names it as errors do."""
    *path, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    within: Any = declared
    for part in path:
        within = within[part]
    within[last] = value
    return declared


def test_shipped_playbooks_are_listed_by_name():
    assert [play.name for play in list_playbooks()] == ["tou-shift"]
    assert load_playbook("tou-shift").holdout.share == 0.3


def test_an_unknown_play_is_answered_with_the_closest():
    with pytest.raises(UsageError, match="no playbook 'tou-shfit'") as caught:
        load_playbook("tou-shfit")
    assert caught.value.ways_out[0] == "Did you mean 'tou-shift'?"


def test_a_workspace_overrides_a_play_by_name_and_adds_its_own(tmp_path: Path, declared):
    (tmp_path / "playbooks").mkdir()
    for name, share in (("tou-shift", "0.5"), ("tou-winter", "0.2")):
        made = changed(declared | {"name": name}, "holdout.share", share)
        (tmp_path / "playbooks" / f"{name}.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    assert [(p.name, p.holdout.share) for p in list_playbooks(tmp_path)] == [
        ("tou-shift", 0.5),
        ("tou-winter", 0.2),
    ]


def test_a_file_carries_the_name_of_its_play(tmp_path: Path, declared):
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/winter.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    with pytest.raises(UsageError, match="declares the name 'tou-shift'"):
        load_playbook("winter", tmp_path)


def test_a_time_without_quotes_stays_a_time(tmp_path: Path, declared):
    (tmp_path / "playbooks").mkdir()
    text = yaml.safe_dump(declared).replace("'17:00'", "17:00")
    assert "start: 17:00" in text
    (tmp_path / "playbooks/tou-shift.yaml").write_text(text, encoding="utf-8")
    assert load_playbook("tou-shift", tmp_path).success.primary.hours[0].start == "17:00"


@pytest.mark.parametrize("text", ["name: [", "- a list", ""])
def test_a_file_that_holds_no_playbook_is_named(tmp_path: Path, text):
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/broken.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken\.yaml"):
        load_playbook("broken", tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "at", "says", "way_out"),
    [
        ("holdout.shar", "0.2", "holdout.shar", "a key that playbooks do not know", "Did you mean 'share'"),
        ("exclusions.0.chek", "x", "exclusions.0.chek", "do not know", "Did you mean 'check'"),
        ("holdout.share", "1.5", "holdout.share", "less than 1", None),
        ("exclusions.2.days", "0", "exclusions.2.days", "greater than or equal to 1", None),
        ("value.contact_cost", {"app": "0.01"}, "the playbook as a whole", "lacks the channels email", None),
        ("audience", "clas = 'residential'", "audience", "no column 'clas'", "Did you mean 'class'"),
        ("audience", "class = 'home'", "audience", "'home' is not a value of 'class'", None),
        ("exclusions.1.rule", "tag('rich')", "exclusions.1.rule", "no tag 'rich'", None),
        ("offer.tariff", "tou-evning", "offer.tariff", "a tariff 'tou-evning'", "Did you mean 'tou-evening'"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(declared, place, value, at, says, way_out):
    with pytest.raises(UsageError, match=says) as caught:
        parse_playbook(changed(declared, place, value), "mine.yaml")
    assert caught.value.evidence["at"] == at
    assert "'mine.yaml'" in caught.value.what
    assert way_out is None or caught.value.ways_out[0].startswith(way_out)


def test_rules_are_known_by_the_exclusion_they_belong_to():
    rules = checked_rules(load_playbook("tou-shift"))
    assert {name: rule.text for name, rule in rules.items()} == {
        "audience": "class = 'residential' and known(evening_share)",
        "vulnerable": "vulnerable",
    }
