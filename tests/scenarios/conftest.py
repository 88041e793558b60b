"""Whole uses of the program: a county's files, commands typed as a user types them, and workers that get killed."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from gridloop.apps.cli.main import main
from gridloop.apps.wiring import create, opened
from gridloop.security import backup
from gridloop.twin.county import County, TwinSettings

CUSTOMERS, DAYS, SEED = 20, 62, 7
NURSERY = Path(__file__).with_name("nursery.py")


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
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Answer(code, out.getvalue(), err.getvalue())


@pytest.fixture
def command() -> Callable[..., Answer]:
    """Types `gridloop` and the words given, in this process."""
    return typed


@pytest.fixture(scope="module")
def module_command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Answer]]:
    """Types `gridloop` for a whole module, whose keys lie in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDLOOP_KEYS", str(tmp_path_factory.mktemp("keys")))
        yield typed


@pytest.fixture
def program() -> Callable[..., Answer]:
    """Types `gridloop` and the words given, in a process of its own."""

    def run(*words: object) -> Answer:
        line = [sys.executable, "-m", "gridloop.apps.cli", *map(str, words)]
        ended = subprocess.run(line, capture_output=True, text=True, check=False)
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of whoever runs the tests is seen, and no key gets into their configuration folder."""
    for name in ("GRIDLOOP_WORKSPACE", "GRIDLOOP_DEBUG", "GRIDLOOP_KEY_PASSPHRASE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GRIDLOOP_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(backup, "SCRYPT_N", 2**14)


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small county: folders `sources` and `truth`; only to be read."""
    folder = tmp_path_factory.mktemp("county")
    settings = TwinSettings(customers=CUSTOMERS, days=DAYS, seed=SEED)
    County(settings).write_sources(folder / "sources", truth=folder / "truth")
    return folder


@pytest.fixture
def digests() -> Callable[[Path], dict[str, str]]:
    """Content digest of every published table of a workspace."""

    def read(workspace: Path) -> dict[str, str]:
        with opened(workspace) as session:
            view = session.published()
            found = view.digests()
            view.close()
        return found

    return read


@dataclass(frozen=True)
class Place:
    """A county imported and run, to do anything with.

    Attributes:
        workspace: its workspace.
        sources: its source files.
        keys: folder of its key, named in GRIDLOOP_KEYS.
    """

    workspace: Path
    sources: Path
    keys: Path


@pytest.fixture(scope="session")
def done_once(county: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The county imported and run; use `place`, which is a copy."""
    folder = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDLOOP_KEYS", str(folder / "keys"))
        for words in (("import", "county", "--data", county / "sources"), ("run",)):
            answer = typed(*words, "-w", folder / "workspace")
            assert answer.code == 0, answer.err
    return Place(folder / "workspace", county / "sources", folder / "keys")


@pytest.fixture
def place(done_once: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of the county's workspace, sources and key."""
    shutil.copytree(done_once.workspace, tmp_path / "workspace")
    shutil.copytree(done_once.sources, tmp_path / "sources")
    shutil.copytree(done_once.keys, tmp_path / "keys", dirs_exist_ok=True)
    monkeypatch.setenv("GRIDLOOP_KEYS", str(tmp_path / "keys"))
    return Place(tmp_path / "workspace", tmp_path / "sources", tmp_path / "keys")


@dataclass(frozen=True)
class Attempt:
    """What became of one worker.

    Attributes:
        killed: whether it was killed before it was done.
        answers: exit code by step; what an inspection found.
        boundaries: names of those it reached, in order.
        output: what it printed.
    """

    killed: bool
    answers: dict[str, Any] = field(default_factory=dict)
    boundaries: tuple[str, ...] = ()
    output: str = ""


def recipe_of(shipped: str, roles: Sequence[str], name: str) -> str:
    """A shipped recipe under another name with only some of its roles, as YAML."""
    text = (files("gridloop") / "library" / "recipes" / f"{shipped}.yaml").read_text(encoding="utf-8")
    recipe = yaml.safe_load(text)
    assert set(roles) <= {file["role"] for file in recipe["files"]}
    recipe |= {"name": name, "files": [file for file in recipe["files"] if file["role"] in roles]}
    return yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False)


class Nursery:
    """A warm process that forks workers on copies of one workspace that was never written to.

    Args:
        folder: everything lies here.
        recipe, sources: what workers import.
        roles: when given, the workspace has a recipe of its own, of these roles of `recipe` alone.
        settings: of the workspace.
    """

    def __init__(
        self, folder: Path, recipe: str, sources: Path, roles: Sequence[str] = (), **settings: object
    ) -> None:
        self.folder, self.recipe, self.sources = folder, recipe, sources
        self.environment = {**os.environ, "GRIDLOOP_KEYS": str(folder / "keys")}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRIDLOOP_KEYS", str(folder / "keys"))
            create(folder / "untouched", **settings).close()
        if roles:
            self.recipe = f"{recipe}-part"
            own = folder / "untouched" / "recipes" / f"{self.recipe}.yaml"
            own.parent.mkdir()
            own.write_text(recipe_of(recipe, roles, self.recipe), encoding="utf-8")
            recipe = self.recipe
        self._copies = 0
        program = [sys.executable, str(NURSERY), str(self.copy()), recipe, str(sources)]
        self._process = subprocess.Popen(
            program, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._read("ready")
        started = time.monotonic()
        self.imported = self.copy()
        assert self.work(self.imported, "import").answers["import"] == 0
        self.import_seconds = time.monotonic() - started
        self.done = self.copy(self.imported)
        assert self.work(self.done, "run").answers["run"] == 0
        self.seconds = time.monotonic() - started
        self.reference = {
            "imported": self.work(self.imported, "inspect").answers["inspect"],
            "done": self.work(self.done, "inspect").answers["inspect"],
        }

    def copy(self, of: Path | None = None) -> Path:
        """A copy of a workspace, of the untouched one when none is named."""
        self._copies += 1
        target = self.folder / f"copy-{self._copies}"
        shutil.copytree(of or self.folder / "untouched", target)
        return target

    def work(
        self, workspace: Path, *steps: str, stop_at: str | None = None, after_seconds: float | None = None
    ) -> Attempt:
        """Let a worker do some steps; it may be killed at a boundary, or after a time."""
        notes = self.folder / "notes"
        shutil.rmtree(notes, ignore_errors=True)
        notes.mkdir()
        request = {"workspace": str(workspace), "steps": steps, "stop_at": stop_at, "notes": str(notes)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        pid = self._read("pid")
        if after_seconds is not None:
            time.sleep(after_seconds)
            # The nursery waits for it only after this: a worker that has ended keeps its number until then.
            os.kill(pid, signal.SIGKILL)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        status = self._read("status")
        output = (notes / "output.txt").read_text() if (notes / "output.txt").exists() else ""
        assert status in (0, -signal.SIGKILL), f"a worker ended with {status}:\n{output}"
        log = notes / "boundaries.txt"
        reached = tuple(log.read_text().splitlines()) if log.exists() else ()
        answer = notes / "answer.json"
        if status != 0:
            return Attempt(True, {}, reached, output)
        answers = json.loads(answer.read_text())
        assert "broken" not in answers, answers["broken"]
        return Attempt(False, answers, reached, output)

    def _read(self, name: str) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the nursery ended with {self._process.wait(60)}; its errors are above"
        return int(json.loads(line)[name])

    def close(self) -> None:
        """End the nursery."""
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Workers on what every kind of commit needs of a tiny county: archives, contacts, readings of two months."""
    folder = tmp_path_factory.mktemp("nursery")
    County(TwinSettings(customers=10, days=32, seed=SEED)).write_sources(folder / "sources", truth=None)
    made = Nursery(
        folder / "work",
        "county",
        folder / "sources",
        roles=("customer", "account", "contract", "service_point", "meter", "contact", "readings"),
        zone="Asia/Shanghai",
        currency="CNY",
        buckets=2,
    )
    yield made
    made.close()


@pytest.fixture
def new_nursery(tmp_path: Path) -> Iterator[Callable[..., Nursery]]:
    """Makes a nursery on other sources."""
    made: list[Nursery] = []

    def make(recipe: str, sources: Path, **settings: object) -> Nursery:
        made.append(Nursery(tmp_path / recipe, recipe, sources, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()
