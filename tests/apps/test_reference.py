"""The reference is made from the code, and names every command, setting and variable there is."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
import typer
from pydantic import BaseModel, ConfigDict, Field

from gridloop.data import recipe

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
VARIABLE = re.compile(r"\bGRIDLOOP_[A-Z_]+\b")


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """The program `docs/build_reference.py`."""
    spec = importlib.util.spec_from_file_location("build_reference", ROOT / "docs" / "build_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_in_step_with_the_code(builder):
    assert builder.main(["--check"]) == 0, "run `make docs`"


def test_a_page_that_is_absent_or_out_of_step_is_found_and_mended(builder, tmp_path, capsys):
    assert builder.main(["--check", "--folder", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert builder.main(["--folder", str(tmp_path)]) == 0
    assert builder.main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "cli.md").write_text("# By hand\n")
    assert builder.main(["--check", "--folder", str(tmp_path)]) == 1
    assert "out of step: cli.md" in capsys.readouterr().out


def test_every_variable_of_the_code_is_explained():
    used = {
        name
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        for name in VARIABLE.findall(path.read_text(encoding="utf-8"))
    }
    explained = set(VARIABLE.findall((REFERENCE / "settings.md").read_text(encoding="utf-8")))
    assert sorted(used - explained) == []
    assert sorted(explained - used) == []


def declared() -> Iterator[type[recipe.Declared]]:
    """Every part of a recipe."""
    for kind in vars(recipe).values():
        if isinstance(kind, type) and issubclass(kind, recipe.Declared) and kind is not recipe.Declared:
            yield kind


@pytest.mark.parametrize("kind", list(declared()), ids=lambda kind: kind.__name__)
def test_every_key_of_a_recipe_is_explained(kind):
    page = (REFERENCE / "recipes.md").read_text(encoding="utf-8")
    assert [name for name in kind.model_fields if f"`{name}`" not in page] == []


@dataclass(frozen=True)
class ToySettings:
    """A toy.

    Attributes:
        wheels, lamps: how many,
            at most nine.
        colour: of the paint | of the frame.
    """

    wheels: int = 4
    lamps: int = 2
    colour: str | None = None
    doors: tuple[str, ...] = field(default=(), metadata={"text": "Their names."})


class BoxSettings(BaseModel):
    """A box."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    litres: float = Field(ge=1, lt=9, description="Content.")
    handle: bool = Field(default=True, alias="grip", description="Whether it has one.")


def test_a_dataclass_is_told_by_its_docstring_and_its_metadata(builder):
    assert list(builder.fields_of(ToySettings)) == [
        ("`wheels`", "`int`", "`4`", "How many, at most nine."),
        ("`lamps`", "`int`", "`2`", "How many, at most nine."),
        ("`colour`", "`str | None`", "not set", "Of the paint | of the frame."),
        ("`doors`", "`tuple[str, ...]`", "none", "Their names."),
    ]


def test_a_model_is_told_by_its_fields_with_their_limits(builder):
    assert list(builder.fields_of(BoxSettings)) == [
        ("`litres`", "`float`, ≥ `1`, < `9`", "required", "Content."),
        ("`grip`", "`bool`", "`true`", "Whether it has one."),
    ]


def test_a_cell_does_not_break_its_table(builder):
    assert builder.markdown_table(("a",), [("x | y\nz",)]) == "| a |\n| --- |\n| x \\| y z |"


def test_a_command_is_told_with_its_options_defaults_and_limits(builder):
    app, part = typer.Typer(help="A program."), typer.Typer(help="A part.")
    app.add_typer(part, name="part")

    @part.command("do")
    def do(
        what: str = typer.Argument(help="Thing."),
        times: int = typer.Option(0, min=0, envvar="TIMES", help="How often."),
        loud: bool = typer.Option(False, "--loud", help="Shout."),
    ) -> None:
        """Do a thing."""

    page = builder.cli_page(app)
    assert "## `gridloop part`\n\nA part.\n\n### `gridloop part do`\n\nDo a thing.\n" in page
    assert "gridloop part do [OPTIONS] WHAT" in page
    assert "| `what` | text | required | Thing. |" in page
    assert "| `--times` | whole number, ≥ 0 | `0` | How often. Environment: `TIMES`. |" in page
    assert "| `--loud` | – | – | Shout. |" in page
