"""The job that delivers: it does what is due, takes in what came back, and otherwise is up to date."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gridloop.apps import wiring
from gridloop.apps.demo_folders import DemoCounty, DemoFolders
from gridloop.apps.jobs.catalogue import JOBS
from gridloop.apps.jobs.execute import is_fresh, run_job
from gridloop.apps.jobs.job import Outcome
from gridloop.apps.jobs.reaching import cut_off, reach_context
from gridloop.apps.wiring import opened
from gridloop.domain.errors import ServiceMissing
from gridloop.ledger.messages import PlannedSend
from gridloop.reach.channels.channel import Message, Receipt, Verdict
from gridloop.reach.channels.file import FileChannel
from gridloop.reach.orchestrate import launch

JOB = next(job for job in JOBS if job.name == "reach.deliver")


@pytest.fixture
def session(reachable):
    """The workspace, opened, its plan launched."""
    with opened(reachable.workspace) as session:
        with reach_context(session) as context:
            launch(context, reachable.plan_id, "li")
        yield session


def test_it_sends_what_is_due_once_and_then_is_up_to_date(session):
    assert not is_fresh(session, JOB)
    done = run_job(session, JOB)
    assert (done.outcome, dict(done.report.counts)) == (Outcome.DONE, {"sent": 21})
    assert run_job(session, JOB).outcome is Outcome.FRESH
    (campaign,) = session.ledger.campaigns.recent()
    message = [PlannedSend("C000", "email", "one-more", "tou-offer")]
    session.ledger.sends.plan(campaign.campaign_id, message)
    assert not is_fresh(session, JOB)
    assert run_job(session, JOB).outcome is Outcome.DONE
    assert is_fresh(session, JOB)


def test_without_a_campaign_it_has_nothing_to_do(reachable):
    with opened(reachable.workspace) as session:
        assert dict(run_job(session, JOB).report.counts) == {}
        assert is_fresh(session, JOB)


def test_what_a_channel_tells_is_taken_in_once(session, monkeypatch):
    run_job(session, JOB)
    told = []
    monkeypatch.setattr(FileChannel, "receipts", lambda self, until: list(told))
    assert is_fresh(session, JOB)
    (campaign,) = session.ledger.campaigns.recent()
    send = session.ledger.sends.of(campaign.campaign_id)[0]
    told.append(Receipt("r1", send.message_id, "accepted", session.clock.now() - timedelta(seconds=1)))
    assert not is_fresh(session, JOB)
    assert dict(run_job(session, JOB).report.counts) == {"receipts": 1, "enrolled": 1}
    assert is_fresh(session, JOB)


def test_a_channel_that_is_away_is_a_finding_and_the_job_comes_back_to_it(session, monkeypatch):
    def away(self):
        raise ServiceMissing("The mail server cannot be used.", evidence={"server": "mx"})

    real = FileChannel.open
    monkeypatch.setattr(FileChannel, "open", away)
    done = run_job(session, JOB)
    assert [finding.code for finding in done.report.findings] == ["reach.channel_away"]
    assert not is_fresh(session, JOB)
    monkeypatch.setattr(FileChannel, "open", real)
    assert dict(run_job(session, JOB).report.counts) == {"sent": 21}


def test_a_delivery_that_was_cut_off_is_completed_although_nothing_is_due(session, reachable, monkeypatch):
    outbox = reachable.workspace / "outbox" / "email"
    monkeypatch.setattr(FileChannel, "_free_name", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_job(session, JOB)
    assert session.ledger.sends.due() == {}
    assert cut_off(session) == ["email"]
    assert [path.name for path in outbox.iterdir()] == [".unfinished"]
    monkeypatch.undo()
    monkeypatch.setenv("GRIDLOOP_KEYS", str(reachable.workspace.parent / "keys"))
    assert not is_fresh(session, JOB)
    run_job(session, JOB)
    assert len(list(outbox.glob("[!.]*/*.eml"))) == 21
    assert is_fresh(session, JOB)


def test_a_demo_whose_county_is_gone_says_where_it_belongs(session):
    demo = session.workspace.with_settings(demo=True, channels={"app": {"transport": "twin"}})
    with opened(demo.root) as again, pytest.raises(ServiceMissing, match="not beside it"):
        wiring.channel_of(again, "app")


def test_a_demo_that_was_moved_without_its_county_runs_on_and_says_so(session):
    """Whether the job is up to date can be told, and a run ends with a finding rather than in the middle."""
    run_job(session, JOB)
    demo = session.workspace.with_settings(
        demo=True, channels={name: {"transport": "twin"} for name in ("email", "sms")}
    )
    with opened(demo.root) as again:
        assert not is_fresh(again, JOB)
        done = run_job(again, JOB)
        (finding,) = done.report.findings
        assert finding.code == "reach.channel_away" and "not beside it" in finding.text
        assert is_fresh(again, JOB)
        county = DemoCounty(customers=3, days=2, seed=1, continued_days=2)
        DemoFolders(demo.root.parent).complete(county)
        assert not is_fresh(again, JOB)


def test_a_demo_s_channel_leads_to_the_people_of_its_county(session):
    demo = session.workspace.with_settings(demo=True, channels={"sms": {"transport": "twin"}})
    county = DemoCounty(customers=3, days=2, seed=1, continued_days=2)
    DemoFolders(demo.root.parent).complete(county)
    with opened(demo.root) as again:
        channel = wiring.channel_of(again, "sms")
        message = Message("m" * 32, "sms", "11100000000", "zh", "", "", None, again.clock.now())
        with channel.open():
            assert channel.hand_over(message).verdict is Verdict.REFUSED  # nobody has that number
        assert (channel.transport, channel.exactly_once) == ("twin", True)
        assert list(channel.receipts(again.clock.now())) == []
