"""Tags and segments are written by jobs, follow their definitions, and are made again only when something changed."""

from __future__ import annotations

import pytest

from gridloop.apps.jobs.describing import JOBS
from gridloop.apps.jobs.execute import is_fresh, run_job
from gridloop.apps.jobs.job import Outcome
from gridloop.apps.wiring import opened
from gridloop.domain.errors import UsageError

TAGS, SEGMENTS = JOBS[1:]

OWN_TAG = """
tags:
  - name: heavy_user
    kind: flag
    label: {en: Heavy user, zh: 大用户}
    definition: {en: More than 4 kWh a day., zh: 日用电超过 4 千瓦时。}
    when: daily_mean > 4000
    minimum_days: 28
"""
OWN_SEGMENT = """
segments:
  - name: heavy_evening
    method: rule
    label: {en: Heavy in the evening, zh: 晚间大用户}
    description: {en: Heavy users of the evening., zh: 晚间用电大的用户。}
    rule: tag('heavy_user') and tag('evening_peak')
"""


@pytest.fixture
def session(town_copy):
    """The town's workspace, opened."""
    with opened(town_copy) as session:
        yield session


def published(session, name):
    """Rows of a table as published."""
    view = session.published()
    rows = view.arrow(name).to_pylist()
    view.close()
    return rows


def declare(session, kind, text):
    """A definition file of the workspace."""
    folder = session.workspace.root / kind
    folder.mkdir(exist_ok=True)
    (folder / "own.yaml").write_text(text, encoding="utf-8")


def test_every_customer_has_every_tag_or_a_reason(session):
    rows = published(session, "tag")
    customers = {row["customer_id"] for row in rows}
    assert len(customers) == 86
    tags = {row["tag"] for row in rows}
    assert len(rows) == len(customers) * len(tags)
    assert all((row["value"] is None) == (row["reason"] is not None) for row in rows)
    evening = {row["customer_id"]: row["value"] for row in rows if row["tag"] == "evening_peak"}
    assert (evening["e00"], evening["m00"], evening["new"]) == ("yes", "no", None)


def test_segments_have_members_and_those_too_small_are_not_there(session):
    segments = {row["segment_id"]: row for row in published(session, "segment")}
    assert segments["evening_shiftable"]["members"] == 40
    assert segments["evening_shiftable"]["reachable"] == 30
    assert not any(name.startswith("business") for name in segments)
    shapes = [
        row for row in published(session, "segment_member") if row["segment_id"].startswith("home_shapes")
    ]
    assert {row["customer_id"] for row in shapes} == {f"{kind}{n:02d}" for kind in "em" for n in range(40)}


def test_both_are_up_to_date_until_a_definition_changes(session):
    assert is_fresh(session, TAGS) and is_fresh(session, SEGMENTS)
    declare(session, "segments", OWN_SEGMENT)
    assert is_fresh(session, TAGS) and not is_fresh(session, SEGMENTS)
    declare(session, "tags", OWN_TAG)
    assert not is_fresh(session, TAGS)


def test_definitions_of_the_workspace_are_honoured(session):
    declare(session, "tags", OWN_TAG)
    declare(session, "segments", OWN_SEGMENT)
    outcome = run_job(session, TAGS)
    assert outcome.outcome is Outcome.DONE
    assert outcome.report.counts["customers"] == 86
    assert run_job(session, SEGMENTS).report.counts["segments"] == len(published(session, "segment"))
    heavy = {row["customer_id"] for row in published(session, "tag") if row["tag"] == "heavy_user"}
    assert len(heavy) == 86
    assert "heavy_evening" in {row["segment_id"] for row in published(session, "segment")}
    assert is_fresh(session, TAGS) and is_fresh(session, SEGMENTS)


def test_a_wrong_definition_fails_the_job_by_name_and_leaves_what_was_published(session):
    before = published(session, "segment")
    declare(session, "segments", OWN_SEGMENT.replace("evening_peak", "evening_peek"))
    with pytest.raises(UsageError, match="heavy_evening"):
        run_job(session, SEGMENTS)
    assert published(session, "segment") == before


def test_a_job_done_again_gives_the_same_tables(session):
    view = session.published()
    before = view.digests()
    view.close()
    for job in (TAGS, SEGMENTS):
        run_job(session, job, force=True)
    view = session.published()
    assert view.digests() == before
    view.close()
