"""A playbook that does not fit together is refused when it is read, not when it is carried out."""

from importlib.resources import files

import pytest
import yaml
from pydantic import ValidationError

from gridloop.strategy.playbook.model import Exclusion, Hours, Playbook


@pytest.fixture
def declared():
    """The shipped play as it is written."""
    return yaml.safe_load((files("gridloop") / "library/playbooks/tou-shift.yaml").read_text("utf-8"))


def test_the_shipped_play_judges_the_hours_of_the_dear_evening(declared):
    play = Playbook.model_validate(declared)
    assert [hours.minutes for hours in play.success.primary.hours] == [(1020, 1320)]
    assert play.success.primary.unit == "Wh"


def test_a_channel_without_a_cost_is_refused(declared):
    del declared["value"]["contact_cost"]["sms"]
    with pytest.raises(ValidationError, match="lacks the channels sms"):
        Playbook.model_validate(declared)


def test_two_measures_of_one_name_are_refused(declared):
    declared["success"]["secondary"][0]["name"] = declared["success"]["primary"]["name"]
    with pytest.raises(ValidationError, match="two measures"):
        Playbook.model_validate(declared)


def test_an_exclusion_is_either_a_rule_or_a_check():
    label = {"en": "x", "zh": "甲"}
    with pytest.raises(ValidationError, match="either a rule or a check"):
        Exclusion(name="both", label=label, rule="vulnerable", check="not_priced")
    with pytest.raises(ValidationError, match="need it"):
        Exclusion(name="tenure", label=label, check="short_tenure")


@pytest.mark.parametrize("start, end", [("22:00", "07:00"), ("17:10", "18:00"), ("25:00", "26:00")])
def test_hours_lie_within_one_day_on_quarters(start, end):
    with pytest.raises(ValidationError):
        Hours(start=start, end=end)
