"""The data stage: brings rows in, conforms them to the canonical tables, and accounts for every one of them.

The door is three verbs; they are imported on first use, so that naming this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridloop.data.ingest import execute_import
    from gridloop.data.plan import plan_import
    from gridloop.data.recipe_store import load_recipe

__all__ = ["execute_import", "load_recipe", "plan_import"]

_HOMES = {
    "execute_import": "gridloop.data.ingest",
    "load_recipe": "gridloop.data.recipe_store",
    "plan_import": "gridloop.data.plan",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gridloop.data' has no attribute {name!r}")
