"""A small house: two hundred customers, a plan, a ledger and a channel that keeps what it is handed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from gridloop.domain.tables import CATALOGUE
from gridloop.engine.schema import arrow_schema
from gridloop.ledger.plans import PlanContent
from gridloop.ledger.store import Ledger
from gridloop.reach.channels.channel import Handover, Message, Receipt, Verdict
from gridloop.reach.context import ReachContext
from gridloop.reach.delivery import DeliveryReport, DeliverySettings, deliver
from gridloop.reach.orchestrate import Launch, launch
from gridloop.strategy.playbook.model import Playbook
from gridloop.strategy.recommend import list_digest

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai
ZONE = "Asia/Shanghai"
KNOWN = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that a test sets."""

    instant: datetime = START

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.instant

    def later(self, **by: float) -> None:
        """Move it on."""
        self.instant += timedelta(**by)


class View:
    """The tables of a house, in memory."""

    def __init__(self, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        self.rows = dict(rows)
        self.snapshots = dict.fromkeys(rows, 1)

    def exists(self, name: str) -> bool:
        """Whether it has rows."""
        return name in self.rows

    def arrow(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows as Arrow."""
        schema = arrow_schema(CATALOGUE[name])
        known = {"available_at": KNOWN} if "available_at" in schema.names else {}
        table = pa.Table.from_pylist([known | row for row in self.rows[name]], schema=schema)
        return table if columns is None else table.select(list(columns))

    def close(self) -> None:
        """Nothing to close."""


@dataclass
class Vault:
    """Personal data in memory."""

    records: dict[str, dict[str, object]]
    asked: list[str] = field(default_factory=list)

    def people(self, ids: Iterable[str]) -> Iterator[tuple[str, dict[str, object]]]:
        """Fields of those who are known."""
        for one in ids:
            self.asked.append(one)
            if one in self.records:
                yield one, self.records[one]

    def secret(self, purpose: str) -> bytes:
        """A key."""
        return purpose.encode().ljust(32, b"k")


class Recorder:
    """A channel that keeps what it is handed, and answers as a test tells it to."""

    transport = "memory"

    def __init__(self, name: str = "email", *, exactly_once: bool = False) -> None:
        self.name = name
        self.exactly_once = exactly_once
        self.taken: list[Message] = []
        self.answer: Callable[[Message], Handover] = lambda _: Handover(Verdict.ACCEPTED)
        self.told: list[Receipt] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """Be ready."""
        yield

    def hand_over(self, message: Message) -> Handover:
        """Take one."""
        answer = self.answer(message)
        if answer.verdict in (Verdict.ACCEPTED, Verdict.UNKNOWN):
            self.taken.append(message)
        return answer

    def receipts(self, until: datetime) -> list[Receipt]:
        """What a test says came back."""
        return [one for one in self.told if one.at <= until]

    @property
    def addresses(self) -> list[str]:
        """Where messages went, in order."""
        return [message.address for message in self.taken]


def play_with(**changes: Any) -> Playbook:
    """The shipped play, with other values at top level or, by `contact__cap`, below."""
    path = Path(str(files("gridloop") / "library" / "playbooks" / "tou-shift.yaml"))
    declared = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    for name, value in changes.items():
        *way, last = name.split("__")
        place = declared
        for part in way:
            place = place.setdefault(part, {})
        place[last] = value
    return Playbook.model_validate(declared)


@dataclass
class House:
    """Everything a campaign needs.

    Attributes:
        context: what reach works with.
        clock, view, vault: its parts, to be changed by a test.
        plan_id: an approved plan over all customers.
    """

    context: ReachContext
    clock: Clock
    view: View
    vault: Vault
    plan_id: str

    @property
    def ledger(self) -> Ledger:
        """Its ledger."""
        return self.context.ledger

    def launch(self, **how: Any) -> Launch:
        """Launch its plan."""
        return launch(self.context, self.plan_id, "li", **how)

    def deliver(self, channel: Any, **settings: int) -> DeliveryReport:
        """Deliver what is due."""
        return deliver(self.context, channel, settings=DeliverySettings(**settings))

    def customers(self, arm: str) -> set[str]:
        """Customers of an arm; accounts and customers have the same number here."""
        (campaign,) = self.ledger.campaigns.recent(1)
        assigned = self.ledger.assignments.of(campaign.campaign_id)
        return {one.unit_id.replace("A", "C") for one in assigned if one.arm == arm}

    @property
    def campaign_id(self) -> str:
        """The campaign that was launched last."""
        return self.ledger.campaigns.recent(1)[0].campaign_id

    def statuses(self) -> dict[str, int]:
        """Messages of the campaign by status."""
        found: dict[str, int] = {}
        for (_, status, _), count in self.ledger.sends.counts(self.campaign_id).items():
            found[status] = found.get(status, 0) + count
        return found

    def reasons(self) -> dict[str, int]:
        """Messages of the campaign by reason, those without one left out."""
        found: dict[str, int] = {}
        for (_, _, reason), count in self.ledger.sends.counts(self.campaign_id).items():
            if reason is not None:
                found[reason] = found.get(reason, 0) + count
        return found


def consents(
    customer: str, channels: Iterable[str], granted: bool = True, **more: Any
) -> list[dict[str, Any]]:
    """Rows of consent to marketing from the first of 2025 on."""
    row = {
        "customer_id": customer,
        "purpose": "marketing",
        "granted": granted,
        "valid_from": KNOWN,
        "source": "app",
    }
    return [{**row, "channel": channel, **more} for channel in channels]


def listed(count: int, playbook: str = "tou-shift") -> list[dict[str, Any]]:
    """Rows of recommendation: everybody selected, saving 100.50, 101.50 … a year."""
    return [
        {
            "playbook": playbook,
            "account_id": f"A{n:05}",
            "customer_id": f"C{n:05}",
            "as_of": START,
            "decision": "selected",
            "offer_id": "tou-evening",
            "saving": Decimal(100 + n) + Decimal("0.5"),
            "baseline": 3000.0 + n,
            "unit": "Wh",
            "stratum": f"baseline={1 + n % 3}",
            "channel": "email",
            "rank": n + 1,
        }
        for n in range(count)
    ]


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger without records, only to be copied."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.upgrade()
    return path


@pytest.fixture
def new_house(ledger_template: Path, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes a house of some customers, whose play may have other values."""
    opened: list[Ledger] = []

    def make(count: int = 40, **play: Any) -> House:
        path = tmp_path / f"ledger-{len(opened)}.db"
        shutil.copy(ledger_template, path)
        clock = Clock()
        ledger = Ledger.open(f"sqlite:///{path}", clock)
        opened.append(ledger)
        return furnish(ledger, clock, count, play_with(**play))

    yield make
    for ledger in opened:
        ledger.close()


def furnish(ledger: Ledger, clock: Clock, count: int, play: Playbook) -> House:
    """A house over an empty ledger."""
    rows = listed(count, play.name)
    view = View(
        {
            "recommendation": rows,
            "account": [
                {"account_id": row["account_id"], "customer_id": row["customer_id"], "status": "open"}
                for row in rows
            ],
            "consent": [one for row in rows for one in consents(row["customer_id"], ["email", "sms"])],
        }
    )
    vault = Vault(
        {
            row["customer_id"]: {
                "customer_id": row["customer_id"],
                "name": f"Li <{n}>",
                "email": f"c{n:05}@people.example",
                "phone": f"1390000{n:04}",
                "language": "en" if n % 2 else "zh",
            }
            for n, row in enumerate(rows)
        }
    )
    context: Any = ReachContext(ledger, view, vault, clock, ZONE, "CNY", "County Power")  # type: ignore[arg-type]
    share = play.holdout.share
    content = PlanContent(
        playbook=play.name,
        version=play.version,
        audience={
            "list_digest": list_digest(view.arrow("recommendation"), play.name),
            "as_of": START.isoformat(),
        },
        settings={
            "play": play.model_dump(mode="json"),
            "arms": {"offer": 1 - share, "holdout": share},
            "channel_order": ["email", "sms"],
            "seed": 7,
        },
        title="Evening",
    )
    plan = ledger.plans.draft(content, "li")
    ledger.plans.submit(plan.plan_id, "li")
    ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    return House(context, clock, view, vault, plan.plan_id)


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    """A house of forty customers."""
    return new_house()


@pytest.fixture
def recorder() -> Recorder:
    """A channel for mails that keeps what it is handed."""
    return Recorder()


@pytest.fixture
def new_channel() -> Callable[..., Recorder]:
    """Makes a channel that keeps what it is handed."""
    return Recorder


@pytest.fixture
def shipped_play() -> Callable[..., Playbook]:
    """The shipped play, with other values."""
    return play_with


@pytest.fixture
def new_view() -> type[View]:
    """Makes tables in memory."""
    return View
