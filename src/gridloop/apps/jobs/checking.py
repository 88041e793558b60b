"""Jobs of the data stage: readings and tables are doubted."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.domain.table import Stage, Store
from gridloop.domain.tables import CATALOGUE

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session


def _validate_readings(context: JobContext) -> JobReport:
    from gridloop.data.quality.readings import validate_readings

    step = "validating readings"
    report = validate_readings(
        context.view,
        context.writer,
        threads=context.threads,
        progress=lambda done, total: context.progress(step, done, total),
    )
    return JobReport(report.counts, report.findings)


def _check_tables(context: JobContext) -> JobReport:
    from gridloop.data.quality.rules import check_tables

    report = check_tables(
        context.view,
        context.writer,
        progress=lambda done, total: context.progress("checking tables", done, total),
    )
    return JobReport(report.counts, report.findings)


CHECKED_TABLES = tuple(
    name
    for name, spec in CATALOGUE.items()
    if spec.owner is Stage.DATA
    and spec.store is Store.LAKE
    and not spec.planned
    and name != "quality_finding"
)
"""Every table of the data stage but the one that the checks write."""


def _rule_book(session: Session) -> dict[str, object]:
    """What `data.check` depends on besides tables: the text of the rule book that is in force."""
    from gridloop.data.quality.book import book_path

    return {"rule_book": hashlib.sha256(book_path(session.workspace.root).read_bytes()).hexdigest()}


JOBS: tuple[Job, ...] = (
    Job(
        "data.validate",
        Stage.DATA,
        "Find gaps, spikes and zero runs in the readings; estimate short gaps, flagged",
        reads=("reading", "service_point", "meter", "meter_history"),
        writes=("reading", "completeness", "quality_finding"),
        run=_validate_readings,
    ),
    Job(
        "data.check",
        Stage.DATA,
        "Check keys, references, ranges, closed sets and timeliness of every table",
        reads=CHECKED_TABLES,
        writes=("quality_finding",),
        run=_check_tables,
        depends=_rule_book,
    ),
)
"""In the order of the loop."""
