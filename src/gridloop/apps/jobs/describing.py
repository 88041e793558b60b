"""Jobs of the insight stage: what the sources did not say."""

from __future__ import annotations

from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.domain.table import Stage


def _extract_features(context: JobContext) -> JobReport:
    from gridloop.insight.features.extract import extract_features

    done = extract_features(
        context.view,
        threads=context.threads,
        progress=lambda part, total: context.progress("describing customers", part, total),
    )
    context.writer.replace("feature", done.rows)
    counts = {"meters": done.meters, "readings": done.readings, "features": done.rows.num_rows}
    return JobReport(counts, done.findings)


JOBS: tuple[Job, ...] = (
    Job(
        "insight.features",
        Stage.INSIGHT,
        "Describe every customer's use",
        reads=("reading", "meter", "meter_history", "contract", "account", "calendar", "weather"),
        writes=("feature",),
        run=_extract_features,
    ),
)
"""In the order of the loop."""
