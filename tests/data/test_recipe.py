"""A recipe that is wrong says where, and what was probably meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from gridloop.data.recipe import parse_duration
from gridloop.data.recipe_store import list_recipes, load_recipe, parse_recipe, read_recipe
from gridloop.domain.errors import UsageError


def test_the_shipped_recipes_are_valid_and_carry_their_evidence():
    recipes = {recipe.name: recipe for recipe in list_recipes()}
    assert {"lcl", "edrp", "county"} <= set(recipes)
    assert recipes["lcl"].stamps.marks == "end" and recipes["lcl"].stamps.written_in == "utc"
    assert "46 and 50" in recipes["lcl"].stamps.evidence
    assert not recipes["edrp"].stamps.certain
    assert recipes["county"].file("readings").layout == "wide"


def test_an_unknown_key_names_its_place_and_the_key_that_was_meant(build):
    declared = build.long_declaration()
    declared["files"][0]["readings"]["intervall_minutes"] = 30
    with pytest.raises(UsageError) as caught:
        parse_recipe(declared, "small.yaml")
    text = str(caught.value)
    assert "files.0.readings.intervall_minutes" in text and "Did you mean 'interval_minutes'" in text


def test_an_unknown_key_at_the_top_is_compared_with_the_keys_of_the_top(build):
    with pytest.raises(UsageError, match="Did you mean 'window'"):
        parse_recipe({**build.long_declaration(), "windows": {}})


def test_a_column_that_the_canonical_table_lacks_is_told(build):
    declared = build.wide_declaration()
    declared["files"][0]["feeds"][0]["columns"]["meter_number"] = "METER"
    with pytest.raises(UsageError, match="column 'meter_number', which table 'meter' does not have"):
        parse_recipe(declared)


def test_a_required_canonical_column_cannot_be_left_out(build):
    declared = build.wide_declaration()
    del declared["files"][0]["feeds"][0]["columns"]["zone"]
    with pytest.raises(UsageError, match="leaves required columns of table 'meter' empty"):
        parse_recipe(declared)


def test_a_table_that_does_not_exist_is_told(build):
    declared = build.wide_declaration()
    declared["files"][0]["feeds"][0]["table"] = "meters"
    with pytest.raises(UsageError, match="Did you mean 'meter'"):
        parse_recipe(declared)


def test_a_mapping_may_only_use_columns_that_the_file_declares(build):
    declared = build.long_declaration()
    declared["files"][0]["readings"]["value"] = "energy"
    with pytest.raises(UsageError, match="uses columns it does not declare: energy"):
        parse_recipe(declared)


def test_a_stamp_convention_without_evidence_is_refused(build):
    declared = build.long_declaration()
    del declared["stamps"]["evidence"]
    with pytest.raises(UsageError) as caught:
        parse_recipe(declared)
    assert "stamps.evidence" in str(caught.value)


def test_an_unknown_recipe_names_the_closest_one():
    with pytest.raises(UsageError, match="Did you mean 'edrp'"):
        load_recipe("erdp")


def test_a_workspace_overrides_a_shipped_recipe_by_name(tmp_path: Path, build):
    own = tmp_path / "recipes" / "lcl.yaml"
    own.parent.mkdir()
    own.write_text(yaml.safe_dump({**build.long_declaration(), "name": "lcl", "title": "ours"}))
    assert load_recipe("lcl", tmp_path).title == "ours"
    assert load_recipe("lcl").title != "ours"


def test_a_file_that_is_not_yaml_is_told(tmp_path: Path):
    path = tmp_path / "broken.yaml"
    path.write_text("name: [unclosed")
    with pytest.raises(UsageError, match=r"broken\.yaml"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("P1D", timedelta(days=1)),
        ("PT30M", timedelta(minutes=30)),
        ("-PT1H", timedelta(hours=-1)),
        ("P1DT2H", timedelta(hours=26)),
    ],
)
def test_durations_are_iso_8601(text: str, meant: timedelta):
    assert parse_duration(text) == meant


@pytest.mark.parametrize("text", ["P", "PT", "1D", "P1M", "a day"])
def test_other_durations_are_refused(text: str):
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_duration(text)


def test_the_reference_lists_every_key_and_its_example_is_a_recipe():
    from gridloop.data import recipe as models
    from gridloop.data.mappings.catalogue import MAPPINGS
    from gridloop.data.quarantine import Reason

    docs = Path(__file__).resolve().parents[2] / "docs"
    page = (docs / "reference" / "recipes.md").read_text(encoding="utf-8")
    parts = [
        kind for kind in vars(models).values() if isinstance(kind, type) and issubclass(kind, models.Declared)
    ]
    keys = {name for kind in parts for name in kind.model_fields}
    assert [name for name in sorted(keys | set(MAPPINGS)) if f"`{name}`" not in page] == []
    example = page.split("```yaml\n")[1].split("```")[0]
    assert parse_recipe(yaml.safe_load(example)).name == "village"
    guide = (docs / "guides" / "import.md").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"`{reason}`" not in guide] == []


def test_a_mapping_function_that_does_not_exist_is_told_when_the_recipe_is_read(build):
    declared = build.wide_declaration()
    declared["files"][0]["feeds"][0] = {"table": "meter", "function": "calendar_from_uk_bank_holiday"}
    with pytest.raises(UsageError, match="Did you mean 'calendar_from_uk_bank_holidays'"):
        parse_recipe(declared)
