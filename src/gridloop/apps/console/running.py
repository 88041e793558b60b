"""`gridloop run` as a process of its own that a page starts, watches and stops; pages stay quick while it computes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gridloop.apps.jobs.catalogue import jobs_through
from gridloop.apps.web.page import mark
from gridloop.domain.errors import WorkspaceLocked

LINES = 12
"""Lines of progress that are kept."""
EVERY_SECONDS = 0.5
STOP_SECONDS = 20.0
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
from gridloop.apps.cli import main
main(sys.argv[1:])
"""


@dataclass(frozen=True)
class Progress:
    """Where a run started from the page is.

    Attributes:
        state: `idle`, `running`, `stopping`, `done`, `failed` or `stopped`.
        step: what is being done, as the run says it.
        done, total: units of it; total 0 when not known.
        lines: what it said last.
        code: exit code once it ended.
    """

    state: str = "idle"
    step: str = ""
    done: int = 0
    total: int = 0
    lines: tuple[str, ...] = field(default=())
    code: int | None = None

    @property
    def active(self) -> bool:
        """Whether the process lives."""
        return self.state in ("running", "stopping")


class Runner:
    """At most one run at a time.

    Args:
        folder: of the workspace.
        actor: in whose name.
    """

    def __init__(self, folder: Path, actor: str) -> None:
        self.folder = folder
        self.actor = actor
        self._guard = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._now = Progress()
        self._lines: deque[str] = deque(maxlen=LINES)

    @property
    def progress(self) -> Progress:
        """Where it is."""
        return self._now

    def start(
        self, through: str | None = None, *, wait_seconds: float = 0.0, actor: str | None = None
    ) -> None:
        """Start a run; it takes the workspace lock as the command does.

        Args:
            through: the last stage; all when not given.
            wait_seconds: for another run of the workspace to end.
            actor: in whose name; the runner's when not given.

        Raises:
            UsageError: there is no such stage.
            WorkspaceLocked: a run of this console has not ended.
        """
        jobs_through(through)
        command = [sys.executable, "-c", START, "run", "-w", str(self.folder), "--no-color"]
        command += ["--as", actor or self.actor, *(["--through", through] if through else [])]
        command += ["--wait", str(wait_seconds)]
        with self._guard:
            if self._now.active:
                raise WorkspaceLocked(
                    mark("A run that was started here has not ended."),
                    evidence={"step": self._now.step},
                    ways_out=(mark("Wait until it has ended, or stop it."),),
                )
            self._lines.clear()
            self._now = Progress("running")
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._hear(line.rstrip())
        code = process.wait()
        process.stderr.close()
        with self._guard:
            stopped = self._now.state == "stopping"
            state = "done" if code in (0, 5) else "stopped" if stopped else "failed"
            self._now = Progress(state, self._now.step, lines=tuple(self._lines), code=code)

    def _hear(self, line: str) -> None:
        step, _, share = line.rpartition(": ")
        done, _, total = share.replace(",", "").partition("/")
        with self._guard:
            self._lines.append(line)
            if step and done.isdigit():
                known = int(total) if total.isdigit() else 0
                self._now = Progress(self._now.state, step, int(done), known, tuple(self._lines))
            else:
                self._now = Progress(
                    self._now.state, self._now.step, self._now.done, self._now.total, tuple(self._lines)
                )

    def stop(self) -> None:
        """Interrupt the run as Ctrl-C does; what it has not published is undone. Nothing when none runs."""
        with self._guard:
            if self._process is None or not self._now.active:
                return
            self._now = Progress("stopping", self._now.step, self._now.done, self._now.total, self._now.lines)
            self._process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """Stop the run and wait for it; a run that does not listen is killed, which harms nothing that is published."""
        process = self._process
        if process is None:
            return
        self.stop()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    async def stream(self, request: Request) -> Response:
        """The route of server-sent events: the progress whenever it changed, until the run has ended."""
        return StreamingResponse(
            self._events(request), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def _events(self, request: Request) -> AsyncIterator[str]:
        last: Progress | None = None
        while not await request.is_disconnected():
            now = self._now
            if now != last:
                yield f"data: {json.dumps(asdict(now), ensure_ascii=False)}\n\n"
                last = now
            if not now.active:
                return
            await asyncio.sleep(EVERY_SECONDS)
