"""Ten thousand mails and thirty kills: none goes out twice, and what nobody can know is listed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from gridloop.apps.jobs.reaching import reach_context
from gridloop.apps.wiring import create, opened
from gridloop.domain.table import Stage
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.schema import arrow_schema
from gridloop.ledger.plans import PlanContent
from gridloop.reach.delivery import DeliverySettings
from gridloop.reach.orchestrate import launch
from gridloop.reach.receipts import read_receipts, take_in
from gridloop.reach.tokens import UnsubscribeTokens
from gridloop.strategy.playbook.store import load_playbook
from gridloop.strategy.recommend import list_digest

HERE = Path(__file__).parent
KILLS = 32
MESSAGES = 10_000
KNOWN = datetime(2025, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.slow


@dataclass
class Post:
    """A mail server that notes what it takes.

    Attributes:
        notes: a line per mail.
        port: where it listens.
    """

    notes: Path
    port: int

    @property
    def taken(self) -> list[list[str]]:
        """Message id and recipient of every mail, in order."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [line.split() for line in lines]


@pytest.fixture
def post(tmp_path):
    """The server, in a process of its own."""
    notes = tmp_path / "notes.txt"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "mail_server.py"), str(notes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Post(notes, int(process.stdout.readline()))
    process.communicate(timeout=30)


def rows(name, listed):
    """Rows of a table in its schema, known since the first of 2025."""
    schema = arrow_schema(CATALOGUE[name])
    known = {"available_at": KNOWN} if "available_at" in schema.names else {}
    return pa.Table.from_pylist([known | row for row in listed], schema=schema)


def tables(count):
    """Accounts, consents and a list of so many customers."""
    people = [(f"A{n:06}", f"C{n:06}") for n in range(count)]
    consent = {
        "channel": "email",
        "purpose": "marketing",
        "granted": True,
        "valid_from": KNOWN,
        "source": "app",
    }
    listed = {
        "playbook": "tou-shift",
        "as_of": KNOWN,
        "decision": "selected",
        "offer_id": "tou-evening",
        "unit": "Wh",
    }
    return {
        "account": [{"account_id": a, "customer_id": c, "status": "open"} for a, c in people],
        "consent": [{"customer_id": c, **consent} for _, c in people],
        "recommendation": [
            {
                "account_id": a,
                "customer_id": c,
                "rank": n + 1,
                "saving": Decimal(n % 500),
                "channel": "email",
                **listed,
            }
            for n, (a, c) in enumerate(people)
        ],
    }


@dataclass
class Campaign:
    """A campaign that runs.

    Attributes:
        workspace: its workspace.
        campaign_id: its id.
        held_out: addresses of those who must not be reached.
    """

    workspace: Path
    campaign_id: str
    held_out: frozenset[str]


@pytest.fixture
def new_campaign(tmp_path, post):
    """Makes a workspace with a running campaign of so many mails; a tenth more customers are held out."""
    return lambda messages: launched(tmp_path / "workspace", post, messages)


def launched(workspace, post, messages):
    """See `new_campaign`."""
    session = create(
        workspace,
        zone="Asia/Shanghai",
        currency="CNY",
        name="County Power",
        channels={
            "email": {
                "transport": "smtp",
                "host": "127.0.0.1",
                "port": post.port,
                "security": "none",
                "sender": "offers@power.example",
                "unsubscribe_url": "https://power.example/u/",
            }
        },
    )
    held_out = messages // 10
    count = messages + held_out
    for name, listed in tables(count).items():
        session.lake.writer(CATALOGUE[name].owner).append(name, rows(name, listed))
    run = session.ledger.runs.start("test", Stage.DATA, "", "", {})
    session.ledger.runs.succeed(run, session.lake.heads(), {})
    session.vault.put_people(
        {"customer_id": f"C{n:06}", "name": "Li Na", "email": f"c{n:06}@people.example", "language": "en"}
        for n in range(count)
    )
    play = load_playbook("tou-shift").model_dump(mode="json")
    play["contact"]["quiet_hours"] = {"start": "00:00", "end": "00:00"}  # the test has to pass at night too
    with reach_context(session) as context:
        digest = list_digest(context.view.arrow("recommendation"), "tou-shift")
        content = PlanContent(
            "tou-shift",
            1,
            {"list_digest": digest},
            {"play": play, "arms": {"offer": messages / count, "holdout": held_out / count}, "seed": 1},
        )
        plan = session.ledger.plans.draft(content, "li")
        session.ledger.plans.submit(plan.plan_id, "li")
        session.ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
        done = launch(context, plan.plan_id, "li")
    assert (done.planned, done.arms["holdout"]) == ({"email": messages}, held_out)
    assigned = session.ledger.assignments.of(done.campaign_id)
    session.close()
    kept = frozenset(f"c{one.unit_id[1:]}@people.example" for one in assigned if one.arm == "holdout")
    return Campaign(workspace, done.campaign_id, kept)


class Sender:
    """Deliveries that can be killed."""

    def __init__(self, campaign):
        program = [sys.executable, str(HERE / "sender.py"), str(campaign.workspace), campaign.campaign_id]
        self.process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline() == "ready\n"

    def begin(self):
        """Start a delivery; answers its process."""
        self._say()
        return int(self.process.stdout.readline())

    def end(self):
        """Wait for the delivery; answers its exit code, negative for a signal."""
        self._say()
        return int(self.process.stdout.readline())

    def _say(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def close(self):
        """End the program; answers what it complained of."""
        return self.process.communicate(timeout=60)[1]


def kill_when_at_work(sender, post, pause):
    """Start a delivery and kill it a moment after its first mail; answers how many mails it got through."""
    before = len(post.taken)
    pid = sender.begin()
    deadline = time.monotonic() + 60
    while len(post.taken) == before and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(pause)
    os.kill(pid, signal.SIGKILL)
    assert sender.end() == -signal.SIGKILL
    return len(post.taken) - before


def test_ten_thousand_mails_and_thirty_kills_double_nothing_and_lose_only_what_is_listed(
    new_campaign, post, module_command, tmp_path
):
    campaign = new_campaign(MESSAGES)
    workspace, campaign_id = campaign.workspace, campaign.campaign_id
    seed = int(os.environ.get("GRIDLOOP_KILL_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed} (repeat with GRIDLOOP_KILL_SEED)")
    moments = random.Random(seed)
    sender = Sender(campaign)
    started = time.monotonic()
    got_through = [kill_when_at_work(sender, post, moments.uniform(0, 0.8)) for _ in range(KILLS)]
    killing = time.monotonic() - started
    rest = MESSAGES - len(post.taken)
    sender.begin()
    code = sender.end()
    seconds = time.monotonic() - started - killing
    complaints = sender.close()
    assert code == 0, complaints
    taken = post.taken
    with opened(workspace) as session:
        sends = session.ledger.sends.of(campaign_id)
    by_status = {
        status: {one.message_id for one in sends if one.status == status} for status in ("sent", "unknown")
    }
    arrived = {message_id for message_id, _ in taken}
    print(
        f"{KILLS} kills in {killing:.0f} s after {sum(got_through)} mails, then {rest} in {seconds:.0f} s "
        f"({rest / seconds:.0f} a second); undecided {len(by_status['unknown'])}, "
        f"of which arrived {len(by_status['unknown'] & arrived)}"
    )
    assert max(Counter(message_id for message_id, _ in taken).values()) == 1, "a mail went out twice"
    assert len({address for _, address in taken}) == len(taken), "a customer got two mails"
    assert Counter(one.status for one in sends).keys() <= {"sent", "unknown"}
    assert len(by_status["sent"]) + len(by_status["unknown"]) == MESSAGES
    assert by_status["sent"] <= arrived
    assert arrived - by_status["sent"] <= by_status["unknown"]
    assert len(by_status["unknown"]) <= KILLS * DeliverySettings().batch
    assert sum(1 for number in got_through if number) >= 30, "the kills came before anything was sent"

    told = module_command("campaign", "outbox", campaign_id, "-w", workspace, "--json", "--most", MESSAGES)
    undecided = {one.send_id for one in sends if one.status == "unknown"}
    assert {one["send"] for one in told.rows["undecided"]} == undecided
    assert len(campaign.held_out) == MESSAGES // 10
    assert not campaign.held_out & {address for _, address in taken}

    # What the server's log says decides what the ledger could not know.
    log = tmp_path / "log.jsonl"
    at = datetime.now(UTC).isoformat()
    log.write_text(
        "\n".join(json.dumps({"message_id": one, "kind": "delivered", "at": at}) for one in arrived)
    )
    with opened(workspace) as session, reach_context(session) as context:
        done = take_in(context, read_receipts(log, context), "file")
        left = {one.message_id for one in session.ledger.sends.undecided(campaign_id)}
    assert done.sent == len(by_status["unknown"] & arrived)
    assert left == by_status["unknown"] - arrived


@pytest.fixture
def at_work(new_campaign, post):
    """A campaign of four hundred mails, its delivery at work in another process, and its last message."""
    campaign = new_campaign(400)
    sender = Sender(campaign)
    sender.begin()
    while len(post.taken) < 10:
        time.sleep(0.005)
    with opened(campaign.workspace) as session:
        last = session.ledger.sends.of(campaign.campaign_id, "planned")[-1]
    yield campaign, sender, last
    sender.close()


def test_an_unsubscription_within_a_delivery_stops_its_message(at_work, post, module_command):
    campaign, sender, last = at_work
    with opened(campaign.workspace) as session, reach_context(session) as context:
        token = UnsubscribeTokens.of(session.vault).make(last.message_id)
        file = campaign.workspace.parent / "back.jsonl"
        file.write_text(json.dumps({"token": token, "at": datetime.now(UTC).isoformat()}))
        assert take_in(context, read_receipts(file, context), "file").unsubscribed == 1
    second = module_command("campaign", "send", campaign.campaign_id, "-w", campaign.workspace)
    assert sender.end() == 0
    assert (second.code, "Another run is working" in second.err) == (1, True)
    assert len(post.taken) == len({address for _, address in post.taken}) == 399
    assert last.message_id not in {message_id for message_id, _ in post.taken}
    with opened(campaign.workspace) as session:
        given_up = session.ledger.sends.send(last.send_id)
    assert (given_up.status, given_up.last_error) == ("cancelled", "unsubscribed")


def test_an_emergency_stop_from_another_process_lets_at_most_the_message_go_that_is_on_its_way(
    at_work, post, module_command
):
    campaign, sender, _ = at_work
    words = ("--reason", "wrong price", "-w", campaign.workspace)
    answer = module_command("campaign", "stop", campaign.campaign_id, *words)
    at_the_stop = len(post.taken)
    assert answer.code == 0, answer.err
    assert sender.end() == 0
    assert len(post.taken) - at_the_stop <= 1
    with opened(campaign.workspace) as session:
        sends = session.ledger.sends.of(campaign.campaign_id)
    assert Counter(one.status for one in sends) == {
        "sent": len(post.taken),
        "cancelled": 400 - len(post.taken),
    }
    assert {one.last_error for one in sends if one.status == "cancelled"} == {"campaign_ended"}
