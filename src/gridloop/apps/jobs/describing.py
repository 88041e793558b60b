"""Jobs of the insight stage: what the sources did not say."""

from __future__ import annotations

from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.domain.table import Stage


def _extract_features(context: JobContext) -> JobReport:
    from gridloop.insight.features.extract import describe_customers

    done = describe_customers(
        context.view,
        lambda rows: context.writer.replace("feature", rows),
        threads=context.threads,
        progress=lambda part, total: context.progress("describing customers", part, total),
    )
    counts = {"meters": done.meters, "readings": done.readings, "features": done.features}
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
