"""One whole turn of the loop as its people type it: raw files, segments, a plan that another approves, messages that
go out once, an effect with its interval, and a second plan that has learned. The county's people answer the messages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gridloop.apps.wiring import create, opened
from gridloop.engine.workspace import Workspace
from gridloop.evaluation.outcomes import campaign_windows
from gridloop.security.pseudonym import Pseudonyms
from gridloop.strategy.experiment import HOLDOUT
from gridloop.strategy.playbook.store import load_playbook
from gridloop.twin.answers import Answers
from gridloop.twin.county import County, TwinSettings

pytestmark = pytest.mark.slow

PLAY = "tou-shift"
ZONE = ZoneInfo("Asia/Shanghai")
SETTINGS = TwinSettings(customers=160, days=400, seed=42, continued_days=62)
AUTHOR, MANAGER = "li.analyst", "wang.manager"


def morning(day) -> datetime:
    """Ten o'clock in the county: nobody's quiet hours."""
    return datetime.combine(day, time(10), ZONE).astimezone(UTC)


def address_of(path: Path) -> str:
    """To whom a message of the outbox goes."""
    if path.suffix == ".json":
        return str(json.loads(path.read_text(encoding="utf-8"))["address"])
    return str(message_from_bytes(path.read_bytes(), policy=policy.default)["To"])


@dataclass
class Utility:
    """A utility's people, their workspace, and the county around them.

    Attributes:
        folder: of everything.
        command: types `gridloop` and the words given.
        people: the county's, who answer what they are sent.
    """

    folder: Path
    command: Any
    people: Answers

    @property
    def workspace(self) -> Path:
        """Where they work."""
        return self.folder / "workspace"

    def type(self, *words: object, code: int = 0) -> Any:
        """Type a command in the workspace; it must end with the code."""
        answer = self.command(*words, "-w", self.workspace)
        assert answer.code == code, f"gridloop {words}\n{answer.out}\n{answer.err}"
        return answer

    def rows(self, *words: object) -> Any:
        """What a command answers as JSON."""
        return self.type(*words, "--json").rows

    def set_clock(self, present: datetime) -> None:
        """Let the present of the workspace be an instant."""
        behind = round((datetime.now(UTC) - present).total_seconds())
        Workspace.open(self.workspace).with_settings(clock_behind_seconds=behind)

    def post(self) -> list[str]:
        """Carry what lies in the outbox to the people, as an operator does; message ids as they stand in the files."""
        carried = []
        for path in sorted((self.workspace / "outbox").rglob("*.*")):
            if ".unfinished" in path.parts or path.suffix not in (".eml", ".json"):
                continue
            at, facts = morning(SETTINGS.cutoff), {"tariff": "tou-evening"}
            assert self.people.receive(path.stem, path.parts[-3], address_of(path), at, facts)
            carried.append(path.stem)
        return carried

    def answers(self, until: datetime) -> Path:
        """The people's answers as a channel's provider delivers them."""
        lines = [
            {"receipt_id": e.event_id, "message_id": e.message_id, "kind": e.kind, "at": e.at.isoformat()}
            for e in self.people.events(until)
        ]
        path = self.folder / "receipts.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path


@pytest.fixture
def utility(tmp_path, command):
    """A county whose first files are delivered, and a workspace with nothing in it."""
    county = County(SETTINGS)
    county.write_sources(tmp_path / "sources", truth=tmp_path / "truth")
    create(tmp_path / "workspace", zone=ZONE.key, currency="CNY", demo=True).close()
    one = Utility(tmp_path, command, Answers(county, tmp_path / "people"))
    one.set_clock(morning(SETTINGS.cutoff + timedelta(days=1)))
    return one


def plan_of(utility: Utility, status: str) -> str:
    """The one plan of that status."""
    (found,) = [row["plan"] for row in utility.rows("campaign", "list") if row["plan_status"] == status]
    return found


def true_effect(utility: Utility, campaign_id: str) -> float:
    """What the offer did to those assigned to it, Wh an evening: the county knows."""
    play = load_playbook(PLAY)
    with opened(utility.workspace) as session:
        campaign = session.ledger.campaigns.campaign(campaign_id)
        offered = [a.unit_id for a in session.ledger.assignments.of(campaign_id) if a.arm != HOLDOUT]
        days = campaign_windows(play.success, campaign.starts_at.astimezone(ZONE).date())
        known = utility.people.effect_truth(
            [hours.minutes for hours in play.success.primary.hours], days.first, days.last
        )
        accounts = Pseudonyms(session.vault, "account").derive(known["account_id"].to_pylist())
    changes = zip(accounts, known["with_offer"].to_pylist(), known["without_offer"].to_pylist(), strict=True)
    return sum(after - before for account, after, before in changes if account in offered) / len(offered)


def test_from_raw_files_to_a_second_plan_that_has_learned(utility):
    utility.type("import", "county", "--data", utility.folder / "sources")
    utility.type("play", "use", PLAY)
    run = utility.type("run", "--as", AUTHOR)
    first = plan_of(utility, "submitted")
    assert f"gridloop approve {first}" in run.out, "the run stops at the plan and says what comes next"
    assert utility.rows("segment", "list"), "an analyst holds segments"

    campaign = approved_and_sent(utility, first)
    assert_holdout_was_left_alone(utility, campaign)

    weeks_pass(utility)
    utility.type("run", "--as", AUTHOR)
    result = utility.rows("campaign", "result", campaign)
    effect = next(row["effect"] for row in result["effects"] if row["role"] == "primary")
    # one interval in twenty misses the truth (tests/oracle/test_effect_coverage.py counts how many); none is far off
    reach = effect["ci_high"] - effect["ci_low"]
    assert reach > 0 and abs(true_effect(utility, campaign) - effect["value"]) < reach
    page = (utility.workspace / "artifacts" / "reports" / f"{campaign}.en.html").read_text(encoding="utf-8")
    assert result["sentence"]["en"].split(":")[0] in page

    # the effect is in its table; the next run makes a plan that says what it learned from it
    utility.type("run", "--as", AUTHOR)
    second = plan_of(utility, "submitted")
    shown = utility.rows("campaign", "show", second)
    assert shown["previous_plan_id"] == first
    assert shown["expectation"]["source"] == campaign
    learned = {lesson["code"] for lesson in shown["expectation"]["learned"]}
    assert learned >= {"effect_measured", "uptake_measured"}
    changes = {row["path"] for row in utility.rows("campaign", "diff", second)}
    assert "expectation.assumed_effect_percent" in changes
    again = utility.rows("run", "--as", AUTHOR)
    assert {row["outcome"] for row in again} == {"fresh"}


def approved_and_sent(utility: Utility, plan: str) -> str:
    """A plan that another person approves, launched and sent once: the campaign."""
    assert "another person" in utility.type("approve", plan, "--as", AUTHOR, "--yes", code=4).err
    utility.type("campaign", "launch", plan, code=1)  # nothing is launched without an approval
    utility.type("approve", plan, "--as", MANAGER, "--yes")
    before = utility.rows("campaign", "launch", plan, "--dry-run")
    launched = utility.rows("campaign", "launch", plan, "--as", AUTHOR)
    assert before["arms"] == launched["arms"] and before["campaign_id"] is None
    campaign = str(launched["campaign_id"])
    utility.type("campaign", "send", campaign)
    utility.type("campaign", "send", campaign, code=5)  # a second time there is nothing to do
    posted = utility.post()
    assert len(posted) == len(set(posted)) == sum(launched["planned"].values())
    return campaign


def assert_holdout_was_left_alone(utility: Utility, campaign: str) -> None:
    """Nobody whose account is held out has a message, on whatever channel."""
    with opened(utility.workspace) as session:
        held = {a.unit_id for a in session.ledger.assignments.of(campaign) if a.arm == HOLDOUT}
        customers = {s.customer_id for s in session.ledger.sends.of(campaign)}
        view = session.published()
        owners = view.arrow("account", columns=("account_id", "customer_id")).to_pylist()
        view.close()
    assert held and not customers & {row["customer_id"] for row in owners if row["account_id"] in held}


def weeks_pass(utility: Utility) -> None:
    """People answer, their meters run, the files of those days come in."""
    later = morning(SETTINGS.last_day + timedelta(days=6))
    County(SETTINGS).write_continuation(utility.folder / "later", utility.people)
    utility.set_clock(later)
    utility.type("campaign", "receipts", "--file", utility.answers(later))
    utility.type("import", "county", "--data", utility.folder / "later")
