"""Every knob declares itself: typed, explained by one sentence, frozen, unknown keys refused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path


def settings_classes(root: Path) -> Iterator[tuple[Path, ast.ClassDef]]:
    """Every pydantic model, and every class called Settings or Config, below src."""
    for path in sorted((root / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and (
                is_model(node) or node.name.endswith(("Settings", "Config"))
            ):
                yield path.relative_to(root), node


def is_model(node: ast.ClassDef) -> bool:
    """Whether the class derives from a pydantic base directly."""
    return any(ast.unparse(base).rpartition(".")[2] in {"BaseModel", "BaseSettings"} for base in node.bases)


def open_settings(root: Path) -> list[str]:
    """Settings are frozen and refuse unknown keys: a typing error must not become a silent default."""
    return [
        f"{path}:{node.lineno} {node.name}"
        for path, node in settings_classes(root)
        if not expected(node) <= options(node)
    ]


def expected(node: ast.ClassDef) -> set[str]:
    """What the class must declare; one that extends another settings class inherits it."""
    if is_model(node):
        return {"extra='forbid'", "frozen=True"}
    return set() if node.bases else {"frozen=True"}


def options(node: ast.ClassDef) -> set[str]:
    """Keywords of the class, of its decorators and of `model_config = ConfigDict(…)`, as text."""
    assigned = [line.value for line in node.body if isinstance(line, ast.Assign) and names_config(line)]
    calls = [call for call in [*node.decorator_list, *assigned] if isinstance(call, ast.Call)]
    return {
        ast.unparse(keyword) for keyword in [*node.keywords, *(k for call in calls for k in call.keywords)]
    }


def names_config(line: ast.Assign) -> bool:
    """Whether the line assigns pydantic's `model_config`."""
    return ast.unparse(line.targets[0]) == "model_config"


def unexplained_settings(root: Path) -> list[str]:
    """A field says what it does: `Field(description=…)` or alike, a string below it, a line in the docstring."""
    return [
        f"{path}:{field.lineno} {node.name}.{ast.unparse(field.target)}"
        for path, node in settings_classes(root)
        for place, field in enumerate(node.body)
        if isinstance(field, ast.AnnAssign) and "ClassVar" not in ast.unparse(field.annotation)
        if not is_explained(node, place, field)
    ]


def is_explained(node: ast.ClassDef, place: int, field: ast.AnnAssign) -> bool:
    """Whether any of the three places for a field's sentence is filled."""
    below = node.body[place + 1] if place + 1 < len(node.body) else None
    name = re.escape(ast.unparse(field.target))
    return (
        (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant))
        or (isinstance(field.value, ast.Call) and any(is_sentence(part) for part in ast.walk(field.value)))
        or bool(re.search(rf"^\s*([\w, ]+, )?{name}(, [\w, ]+)?:", ast.get_docstring(node) or "", re.M))
    )


def is_sentence(node: ast.AST) -> bool:
    """Whether a literal is words for a person rather than a value."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip()


def test_every_setting_is_closed_and_explained(repository):
    assert open_settings(repository) == []
    assert unexplained_settings(repository) == []


PLANTED = '''
class GapSettings(BaseModel, frozen=True, extra="forbid"):
    """Gaps.

    longest, shortest: hours.
    """
    longest: int
    shortest: int
    limit: int = 3
    """Gaps beyond this many hours stay open."""

class Recipe(BaseModel):
    model_config = ConfigDict(frozen=True)
    zone: str
    unit: str = Field(default="Wh", description="Unit of a value.")

@dataclass(slots=True)
class LakeConfig:
    buckets: int

@dataclass(frozen=True)
class Row:
    value: int
'''


def test_an_open_or_unexplained_setting_is_named(plant):
    root = plant({"src/gridloop/a.py": PLANTED})
    assert open_settings(root) == ["src/gridloop/a.py:12 Recipe", "src/gridloop/a.py:18 LakeConfig"]
    assert unexplained_settings(root) == [
        "src/gridloop/a.py:14 Recipe.zone",
        "src/gridloop/a.py:19 LakeConfig.buckets",
    ]
