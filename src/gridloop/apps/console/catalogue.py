"""The catalogue: every table with its columns, units and privacy, which job makes it and which reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridloop.apps.console.jobs import stage_name
from gridloop.apps.jobs.catalogue import JOBS
from gridloop.apps.web.page import Answer, Context, Page, mark
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.table import Privacy, Store, TableSpec
from gridloop.domain.tables import CATALOGUE

STORES: Mapping[Store, str] = {
    Store.LAKE: mark("lake"),
    Store.LEDGER: mark("ledger"),
    Store.VAULT: mark("vault"),
}
PRIVACY: Mapping[Privacy, tuple[str, str]] = {
    Privacy.PUBLIC: (mark("public"), "good"),
    Privacy.INTERNAL: (mark("internal"), "calm"),
    Privacy.PERSONAL: (mark("personal: vault only"), "warn"),
    Privacy.SECRET: (mark("secret"), "bad"),
}
"""Who may see a column, and its colour."""


def _specs() -> dict[str, TableSpec]:
    return {name: spec for name, spec in CATALOGUE.items() if not spec.planned}


def _counts(context: Context) -> dict[str, int]:
    """Rows of every published table of the lake."""
    known: dict[str, int] = context.remembered(
        "catalogue.rows", lambda: {name: context.view.count(name) for name in context.view.snapshots}
    )
    return known


def _row(context: Context, spec: TableSpec) -> dict[str, Any]:
    told = STORES[spec.store]
    return {
        "table": spec.name,
        "label": context.words.label(spec.label),
        "store": context.text(told),
        "owner": stage_name(spec.owner.value),
        "rows": _counts(context).get(spec.name) if spec.store is Store.LAKE else None,
        "columns": len(spec.columns),
        "made_by": [job.name for job in JOBS if spec.name in job.writes],
        "read_by": [job.name for job in JOBS if spec.name in job.reads],
    }


def catalogue_page(context: Context) -> Answer:
    """Every table that code may write, those with rows first asked for by the reader's search."""
    wanted = context.query.get("q", "").strip().lower()
    rows = [_row(context, spec) for spec in _specs().values()]
    found = [row for row in rows if wanted in row["table"] or wanted in row["label"].lower()]
    how = context.basis(
        context.text("Tables as they are declared in the code; rows as they are published now.")
    )
    return Answer(found, {"wanted": wanted, "how": how})


def table_page(context: Context) -> Answer:
    """One table: its columns, where it comes from and where it goes, and how fresh it is."""
    name = context.parameters["table"]
    spec = _specs().get(name)
    if spec is None:
        raise UsageError(
            mark("There is no table of that name."),
            evidence={"table": name},
            ways_out=did_you_mean(name, _specs()),
        )
    row = _row(context, spec)
    facts = {
        "table": row,
        "key": list(spec.key),
        "snapshot": context.view.snapshots.get(name),
        "jobs": [_job(context, job) for job in dict.fromkeys((*row["made_by"], *row["read_by"]))],
        "known_until": _known_until(context, spec),
        "update_frequency": spec.update_frequency,
        "retention": spec.retention,
    }
    return Answer([_column(context, one) for one in spec], facts, heading=row["label"])


def _column(context: Context, column: Any) -> dict[str, Any]:
    said, colour = PRIVACY[column.privacy]
    return {
        "column": column.name,
        "label": context.words.label(column.label),
        "type": column.kind.value,
        "unit": column.unit,
        "privacy": context.text(said),
        "colour": colour,
        "references": column.references,
        "values": ", ".join(column.values),
        "absent": column.null_means if column.nullable else None,
    }


def _job(context: Context, name: str) -> dict[str, Any]:
    run = context.session.ledger.runs.last_success(name)
    job = next(job for job in JOBS if job.name == name)
    return {
        "job": name,
        "stage": stage_name(job.stage.value),
        "ran": None if run is None else run.finished_at,
    }


def _known_until(context: Context, spec: TableSpec) -> Any:
    """When its newest row became known; None when it has no such time or no row."""
    if not any(one.name == "available_at" for one in spec) or spec.name not in context.view.snapshots:
        return None

    def look() -> Any:
        stored = context.view.stored(spec.name)
        return stored.available_at.max().to_pyarrow().as_py()

    return context.remembered(f"catalogue.until.{spec.name}", look)


PAGES = (
    Page("/catalogue", mark("Catalogue"), "data", "catalogue.html", catalogue_page),
    Page("/catalogue/{table}", mark("Table"), "data", "catalogue_table.html", table_page, listed=False),
)
