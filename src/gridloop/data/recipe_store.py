"""Where recipes lie and how one is read: shipped ones, and those of a workspace, which override by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gridloop.data.mappings.catalogue import MAPPINGS
from gridloop.data.recipe import Feed, Recipe
from gridloop.domain.declaration import explain_declaration
from gridloop.domain.declared_files import read_declared
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.table import Store
from gridloop.domain.tables import CATALOGUE

PAGE = "docs/reference/recipes.md lists every key."


def recipe_paths(workspace: Path | None = None) -> dict[str, Path]:
    """File of every recipe by name; a workspace's `recipes/NAME.yaml` overrides the shipped one.

    Args:
        workspace: root folder of a workspace, if one is open.
    """
    shipped = Path(str(files("gridloop") / "library" / "recipes"))
    folders = [shipped] if workspace is None else [shipped, workspace / "recipes"]
    return {
        path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.yaml"))
    }


def list_recipes(workspace: Path | None = None) -> list[Recipe]:
    """Every recipe that can be imported, by name."""
    return [read_recipe(path) for _, path in sorted(recipe_paths(workspace).items())]


def load_recipe(name: str, workspace: Path | None = None) -> Recipe:
    """The recipe of that name.

    Raises:
        UsageError: there is none, or its file is not a valid recipe; says where and what is close.
    """
    paths = recipe_paths(workspace)
    if name not in paths:
        raise UsageError(f"There is no recipe {name!r}.", ways_out=did_you_mean(name, paths))
    return read_recipe(paths[name])


def read_recipe(path: Path) -> Recipe:
    """Read and check one recipe file.

    Raises:
        UsageError: not YAML, an unknown key, a missing or wrong value, a canonical table or column that is not there.
    """
    try:
        declared = read_declared(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"Recipe file {path.name!r} cannot be read.", evidence={"reason": str(error).replace("\n", " ")}
        ) from error
    if not isinstance(declared, dict):
        raise UsageError(f"Recipe file {path.name!r} holds no recipe.", ways_out=("Start with `name:`.",))
    recipe = parse_recipe(declared, path.name)
    if recipe.name != path.stem:
        raise UsageError(
            f"Recipe file {path.name!r} declares the name {recipe.name!r}.",
            ways_out=(f"Name the file {recipe.name}.yaml.",),
        )
    return recipe


def parse_recipe(declared: dict[str, Any], where: str = "recipe") -> Recipe:
    """Check a declaration and turn it into a `Recipe`.

    Args:
        declared: the parsed YAML.
        where: named in errors.

    Raises:
        UsageError: see `read_recipe`.
    """
    try:
        recipe = Recipe.model_validate(declared)
    except ValidationError as error:
        raise explain_declaration(error, Recipe, noun="recipe", where=where, page=PAGE) from error
    _check_canonical(recipe, where)
    return recipe


def _check_canonical(recipe: Recipe, where: str) -> None:
    """Every fed table exists, belongs to the data stage or the vault, and gets the columns it has and needs."""
    for file in recipe.files:
        for feed in (*file.feeds, *file.per_meter):
            _check_feed(feed, f"Recipe {where!r}", {"role": file.role})


def _check_feed(feed: Feed, recipe: str, evidence: dict[str, object]) -> None:
    spec = CATALOGUE.get(feed.table)
    if spec is None or spec.planned or spec.store is Store.LEDGER:
        raise UsageError(
            f"{recipe} feeds a table {feed.table!r} that imports cannot fill.",
            evidence=evidence,
            ways_out=did_you_mean(feed.table, [name for name, spec in CATALOGUE.items() if spec.columns]),
        )
    if feed.function is not None:
        if feed.function not in MAPPINGS:
            raise UsageError(
                f"{recipe} names a mapping function {feed.function!r} that there is not.",
                evidence=evidence,
                ways_out=did_you_mean(feed.function, MAPPINGS),
            )
        return
    names = [column.name for column in spec.columns]
    unknown = [name for name in feed.columns if name not in names]
    if unknown:
        raise UsageError(
            f"{recipe} fills column {unknown[0]!r}, which table {feed.table!r} does not have.",
            evidence=evidence,
            ways_out=did_you_mean(unknown[0], names),
        )
    needed = [c.name for c in spec.columns if not c.nullable and c.name != "available_at"]
    absent = [name for name in needed if name not in feed.columns]
    if absent:
        raise UsageError(
            f"{recipe} leaves required columns of table {feed.table!r} empty.",
            evidence={**evidence, "columns": ", ".join(absent)},
            ways_out=("Take them from a `column` or give a `constant`.",),
        )
