"""A wrong declaration is explained by its place and the closest key."""

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gridloop.domain.declaration import explain_declaration, known_keys


class Part(BaseModel):
    """A part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: int = Field(default=0, description="An amount of it.")


class Whole(BaseModel):
    """A declaration with parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Its own name.")
    parts: tuple[Part, ...] = Field(default=(), description="Some of its parts.")
    by_name: dict[str, Part] = Field(default_factory=dict, description="Parts by name.")
    spare: Part | None = Field(default=None, description="A spare part.")


def explained(declared):
    """What is said of a declaration."""
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(declared)
    return explain_declaration(caught.value, Whole, noun="thing", where="mine", page="See the page.")


def test_a_misspelt_key_goes_before_the_one_it_leaves_missing():
    error = explained({"nane": "a"})
    assert error.what == "Thing 'mine' has a key that things do not know."
    assert error.evidence == {"at": "nane", "problems": 2}
    assert error.ways_out[0].startswith("Did you mean 'name'")
    assert error.ways_out[1] == "See the page."


def test_a_wrong_value_is_named_by_its_place():
    error = explained({"name": "a", "parts": [{"amount": 1}, {"amount": "much"}]})
    assert error.evidence["at"] == "parts.1.amount"
    assert "is not valid" in error.what


@pytest.mark.parametrize("path", [("parts", 0), ("by_name", "x"), ("spare",)])
def test_keys_are_those_of_the_part_that_is_meant(path):
    assert known_keys(Whole, path) == ("amount",)
    assert known_keys(Whole, ()) == ("name", "parts", "by_name", "spare")
