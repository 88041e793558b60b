"""Jobs of the insight stage: what the sources did not say."""

from __future__ import annotations

from gridloop.apps.jobs.definitions import follows
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


def _tag_customers(context: JobContext) -> JobReport:
    from gridloop.insight.tags.build import build_tags
    from gridloop.insight.tags.catalogue import load_tags

    step, most = "tagging customers", context.view.count("customer")
    context.progress(step, 0, most)
    tags = build_tags(context.view, catalogue=load_tags(context.session.workspace.root))
    context.writer.replace("tag", tags.rows)
    context.progress(step, most, most)
    missing = tags.rows["value"].null_count
    counts = {"customers": len(tags.frame), "values": tags.rows.num_rows - missing, "missing": missing}
    return JobReport(counts, tags.findings)


def _segment_customers(context: JobContext) -> JobReport:
    from gridloop.insight.segments.build import build_segments
    from gridloop.insight.segments.definition import load_segments
    from gridloop.insight.tags.catalogue import load_tags

    root = context.session.workspace.root
    found = build_segments(
        context.view,
        catalogue=load_tags(root),
        definitions=load_segments(root),
        progress=lambda done, total: context.progress("finding segments", done, total),
    )
    context.writer.replace("segment", found.rows)
    context.writer.replace("segment_member", found.members)
    counts = {"segments": found.rows.num_rows, "memberships": found.members.num_rows}
    return JobReport(counts, found.findings)


JOBS: tuple[Job, ...] = (
    Job(
        "insight.features",
        Stage.INSIGHT,
        "Describe every customer's use",
        reads=("reading", "meter", "meter_history", "contract", "account", "calendar", "weather"),
        writes=("feature",),
        run=_extract_features,
    ),
    Job(
        "insight.tags",
        Stage.INSIGHT,
        "Tag every customer, with confidence or the reason why not",
        reads=("feature", "customer", "account", "bill"),
        writes=("tag",),
        run=_tag_customers,
        depends=follows("tags"),
    ),
    Job(
        "insight.segments",
        Stage.INSIGHT,
        "Find the members of every segment and certify it",
        reads=("feature", "customer", "account", "bill", "consent"),
        writes=("segment", "segment_member"),
        run=_segment_customers,
        depends=follows("tags", "segments"),
    ),
)
"""In the order of the loop."""
