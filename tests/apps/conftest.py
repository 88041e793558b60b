"""A tiny county, imported and run once; every test that changes something gets a copy of it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridloop.apps.cli.main import main
from gridloop.apps.wiring import Session, create, opened
from gridloop.domain.tables import CATALOGUE
from gridloop.engine.schema import arrow_schema
from gridloop.ledger.plans import PlanContent
from gridloop.security import backup
from gridloop.strategy.playbook.store import load_playbook
from gridloop.strategy.recommend import list_digest

CUSTOMERS, DAYS, SEED = 12, 40, 3
KNOWN = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)


def typed(*words: object) -> Answer:
    """Type `gridloop` and these words."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    code = ended.value.code
    return Answer(code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())


@pytest.fixture
def command() -> Callable[..., Answer]:
    """Types `gridloop` and the words given."""
    return typed


@dataclass(frozen=True)
class Demo:
    """A demo and where it lies.

    Attributes:
        folder: with sources, truth and workspace.
        keys: folder of its key.
        answer: of the command that made it.
    """

    folder: Path
    keys: Path
    answer: Answer

    @property
    def workspace(self) -> Path:
        """Its workspace."""
        return self.folder / "workspace"

    @property
    def sources(self) -> Path:
        """The county's files."""
        return self.folder / "sources"


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of whoever runs the tests is seen, and no key gets into their configuration folder."""
    for name in (
        "GRIDLOOP_WORKSPACE",
        "GRIDLOOP_DEBUG",
        "GRIDLOOP_KEY_PASSPHRASE",
        "GRIDLOOP_USER",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRIDLOOP_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(backup, "SCRYPT_N", 2**14)


@pytest.fixture(scope="session")
def made_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo of a tiny county; use `demo` or `demo_copy`, which know where its key lies."""
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDLOOP_KEYS", str(folder / "keys"))
        size = ("--customers", CUSTOMERS, "--days", DAYS, "--seed", SEED)
        answer = typed("demo", folder / "demo", *size)
    return Demo(folder / "demo", folder / "keys", answer)


@pytest.fixture
def demo(made_demo: Demo, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """The tiny county's demo, only to be read."""
    monkeypatch.setenv("GRIDLOOP_KEYS", str(made_demo.keys))
    return made_demo


@pytest.fixture
def demo_copy(made_demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """A copy of the tiny county's demo, its key included, to do anything with."""
    shutil.copytree(made_demo.folder, tmp_path / "demo")
    shutil.copytree(made_demo.keys, tmp_path / "keys")
    monkeypatch.setenv("GRIDLOOP_KEYS", str(tmp_path / "keys"))
    return Demo(tmp_path / "demo", tmp_path / "keys", made_demo.answer)


@pytest.fixture
def session(workspace_path: Path) -> Iterator[Session]:
    """An empty workspace, opened."""
    made = create(workspace_path, zone="Asia/Shanghai", currency="CNY")
    yield made
    made.close()


@pytest.fixture
def rows_of() -> Callable[[str, list[dict[str, Any]]], pa.Table]:
    """Makes rows of a table in its schema; what a row does not say is null, `available_at` the first of 2025."""
    return arrow_rows


def arrow_rows(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """See `rows_of`."""
    spec = CATALOGUE[name]
    known = {"available_at": KNOWN} if any(c.name == "available_at" for c in spec.columns) else {}
    return pa.Table.from_pylist([known | row for row in rows], schema=arrow_schema(spec))


@pytest.fixture
def regions() -> Callable[..., pa.Table]:
    """Makes one row of `region` per name."""
    return lambda *names: arrow_rows(
        "region", [{"region_id": n, "name": n, "level": "county"} for n in names]
    )


@pytest.fixture
def state() -> Callable[[Path], dict[str, Any]]:
    """Which snapshots a workspace has published and which its tables are at; equal when nothing was written."""
    return snapshots


def snapshots(workspace: Path) -> dict[str, Any]:
    """See `state`."""
    with opened(workspace) as session:
        return {"published": session.ledger.runs.published(), "heads": session.lake.heads()}


@pytest.fixture
def contents() -> Callable[[Path], dict[str, str]]:
    """Digest of every published table of a workspace; slower than `state`, and blind to who wrote a row when."""
    return digests


def digests(workspace: Path) -> dict[str, str]:
    """See `contents`."""
    with opened(workspace) as session:
        view = session.published()
        found = {name: view.digest(name) for name in view.snapshots}
        view.close()
    return found


def beside(name: str) -> Any:
    """The module of that name in this folder."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def made_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the town of `town.py`: workspace and keys; use `town` or `town_copy`, which know where its key lies."""
    return settled("town", tmp_path_factory.mktemp("town"))


def settled(name: str, folder: Path) -> Path:
    """Make the workspace of a module beside this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDLOOP_KEYS", str(folder / "keys"))
        beside(name).settle(folder / "workspace", arrow_rows)
    return folder


@pytest.fixture(scope="session")
def made_village(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the village of `village.py`; use `village`."""
    return settled("village", tmp_path_factory.mktemp("village"))


@pytest.fixture
def village(made_village: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the village's workspace, its key included, to do anything with."""
    shutil.copytree(made_village, tmp_path / "village")
    monkeypatch.setenv("GRIDLOOP_KEYS", str(tmp_path / "village" / "keys"))
    return tmp_path / "village" / "workspace"


@pytest.fixture
def town(made_town: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The town's workspace, only to be read."""
    monkeypatch.setenv("GRIDLOOP_KEYS", str(made_town / "keys"))
    return made_town / "workspace"


@pytest.fixture
def town_copy(made_town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the town's workspace, its key included, to do anything with."""
    shutil.copytree(made_town, tmp_path / "town")
    monkeypatch.setenv("GRIDLOOP_KEYS", str(tmp_path / "town" / "keys"))
    return tmp_path / "town" / "workspace"


@dataclass(frozen=True)
class Reachable:
    """A workspace with thirty customers who may be mailed, and an approved plan to do so.

    Attributes:
        workspace: its folder; mails go into files.
        plan_id: the plan; 21 accounts are offered something, 9 are held out.
    """

    workspace: Path
    plan_id: str


@pytest.fixture
def reachable(workspace_path: Path) -> Reachable:
    """See `Reachable`."""
    session = create(workspace_path, zone="Asia/Shanghai", currency="CNY", name="County Power")
    try:
        return Reachable(workspace_path, _approved_plan(session, 30))
    finally:
        session.close()


def _approved_plan(session: Session, count: int) -> str:
    people = [(f"A{n:03}", f"C{n:03}") for n in range(count)]
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
    tables: dict[str, list[dict[str, Any]]] = {
        "account": [{"account_id": a, "customer_id": c, "status": "open"} for a, c in people],
        "consent": [{"customer_id": c, **consent} for _, c in people],
        "recommendation": [
            {
                "account_id": a,
                "customer_id": c,
                "rank": n + 1,
                "saving": Decimal(50 + n),
                "channel": "email",
                **listed,
            }
            for n, (a, c) in enumerate(people)
        ],
    }
    for name, rows in tables.items():
        session.lake.writer(CATALOGUE[name].owner).append(name, arrow_rows(name, rows))
    run = session.ledger.runs.start("test", "data", "", "", {})
    session.ledger.runs.succeed(run, session.lake.heads(), {})
    session.vault.put_people(
        {"customer_id": c, "name": "Li Na", "email": f"{c.lower()}@people.example", "language": "en"}
        for _, c in people
    )
    play = load_playbook("tou-shift").model_dump(mode="json")
    play["contact"]["quiet_hours"] = {"start": "00:00", "end": "00:00"}  # tests pass at night too
    digest = list_digest(arrow_rows("recommendation", tables["recommendation"]), "tou-shift")
    settings = {"play": play, "arms": {"offer": 0.7, "holdout": 0.3}, "seed": 1}
    content = PlanContent("tou-shift", 1, {"list_digest": digest}, settings)
    plan = session.ledger.plans.draft(content, "li")
    session.ledger.plans.submit(plan.plan_id, "li")
    session.ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
    return plan.plan_id
