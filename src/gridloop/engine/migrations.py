"""Bringing an older workspace to the layout of this version: one function per step, each safe to run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gridloop.domain.table import TableSpec
from gridloop.engine.lake import Lake
from gridloop.engine.schema import iceberg_schema
from gridloop.engine.workspace import SCHEMA_VERSION, Workspace

STEPS: dict[int, Callable[[Workspace], None]] = {}
"""From version n to n + 1. A step must leave the workspace whole when it is killed and run again."""


def add_declared_columns(lake: Lake, spec: TableSpec) -> list[str]:
    """Add nullable columns that the declaration has and the stored table lacks; returns their names."""
    table = lake.iceberg_table(spec.name)
    if table is None:
        return []
    held = {field.name for field in table.schema().fields}
    missing = [field for field in iceberg_schema(spec).fields if field.name not in held]
    if missing:
        with table.update_schema() as update:
            for field in missing:
                update.add_column(field.name, field.field_type, required=False)
        mapping = table.schema().name_mapping.model_dump_json()
        with table.transaction() as transaction:
            transaction.set_properties({"schema.name-mapping.default": mapping})
    return [field.name for field in missing]


def migrate(root: Path | str, steps: dict[int, Callable[[Workspace], None]] | None = None) -> list[int]:
    """Bring the workspace in `root` to `SCHEMA_VERSION`, step by step.

    The version in `gridloop.toml` is raised after each step, so a kill repeats at most one step.

    Returns:
        The versions it went through, empty when it was up to date.
    """
    known = STEPS if steps is None else steps
    workspace = Workspace.open(root, migrating=True)
    passed = []
    with workspace.lock(command="migrate", wait_seconds=10):
        target = max([SCHEMA_VERSION, *(version + 1 for version in known)])
        while workspace.config.schema_version < target:
            version = workspace.config.schema_version
            if version in known:
                known[version](workspace)
            workspace = workspace.with_settings(schema_version=version + 1)
            passed.append(version + 1)
        lake = Lake(workspace)
        for spec in lake.specs.values():
            add_declared_columns(lake, spec)
        lake.close()
    return passed
