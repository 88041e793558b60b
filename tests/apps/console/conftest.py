"""The console over the tiny county, asked without a browser."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

HOME = "http://127.0.0.1"


class Site(TestClient):
    """A reader: asks for pages as a browser does, and sends forms with their token."""

    def page(self, path: str, language: str = "en") -> Any:
        """The HTML page at an address."""
        return self.get(path, headers={"accept": "text/html", "accept-language": language})

    def submit(self, path: str, **fields: str) -> Any:
        """Send a form from the overview; the answer is not followed."""
        (token, *_) = re.findall(r'name="token" value="(\w+)"', self.page("/").text)
        headers = {"origin": HOME, "sec-fetch-site": "same-origin", "accept": "text/html"}
        return self.post(path, data={"token": token, **fields}, headers=headers, follow_redirects=False)


@contextmanager
def reading(folder: Path, actor: str = "ann") -> Iterator[Site]:
    """See `site`."""
    from gridloop.apps.console.app import create_app

    with Site(create_app(folder, actor), base_url=HOME) as client:
        yield client


@pytest.fixture
def site(demo: Any) -> Iterator[Site]:
    """The console over the tiny county, only to be read."""
    with reading(demo.workspace) as client:
        yield client


@pytest.fixture
def site_of() -> Callable[..., Any]:
    """Opens the console over another workspace, for the length of a `with`; `actor` says who acts."""
    return reading


@pytest.fixture
def planned(village: Path) -> Path:
    """A village's workspace with one plan, of li, that waits for approval."""
    from gridloop.apps.jobs.execute import run_jobs
    from gridloop.apps.jobs.proposing import planning_jobs
    from gridloop.apps.wiring import opened

    with opened(village) as session:
        session.workspace.with_settings(playbooks=("tou-shift",))
    with opened(village) as session:
        list(run_jobs(session, planning_jobs(), actor="li"))
    return village


@pytest.fixture
def launched(planned: Path) -> tuple[Path, str]:
    """That workspace with the plan approved by wang and launched on 1 November 2024, and the campaign's id."""
    from gridloop.apps.jobs.reaching import reach_context
    from gridloop.apps.wiring import opened
    from gridloop.reach.orchestrate import launch

    with opened(planned) as session, reach_context(session) as context:
        (plan,) = session.ledger.plans.recent()
        session.ledger.approvals.approve(plan.plan_id, plan.digest, "wang")
        campaign = launch(context, plan.plan_id, "wang").campaign_id
    assert campaign is not None
    with closing(sqlite3.connect(planned / "ledger.db")) as connection, connection:
        connection.execute("UPDATE campaign SET starts_at = '2024-11-01 00:00:00.000000'")
    return planned, str(campaign)
