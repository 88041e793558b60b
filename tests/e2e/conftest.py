"""A browser before a console that really listens: every request, error and violation is seen."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CUSTOMERS, DAYS = 300, 370
"""Of the county: with fewer days there is no year before a campaign, and so no plan."""
AXE = Path(__file__).parent / "vendor" / "axe.min.js"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A demo of a small county over a year, with plans and a campaign that has ended; made once for all workers."""
    together = tmp_path_factory.getbasetemp()
    together = together if worker_id == "master" else together.parent
    folder = together / "browser-demo"
    with (together / "browser-demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            environment = {**os.environ, "GRIDLOOP_KEYS": str(folder / "keys")}
            command = [sys.executable, "-m", "gridloop.apps.cli", "demo", str(folder / "demo"), "--quiet"]
            command += ["--customers", str(CUSTOMERS), "--days", str(DAYS), "--seed", "3"]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session")
def home(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a console over this worker's own copy of it, without the county's source files."""
    copy = tmp_path_factory.mktemp("browser")
    shutil.copytree(demo / "keys", copy / "keys")
    shutil.copytree(demo / "demo" / "workspace", copy / "workspace")
    with served(copy) as address:
        yield address


@pytest.fixture
def own_home(demo: Path, tmp_path: Path) -> Iterator[str]:
    """The same, for a test that changes what others look at."""
    shutil.copytree(demo / "keys", tmp_path / "keys")
    shutil.copytree(demo / "demo" / "workspace", tmp_path / "workspace")
    with served(tmp_path) as address:
        yield address


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a console over a workspace in which nothing has happened yet."""
    folder = tmp_path_factory.mktemp("empty")
    environment = {**os.environ, "GRIDLOOP_KEYS": str(folder / "keys")}
    command = [sys.executable, "-m", "gridloop.apps.cli", "init", str(folder / "workspace")]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    with served(folder) as address:
        yield address


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Address of a console over `folder/workspace`, whose key lies beside it; ann acts."""
    command = [sys.executable, "-m", "gridloop.apps.cli", "serve", "-w", str(folder / "workspace")]
    process = subprocess.Popen(
        [*command, "--port", "0", "--as", "ann"],
        env={**os.environ, "GRIDLOOP_KEYS": str(folder / "keys"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield line.removeprefix("The console: ").strip().rstrip("/")
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="session")
def objects(home: str) -> dict[str, str]:
    """The address of one object of each kind, by the pattern of its page."""

    def rows(path: str) -> list[dict[str, Any]]:
        with urlopen(f"{home}{path}.json") as answer:
            return list(json.load(answer)["rows"])

    # pseudonyms are drawn, so the first of the list may have moved in yesterday: one whose year was read
    customer = max(rows("/customers"), key=lambda row: row["annual_kwh"] or 0.0)["customer_id"]
    ended = next(one for one in rows("/campaigns") if one["campaign"])
    waiting = next(one for one in rows("/campaigns") if one["plan_status"] == "submitted")
    return {
        "/catalogue/{table}": "/catalogue/reading",
        "/customers/{customer_id}": f"/customers/{customer}",
        "/customers/{customer_id}/year": f"/customers/{customer}/year",
        "/segments/{segment_id}": f"/segments/{rows('/segments')[0]['segment']}",
        "/plays/{name}": f"/plays/{ended['play']}",
        "/plans/{plan_id}": f"/plans/{waiting['plan']}",
        "/campaigns/{campaign_id}": f"/campaigns/{ended['campaign']}",
        "/campaigns/{campaign_id}/result": f"/campaigns/{ended['campaign']}/result",
    }


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing; .ci/run installs it.")
        pytest.skip("Chromium is missing: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Tab:
    """One opened page and all that went wrong in it.

    Attributes:
        page: of playwright.
        home: address of the console.
        faults: console errors, failed requests, requests that left this machine.
    """

    page: Any
    home: str
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Any:
        """Go to an address and wait until it stands still."""
        answer = self.page.goto(self.home + path)
        self.page.wait_for_load_state("networkidle")
        return answer

    def violations(self) -> list[str]:
        """What axe finds against WCAG, and where."""
        self.page.evaluate(f"{AXE.read_text(encoding='utf-8')};0")
        found = self.page.evaluate(
            "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes[0].target]))"
        )
        return [f"{rule} at {place}" for rule, place in found]

    def tab_to(self, selector: str, most: int = 200) -> None:
        """Press the tabulator until what the selector names has the focus, and see that the eye can tell."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("(s) => document.activeElement.matches(s)", selector):
                seen = self.page.evaluate(
                    """() => { const s = getComputedStyle(document.activeElement);
                    return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; }"""
                )
                assert seen, f"{selector} has the focus and does not show it"
                return
        raise AssertionError(f"The keyboard does not come to {selector} on {self.page.url}.")

    def enter(self) -> None:
        """Press Enter and wait for what it opens."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        self.page.wait_for_load_state("networkidle")

    def sideways(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.fixture
def tab_of(chromium: Any, home: str) -> Iterator[Callable[..., Tab]]:
    """Opens a tab of a size and language, before the shared console or another."""
    opened = []

    def make(width: int = 1440, height: int = 900, language: str = "en", at: str = "") -> Tab:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale=language)
        opened.append(context)
        tab = Tab(context.new_page(), at or home)
        tab.page.on("console", lambda m: m.type in ("error", "warning") and tab.faults.append(m.text))
        tab.page.on("pageerror", lambda error: tab.faults.append(str(error)))
        tab.page.on(
            "request", lambda r: r.url.startswith((tab.home, "data:")) or tab.faults.append(f"asked {r.url}")
        )
        tab.page.on("requestfailed", lambda r: ended(r) or tab.faults.append(f"failed {r.url}"))
        return tab

    yield make
    for context in opened:
        context.close()


def ended(request: Any) -> bool:
    """Whether a request was ended by the page itself: a stream of progress is closed when the run is over."""
    return request.url.endswith("/progress") and request.failure == "net::ERR_ABORTED"
