"""Jobs of the reach stage: messages that are due go out, and what came back is taken in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gridloop.apps.jobs.job import Job, JobContext, JobReport, Progress, silent
from gridloop.domain.errors import ServiceMissing
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Stage

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.engine.view import LakeView
    from gridloop.reach.context import ReachContext
    from gridloop.reach.delivery import DeliveryReport
    from gridloop.reach.receipts import ReceiptReport


def reach_over(session: Session, view: LakeView) -> ReachContext:
    """What reach works with, over tables that are open already."""
    from gridloop.reach.context import ReachContext

    config = session.workspace.config
    return ReachContext(
        ledger=session.ledger,
        view=view,
        vault=session.vault,
        clock=session.clock,
        zone=config.zone,
        currency=config.currency,
        utility=config.name,
        root=session.workspace.root,
        channels=config.channels,
    )


@contextmanager
def reach_context(session: Session) -> Iterator[ReachContext]:
    """What reach works with, over the tables as published; they are closed at the end of the block."""
    view = session.published()
    try:
        yield reach_over(session, view)
    finally:
        view.close()


def deliver_due(
    session: Session, context: ReachContext, *, campaign_id: str | None = None, progress: Progress = silent
) -> tuple[list[DeliveryReport], list[ServiceMissing]]:
    """Deliver what is due, channel by channel; the messages of one whose other side does not answer wait.

    The caller holds the workspace lock. A channel whose last delivery was cut off is opened although nothing is due.

    Args:
        session: the workspace.
        context: see `reach_context`.
        campaign_id: of this campaign only.
        progress: told what is done.

    Returns:
        a report per channel, and why those that have none could not be used.
    """
    from gridloop.apps.wiring import channel_of
    from gridloop.reach.delivery import deliver

    reports, away = [], []
    for name in sorted({*session.ledger.sends.due(campaign_id), *cut_off(session)}):
        try:
            channel = channel_of(session, name)
            reports.append(deliver(context, channel, campaign_id=campaign_id, progress=progress))
        except ServiceMissing as error:
            away.append(error)
    return reports, away


def cut_off(session: Session) -> list[str]:
    """Channels whose last delivery did not end well: it may have left what only a further one can put right."""
    from gridloop.ledger.sends import delivery_job

    runs = session.ledger.runs
    latest = {name: runs.latest(delivery_job(name)) for name in session.ledger.sends.channels()}
    return sorted(name for name, run in latest.items() if run is not None and run.outcome != "succeeded")


def take_in_channels(
    session: Session, context: ReachContext
) -> tuple[list[ReceiptReport], list[ServiceMissing]]:
    """Take in what the channels themselves tell: of those on which something was handed over.

    Returns:
        a report per channel that told something, and why others could not be asked.
    """
    from gridloop.apps.wiring import channel_of
    from gridloop.reach.receipts import take_in

    reports, away = [], []
    for name in sorted(session.ledger.sends.channels()):
        try:
            channel = channel_of(session, name)
            receipts = list(channel.receipts(session.clock.now()))
        except ServiceMissing as error:
            away.append(error)
            continue
        if receipts:
            reports.append(take_in(context, receipts, channel.transport))
    return reports, away


def channels_away(errors: Iterable[ServiceMissing]) -> list[Finding]:
    """Why channels could not be used, as findings; each reason once."""
    told = {error.what: error for error in errors}
    return [
        Finding("reach.channel_away", error.what, error.evidence, Severity.ERROR) for error in told.values()
    ]


def _deliver(context: JobContext) -> JobReport:
    sends = context.session.ledger.sends
    if not sends.due() and not sends.channels() and not cut_off(context.session):
        return JobReport()  # whoever has nothing to send needs no key either
    reach = reach_over(context.session, context.view)
    reports, away = deliver_due(context.session, reach, progress=context.progress)
    came_back, unheard = take_in_channels(context.session, reach)
    findings = [finding for report in reports for finding in report.findings]
    findings += channels_away([*away, *unheard])
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report.outcomes)
        counts["undecided"] += report.undecided
    for receipts in came_back:
        counts["receipts"] += receipts.new
        counts["unsubscribed"] += receipts.unsubscribed
        counts["enrolled"] += receipts.enrolled
        findings += receipts.findings
    return JobReport({name: count for name, count in counts.items() if count}, tuple(findings))


def _due(session: Session) -> dict[str, object]:
    """What is due, with the present so that it is never taken for done, and a digest of what came back."""
    from gridloop.apps.wiring import channel_of

    sends = session.ledger.sends
    due = sends.due()
    came_back = {}
    for name in sorted(sends.channels()):
        try:
            ids = sorted(one.receipt_id for one in channel_of(session, name).receipts(session.clock.now()))
        except ServiceMissing:  # what it tells is not known until its other side is there again
            came_back[name] = "away"
            continue
        if ids:
            came_back[name] = hashlib.sha256("\n".join(ids).encode()).hexdigest()
    return {
        "due": [session.clock.now().isoformat(), due] if due else [],
        "cut_off": cut_off(session),
        "came_back": came_back,
    }


JOBS: tuple[Job, ...] = (
    Job(
        "reach.deliver",
        Stage.REACH,
        "Send what is due of running campaigns, and take in what came back",
        reads=("consent", "account"),
        writes=(),
        run=_deliver,
        depends=_due,
    ),
)
"""In the order of the loop."""
