"""A browser before a console that really listens: every request, error and violation is seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
AXE = Path(__file__).parent / "vendor" / "axe.min.js"


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The workspace of a demo of a tiny county; its key lies beside it."""
    folder = tmp_path_factory.mktemp("browser")
    environment = {**os.environ, "GRIDLOOP_KEYS": str(folder / "keys")}
    command = [sys.executable, "-m", "gridloop.apps.cli", "demo", str(folder / "demo")]
    command += ["--customers", "12", "--days", "40", "--seed", "3", "--quiet"]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield folder / "demo" / "workspace"


@pytest.fixture(scope="session")
def home(workspace: Path) -> Iterator[str]:
    """Address of a console over it."""
    keys = workspace.parent.parent / "keys"
    command = [sys.executable, "-m", "gridloop.apps.cli", "serve", "-w", str(workspace), "--port", "0"]
    command += ["--as", "ann"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "GRIDLOOP_KEYS": str(keys), "PYTHONUNBUFFERED": "1"},
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

    def sideways(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.fixture
def tab_of(chromium: Any, home: str) -> Iterator[Callable[..., Tab]]:
    """Opens a tab of a size and language."""
    opened = []

    def make(width: int = 1440, height: int = 900, language: str = "en") -> Tab:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale=language)
        opened.append(context)
        tab = Tab(context.new_page(), home)
        tab.page.on("console", lambda m: m.type in ("error", "warning") and tab.faults.append(m.text))
        tab.page.on("pageerror", lambda error: tab.faults.append(str(error)))
        tab.page.on(
            "request", lambda r: r.url.startswith((home, "data:")) or tab.faults.append(f"asked {r.url}")
        )
        tab.page.on("requestfailed", lambda r: ended(r) or tab.faults.append(f"failed {r.url}"))
        return tab

    yield make
    for context in opened:
        context.close()


def ended(request: Any) -> bool:
    """Whether a request was ended by the page itself: a stream of progress is closed when the run is over."""
    return request.url.endswith("/progress") and request.failure == "net::ERR_ABORTED"
