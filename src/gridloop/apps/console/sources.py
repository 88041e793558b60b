"""Sources: what came in and when, how many rows were taken, replaced or kept out, and what to do about it."""

from __future__ import annotations

from typing import Any

from gridloop.apps.checks import quarantine_rows
from gridloop.apps.console.jobs import OUTCOMES
from gridloop.apps.console.standing import completeness_by_day, late_tables
from gridloop.apps.web.page import Answer, Context, Page, mark

COUNTS = ("rows_in", "rows_accepted", "rows_superseded", "rows_quarantined", "intervals_missing")
LOOKED_AT = 1_000
"""Runs in which the last import is looked for."""


def sources_page(context: Context) -> Answer:
    """Each role of each recipe with its account of rows, the last import, and why rows are kept out."""
    rows: list[dict[str, Any]] = context.remembered("sources", lambda: _loads(context))
    facts = {
        "kept_out": context.remembered(
            "sources.kept_out",
            lambda: quarantine_rows(context.session, reason=None, reveal=False, most=0),
        ),
        "late": late_tables(context),
        "last": _last(context),
        "lag": _lag(context),
        "how": context.basis(
            context.text(
                "Every row that was read is accepted, replaced by a later one, or kept out with a reason; the "
                "three add up to the rows read."
            ),
            ("landing_file", "row_account", "quarantine"),
        ),
    }
    return Answer(rows, facts)


def _loads(context: Context) -> list[dict[str, Any]]:
    """Files and rows by recipe and role, with the newest file's name and time."""
    if not (context.view.exists("landing_file") and context.view.exists("row_account")):
        return []
    files, accounts = context.view.table("landing_file"), context.view.table("row_account")
    loaded = files.group_by("recipe", "role").aggregate(files=files.count(), received=files.received_at.max())
    counted = accounts.group_by("recipe", "role").aggregate(**{name: accounts[name].sum() for name in COUNTS})
    joined = loaded.inner_join(counted, ["recipe", "role"]).order_by(["recipe", "role"])
    found: list[dict[str, Any]] = joined.to_pyarrow().to_pylist()
    names = ("recipe", "role", "files", "received", *COUNTS)
    return [{name: row[name] for name in names} for row in found]


def _last(context: Context) -> dict[str, Any] | None:
    """How the newest import ended; None when there was none."""
    runs = context.session.ledger.runs.recent(LOOKED_AT)
    run = next((one for one in runs if one.job.startswith("import.")), None)
    if run is None:
        return None
    said, colour = OUTCOMES[run.outcome]
    return {
        "job": run.job,
        "recipe": run.job.removeprefix("import."),
        "at": run.started_at,
        "failed": run.outcome in ("failed", "killed"),
        "error": run.error_text,
        "pill": [context.text(said), colour],
    }


def _lag(context: Context) -> dict[str, Any] | None:
    """The last day read, and how many days ago that was; None before readings were checked."""
    days = completeness_by_day(context) if context.view.exists("completeness") else []
    if not days:
        return None
    last = days[-1]["day"]
    today = context.words.now.astimezone(context.words.zone).date()
    return {"day": last, "behind": max((today - last).days, 0)}


PAGES = (Page("/data", mark("Sources"), "data", "sources.html", sources_page),)
