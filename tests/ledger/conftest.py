"""The same tests over SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridloop.ledger.plans import PlanContent
from gridloop.ledger.store import Ledger

BOTH = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]


# `finish` ends a process only when all have answered, so that none of them is taken for dead before.
_AT_ONCE = """
import sys
from gridloop.domain.errors import LedgerConflict
from gridloop.ledger.store import Ledger
url = sys.argv[1]
def finish():
    sys.stdout.flush()
    sys.stdin.readline()
print("ready", flush=True)
sys.stdin.readline()
"""


class SettableClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 7, 1, 8, 0, 0, 123456, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.instant

    def later(self, **by: float) -> None:
        """Move it on, or back with a negative value."""
        self.instant += timedelta(**by)


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Url of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("new_postgres_database")(None))


@pytest.fixture(scope="session")
def postgres_ledger_template(new_postgres_database: Callable[[str | None], str]) -> str:
    """Url of a PostgreSQL ledger that is only ever copied."""
    url = new_postgres_database(None)
    with Ledger.open(url) as ledger:
        ledger.upgrade()
    return url


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Url of a ledger of this version without records."""
    if request.param == "postgresql":
        template = request.getfixturevalue("postgres_ledger_template")
        return str(request.getfixturevalue("new_postgres_database")(template))
    fresh = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open(fresh) as ledger:
        ledger.upgrade()
    return fresh


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands still until the test moves it."""
    return SettableClock()


@pytest.fixture
def ledger(url: str, clock: SettableClock) -> Iterator[Ledger]:
    """A ledger of this version without records, on the settable clock."""
    with Ledger.open(url, clock) as opened:
        yield opened


@pytest.fixture
def content() -> PlanContent:
    """A small plan."""
    return PlanContent(
        playbook="peak-rebate",
        version=1,
        audience={"customers": 200, "excluded": {"vulnerable": 3}},
        settings={"arms": {"rebate": 0.8, "holdout": 0.2}},
        title="Evening peak, 居民",
    )


@pytest.fixture
def at_once() -> Callable[[int, str, str], list[str]]:
    """Runs a program over a ledger's `url` in processes that begin at one moment; answers their first lines."""

    def run(count: int, program: str, url: str) -> list[str]:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", _AT_ONCE + program, url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.stdout.readline().strip() for process in processes if process.stdout]
        for process in processes:
            process.communicate("end\n")
        assert [process.returncode for process in processes] == [0] * count
        return answers

    return run
