"""The steps of the demo's turn of the loop; each finds out whether it is done already, so a killed demo goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gridloop.apps.demo_folders import DemoCounty, DemoFolders
from gridloop.apps.jobs.job import JobOutcome, Progress
from gridloop.domain.clock import SystemClock
from gridloop.domain.errors import NothingToDo

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.reach.orchestrate import Launch

PLAY = "tou-shift"
ZONE, CURRENCY = "Asia/Shanghai", "CNY"
DELIVERY_DAYS = 5
"""Days between the last day of readings and the last file of a delivery."""
LATE = "network/area_supply_*.csv"
"""Files of the days after that do not arrive in time: what the transformers' meters supplied."""
OFFICE_OPENS = time(10)
"""Local time at which the demo's people work: no quiet hours."""


def days_after() -> int:
    """Days after the first files until the campaign of the demo's play can be judged, with a week to spare."""
    from gridloop.strategy.playbook.store import load_playbook

    success = load_playbook(PLAY).success
    return DELIVERY_DAYS + success.settle_days + success.window_days + 8


def make_sources(folders: DemoFolders, county: DemoCounty, progress: Progress) -> None:
    """Write the county's source files and its truth, unless the same ones are there.

    Raises:
        UsageError: another county lies there.
    """
    from gridloop.apps.wiring import synthetic_county

    if folders.claim(county):
        return
    synthetic_county(county).write_sources(
        folders.sources,
        lambda share, month: progress("making the county", round(share * 100), 100),
        truth=folders.truth,
    )
    folders.complete(county)


def found_workspace(folders: DemoFolders, county: DemoCounty) -> None:
    """Make the workspace, whose present is the morning after the last delivery, unless it is there."""
    from gridloop.apps.wiring import create, synthetic_county

    if (folders.workspace / "gridloop.toml").exists():
        return
    morning = _morning(synthetic_county(county).settings.cutoff + timedelta(days=1))
    create(
        folders.workspace,
        zone=ZONE,
        currency=CURRENCY,
        name="demo",
        demo=True,
        playbooks=(PLAY,),
        channels={name: {"transport": "twin"} for name in ("app", "email", "sms")},
        clock_behind_seconds=_behind(morning),
    ).close()


def bring_in(session: Session, later: bool, progress: Progress) -> list[dict[str, Any]]:
    """Import the county's first files, or its later ones; the row account of each, none when all were in already."""
    from gridloop.apps.jobs.importing import import_files

    folders = DemoFolders(session.workspace.root.parent)
    try:
        accounts, _ = import_files(
            session, "county", folders.later_sources if later else folders.sources, progress
        )
    except NothingToDo:
        return []
    return accounts


def run_loop(session: Session, progress: Progress) -> list[JobOutcome]:
    """Every job that is not up to date; the caller holds the workspace lock."""
    from gridloop.apps.jobs.catalogue import JOBS
    from gridloop.apps.jobs.execute import run_jobs

    return list(run_jobs(session, JOBS, progress=progress))


def open_plan(session: Session) -> str | None:
    """The plan of the demo's play that waits for approval, launch or the end of its launch; None when there is none."""
    plans, campaigns = session.ledger.plans, session.ledger.campaigns
    cut_off = [one.plan_id for one in campaigns.recent(1000) if one.status == "scheduled"]
    waiting = [*plans.recent("submitted"), *plans.recent("approved")]
    return next(iter([*cut_off, *(plan.plan_id for plan in waiting if plan.content.playbook == PLAY)]), None)


def is_cut_off(session: Session, campaign_id: str) -> bool:
    """Whether the launch of a campaign was killed before its end."""
    return session.ledger.campaigns.campaign(campaign_id).status == "scheduled"


def first_campaign(session: Session) -> str | None:
    """The demo's first campaign; None before its launch."""
    launched = session.ledger.campaigns.recent(1000)
    return launched[-1].campaign_id if launched else None


def approve_and_launch(session: Session, plan_id: str, actor: str) -> Launch:
    """Approve a plan as only a demo may, and launch it; the caller holds the workspace lock."""
    from gridloop.apps.approving import approve_automatically
    from gridloop.apps.jobs.reaching import reach_context
    from gridloop.reach.orchestrate import launch

    if session.ledger.plans.plan(plan_id).status == "submitted":
        approve_automatically(session, plan_id)
    with reach_context(session) as context:
        return launch(context, plan_id, actor)


def let_time_pass(folders: DemoFolders, county: DemoCounty, progress: Progress) -> None:
    """The weeks after the launch: people answer, their meters run, and the present is the morning after.

    The files of those days are written once; the clock only goes forward.
    """
    from gridloop.apps.wiring import opened, synthetic_county, twin_answers
    from gridloop.engine.durable import write_durably
    from gridloop.engine.workspace import Workspace

    twin = synthetic_county(county)
    done = folders.root / "later.done"
    if not done.exists():
        twin.write_continuation(
            folders.later_sources,
            twin_answers(folders, county),
            lambda share, month: progress("the weeks after", round(share * 100), 100),
            truth=folders.truth,
        )
        keep_back(folders)
        write_durably(done, b"the files of the days after are complete\n")
    morning = _morning(twin.settings.cutoff + timedelta(days=1 + county.continued_days))
    with opened(folders.workspace) as session:
        if session.clock.now() < morning:
            Workspace.open(folders.workspace).with_settings(clock_behind_seconds=_behind(morning))


def keep_back(folders: DemoFolders) -> None:
    """Let one source of the days after be late: its files wait beside the others, and a page says that they lack."""
    for file in sorted(folders.later_sources.glob(LATE)):
        place = folders.late_sources / file.relative_to(folders.later_sources)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


def _morning(day: date) -> datetime:
    return datetime.combine(day, OFFICE_OPENS, ZoneInfo(ZONE)).astimezone(UTC)


def _behind(present: datetime) -> int:
    """How far a clock that shows `present` lies behind the machine's, in seconds."""
    return max(0, round((SystemClock().now() - present).total_seconds()))
