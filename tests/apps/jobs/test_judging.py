"""A launched campaign is judged from its readings, told by command and page, and finished once its window is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yaml

from gridloop.apps.jobs.catalogue import JOBS
from gridloop.apps.jobs.execute import run_job
from gridloop.apps.jobs.job import Outcome
from gridloop.apps.judged import judged, report_path
from gridloop.apps.wiring import Session, create
from gridloop.domain.errors import UsageError
from gridloop.strategy.playbook.model import Playbook
from gridloop.testing.campaigns import launched_campaign
from gridloop.testing.homes import Street

JOB = next(job for job in JOBS if job.name == "evaluation.effects")
HOMES, STARTS = 120, date(2024, 6, 1)
FIRST = STARTS - timedelta(days=14)
LAST = STARTS + timedelta(days=6)


@pytest.fixture
def play() -> Playbook:
    """The evening play with short windows: 14 days before, 7 judged."""
    shipped = files("gridloop") / "library" / "playbooks" / "tou-shift.yaml"
    document = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    document["success"] |= {"baseline_days": 14, "settle_days": 0, "window_days": 7, "least_days": 5}
    document["guardrails"] = {"after_messages": 20}
    return Playbook.model_validate(document)


class Town:
    """Homes of different size, two in three offered, an evening's load less by a tenth from the start for those."""

    def __init__(self, session: Session, play: Playbook) -> None:
        self.session = session
        self.street = Street(session.lake, "Asia/Shanghai")
        rng = np.random.default_rng(5)
        self.level = {f"{n}": float(rng.gamma(6, 60)) for n in range(HOMES)}
        self.noise = {name: rng.normal(1, 0.05, 40) for name in self.level}
        self.arms = {f"a-{name}": "holdout" if n % 3 == 0 else "offer" for n, name in enumerate(self.level)}
        third = sorted(self.level.values())[HOMES // 2]
        strata = {f"a-{n}": f"baseline={1 + (level > third)}" for n, level in self.level.items()}
        starts = datetime(STARTS.year, STARTS.month, STARTS.day, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
        enrolled = [name for n, name in enumerate(self.arms) if n % 3 == 1]
        self.campaign = launched_campaign(
            session.ledger, play, self.arms, starts, strata=strata, enrolled=enrolled
        )

    def read_through(self, last: date, first: date = FIRST) -> None:
        """Readings of all homes up to a day, published as an import would."""
        days = [first + timedelta(days=d) for d in range((last - first).days + 1)]
        profiles = {name: self._profile(name) for name in self.level}
        if first == FIRST:
            self.street.homes(profiles, days)
        else:
            for name, profile in profiles.items():
                self.street.read(name, days, profile)
        run = self.session.ledger.runs.start(
            "data.test", "data", "inputs", code_version="test", settings={}, pid=1
        )
        self.session.ledger.runs.succeed(run, self.session.lake.heads(), {})

    def _profile(self, name: str) -> Callable[[date], list[int | None] | None]:
        def profile(day: date) -> list[int | None]:
            less = 0.9 if self.arms[f"a-{name}"] == "offer" and day >= STARTS else 1.0
            wh = int(self.level[name] * self.noise[name][(day - FIRST).days] * less)
            return [50] * 17 + [wh] * 5 + [50] * 2

        return profile

    def judge(self, **given: Any) -> Any:
        """Carry the job out."""
        return run_job(self.session, JOB, **given)

    def status(self) -> str:
        """Of the campaign."""
        return self.session.ledger.campaigns.campaign(self.campaign).status


@pytest.fixture
def town(workspace_path: Path, play: Playbook) -> Iterator[Town]:
    """A town whose campaign has started."""
    session = create(workspace_path, zone="Asia/Shanghai", currency="CNY", buckets=1)
    yield Town(session, play)
    session.close()


def test_a_campaign_whose_window_is_over_is_judged_once_and_finished(town: Town) -> None:
    town.read_through(LAST)
    done = town.judge()
    assert dict(done.report.counts) == {"campaigns": 1, "decided": 1, "effects": 7}
    assert town.status() == "finished"
    told = judged(town.session, town.campaign)
    assert told.primary["trusted"] and told.decision.code in ("scale", "scale_unsure", "stop_cost")
    assert told.checks["percent"]["ci_low"] <= -10.0 <= told.checks["percent"]["ci_high"] < 0
    assert told.funnel.sent == 80 and told.funnel.enrolled == 40 and told.funnel.accepted == 40
    view = town.session.published()
    outcomes = view.arrow("outcome")
    view.close()
    assert outcomes.num_rows == 3 * HOMES and outcomes["reason"].null_count == 3 * HOMES

    # Nothing changed, so nothing is done; forced, the verdict stays as it was written.
    assert town.judge().outcome is Outcome.FRESH
    before = town.session.lake.heads()
    assert dict(town.judge(force=True).report.counts)["campaigns"] == 0
    assert town.session.lake.heads() == before


def test_an_early_look_is_provisional_and_the_end_decides(town: Town) -> None:
    town.read_through(STARTS + timedelta(days=4))
    town.judge()
    told = judged(town.session, town.campaign)
    assert told.decision.code == "wait" and not told.primary["trusted"]
    assert told.primary["value"] is not None and town.status() == "running"
    early = told.primary["effect_id"]

    town.read_through(LAST, first=STARTS + timedelta(days=5))
    town.judge()
    told = judged(town.session, town.campaign)
    assert told.primary["trusted"] and told.primary["effect_id"] == early
    assert town.status() == "finished"
    view = town.session.published()
    assert view.arrow("effect")["effect_id"].to_pylist().count(early) == 1
    view.close()


def test_a_kill_before_anything_is_published_changes_no_verdict(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.read_through(LAST)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(town.session.ledger.runs), "succeed", killed)
        with pytest.raises(KeyboardInterrupt):
            town.judge()
    assert town.status() == "finished"  # the ledger knows already, no table does
    with pytest.raises(UsageError, match="has not been judged yet"):
        judged(town.session, town.campaign)
    town.judge()
    assert judged(town.session, town.campaign).primary["trusted"]


def test_a_lost_report_is_written_again_from_the_verdict_that_stands(town: Town) -> None:
    town.read_through(LAST)
    town.judge()
    page = report_path(town.session, town.campaign, "zh")
    first = page.read_text(encoding="utf-8")
    page.unlink()
    town.judge(force=True)
    told = [line for line in first.splitlines() if "<h1>" in line]
    assert [line for line in page.read_text(encoding="utf-8").splitlines() if "<h1>" in line] == told


def test_a_new_answer_judges_a_running_campaign_again_and_leaves_a_final_verdict(town: Town) -> None:
    town.read_through(STARTS + timedelta(days=4))
    town.judge()
    assert town.judge().outcome is Outcome.FRESH
    town.session.ledger.campaigns.pause(town.campaign, "li")
    assert town.judge().outcome is Outcome.DONE
    assert judged(town.session, town.campaign).status == "paused"


def test_a_campaign_that_is_stopped_is_judged_and_stays_stopped(town: Town) -> None:
    town.read_through(LAST)
    town.session.ledger.campaigns.stop(town.campaign, "li", "enough")
    town.judge()
    assert town.status() == "stopped"
    assert judged(town.session, town.campaign).primary["value"] is not None


def test_a_guardrail_that_is_passed_is_a_finding(town: Town) -> None:
    from gridloop.ledger.responses import Response

    town.read_through(LAST)
    sends = town.session.ledger.sends.of(town.campaign)[:10]
    town.session.ledger.responses.record(
        Response(f"u{n}", one.customer_id, "unsubscribed", one.planned_at, one.send_id, town.campaign)
        for n, one in enumerate(sends)
    )
    (finding,) = town.judge().report.findings
    assert (finding.code, finding.subject) == ("campaign.guardrail", town.campaign)


def test_without_campaigns_there_is_nothing_to_judge(session: Session) -> None:
    assert dict(run_job(session, JOB).report.counts) == {"campaigns": 0, "decided": 0, "effects": 0}


def test_the_result_is_told_by_command(town: Town, command: Callable[..., Any], tmp_path: Path) -> None:
    town.read_through(LAST)
    town.judge()
    folder = town.session.workspace.root
    at = ("--workspace", folder, "--no-color")

    told = command("campaign", "result", town.campaign, *at)
    assert told.code == 0, told.err
    assert told.out.startswith("The offer lowered energy in the evening peak by")
    for part in ("Can it be trusted?", "Money over 365 days", "Misleading: never the effect", "Report: "):
        assert part in told.out

    document = command("campaign", "result", town.campaign, "--workspace", folder, "--json").rows
    assert document["trusted"] is True and document["decision"]["text"]["zh"]
    primary = next(row for row in document["effects"] if row["role"] == "primary")
    assert set(primary["effect"]) == {"value", "ci_low", "ci_high"}
    assert document["money"]["net"].keys() == {"value", "ci_low", "ci_high"}

    lines = command("campaign", "result", town.campaign, "--workspace", folder, "--csv").out.splitlines()
    assert lines[0].startswith("role,population,measure,arm") and len(lines) == 8

    copied = tmp_path / "page.html"
    assert command("campaign", "report", town.campaign, *at, "--lang", "zh", "--out", copied).code == 0
    assert "活动效果报告" in copied.read_text(encoding="utf-8")
    where = command("campaign", "report", town.campaign, *at).out.strip()
    assert Path(where) == report_path(town.session, town.campaign, "en") and json.dumps(where)


def test_a_campaign_that_was_not_judged_says_what_to_do(town: Town, command: Callable[..., Any]) -> None:
    told = command("campaign", "result", town.campaign, "--workspace", town.session.workspace.root)
    assert told.code == 2 and "has not been judged yet" in told.err and "gridloop run" in told.err
    unknown = command("campaign", "result", "campaign-x", "--workspace", town.session.workspace.root)
    assert unknown.code == 2 and "no campaign" in unknown.err
