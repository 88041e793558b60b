"""A program that has loaded and compiled everything, and forks a worker for every line it reads.

Workers are killed by the tests: by SIGKILL from outside at any time, or by themselves at one of the boundaries between
which the disk changes. A fresh interpreter for each of some hundred kills would cost most of the time.

    python nursery.py SCRATCH_WORKSPACE RECIPE SOURCES

Each line is a JSON object: workspace, steps (`import`, `run`, `mend`, `inspect`), stop_at (name of a boundary, or
null), notes (a folder for what the worker leaves: boundaries.txt, answer.json, output.txt).
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import sqlite3
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONGEST_SECONDS = 240


class Boundaries:
    """Counts the moments before and after every change of the disk that matters, and dies at one of them.

    A name says what happens, to what and for the how-manieth time since the work began, so that a later attempt,
    which first mends what an earlier one left, meets the same names.
    """

    def __init__(self, workspace: Path, stop_at: str | None, log: Path, *, mending: bool) -> None:
        self.workspace = workspace
        self.stop_at = stop_at
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.seen: Counter[str] = Counter()
        self.watching = mending
        self.mending = mending

    def reach(self, event: str) -> None:
        """Note a boundary, and end the process here if it is the one."""
        if not self.watching:
            return
        self.seen[event] += 1
        name = f"{event} #{self.seen[event]}"
        os.write(self.log, f"{name}\n".encode())
        if name == self.stop_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, attribute: str, name: Callable[..., str | None]) -> None:
        """Put a boundary before and after every call of a function; `name` answers None for calls that do not count."""
        real = getattr(owner, attribute)

        def watched(*words: Any, **named: Any) -> Any:
            called = name(*words, **named)
            if called is None:
                return real(*words, **named)
            self.reach(f"before {called}")
            answer = real(*words, **named)
            self.reach(f"after {called}")
            return answer

        setattr(owner, attribute, watched)

    def watch(self) -> None:
        """Watch commits of lake, catalogue, ledger and vault, and files put in place or removed."""
        import sqlalchemy.engine.default as dialects

        from gridloop.engine import lake, writer
        from gridloop.ledger.runs import Runs
        from gridloop.security import database

        self.around(dialects.DefaultDialect, "do_commit", self._of_connection)
        self.around(writer, "commit_files", lambda table, **_: f"lake commit {table.name()[-1]}")
        self.around(lake, "set_head", lambda table, _: f"head of {table.name()[-1]}")
        self.around(os, "replace", lambda _, target: self._of_path("replace", target))
        if self.mending:
            self.around(os, "unlink", lambda path, **folder: self._of_path("unlink", path, **folder))
            self.around(os, "rmdir", lambda path, **folder: self._of_path("rmdir", path, **folder))
        self._watch_vault(database)
        start = Runs.start

        def begin(*words: Any, **named: Any) -> Any:
            self.watching = True
            return start(*words, **named)

        Runs.start = begin  # type: ignore[method-assign]

    def _of_connection(self, _dialect: Any, connection: Any) -> str:
        rows = connection.driver_connection if hasattr(connection, "driver_connection") else connection
        file = Path(rows.execute("PRAGMA database_list").fetchone()[2])
        return f"{file.stem} commit"

    def _of_path(self, verb: str, path: Any, **folder: Any) -> str | None:
        """What happens to a file of the workspace; nothing else counts, such as the compiler's cache."""
        if folder.get("dir_fd") is not None:  # shutil.rmtree names files relative to an open folder
            return f"{verb} in a tree"
        place = Path(os.fsdecode(path))
        if not place.is_relative_to(self.workspace):
            return None
        part = place.relative_to(self.workspace).parts[0]
        # A landed file stays landed, so a later attempt replaces fewer: each has a name of its own.
        return f"{verb} {place.name[:8]} in {part}" if part == "landing" else f"{verb} in {part}"

    def _watch_vault(self, database: Any) -> None:
        boundaries, connect = self, sqlite3.connect

        class Watched(sqlite3.Connection):
            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                if statement != "COMMIT":
                    return super().execute(statement, *values)
                boundaries.reach("before vault commit")
                answer = super().execute(statement, *values)
                boundaries.reach("after vault commit")
                return answer

        database.sqlite3.connect = lambda *words, **named: connect(*words, factory=Watched, **named)


def typed(*words: object) -> int:
    """Type `gridloop` and these words; answers the exit code."""
    from gridloop.apps.cli.main import main

    try:
        return main([str(word) for word in words])
    except SystemExit as ended:
        return int(ended.code or 0)


def work(workspace: Path, step: str, recipe: str, sources: Path) -> Any:
    """Do one step; answers an exit code, or what an inspection found."""
    if step == "import":
        return typed("import", recipe, "--data", sources, "-w", workspace, "-q", "--json")
    if step == "run":
        return typed("run", "-w", workspace, "-q", "--json")
    if step == "mend":
        return mended(workspace)
    return inspected(workspace)


def mended(workspace: Path) -> int:
    """Do what every command that writes does first."""
    from gridloop.apps.jobs.mending import mend
    from gridloop.apps.wiring import opened

    with opened(workspace) as session, session.workspace.lock(command="mend"):
        mend(session)
    return 0


def inspected(workspace: Path) -> dict[str, Any]:
    """Everything a test wants to know of a workspace in which nothing runs."""
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        published, heads = session.ledger.runs.published(), session.lake.heads()
        view = session.lake.view(published)
        accounts = view.arrow("row_account").to_pylist() if view.exists("row_account") else []
        found = {
            "digests": view.digests(),
            "unpublished": sorted(name for name in heads if heads[name] != published.get(name)),
            "outcomes": [[run.job, run.outcome] for run in session.ledger.runs.recent(10_000)],
            "accounts": [unbalanced(account) for account in accounts],
            "broken_audit": len(session.ledger.audit.verify()),
        }
        view.close()
        with session.workspace.lock(command="inspect"):
            found["orphans"] = session.lake.maintenance("inspect").remove_orphans()
    found["leftovers"] = sorted(
        p.name
        for p in workspace.rglob("*")
        if p.name.endswith((".part", ".tmp")) or p.name.startswith(".spill")
    )
    landed = {path.name.removesuffix(".enc") for path in (workspace / "landing").glob("*.enc")}
    found["landed"] = sorted(landed)
    return found


def unbalanced(account: dict[str, Any]) -> int:
    """Rows and intervals of a file that are not accounted for; 0 in a true account."""
    return sum(
        abs(account[f"{unit}_in"] - sum(account[f"{unit}_{part}"] for part in parts))
        for unit in ("rows", "intervals")
        for parts in [("accepted", "superseded", "quarantined")]
    )


def serve_one(request: dict[str, Any], recipe: str, sources: Path) -> None:
    """Be a worker: do the steps and leave the answers; never returns to the nursery."""
    notes, workspace = Path(request["notes"]), Path(request["workspace"])
    signal.alarm(LONGEST_SECONDS)
    answers: dict[str, Any] = {}
    with (notes / "output.txt").open("w") as output, contextlib.redirect_stdout(output):
        with contextlib.redirect_stderr(output):
            try:
                Boundaries(
                    workspace,
                    request["stop_at"],
                    notes / "boundaries.txt",
                    mending=request["steps"] == ["mend"],
                ).watch()
                for step in request["steps"]:
                    answers[step] = work(workspace, step, recipe, sources)
            except BaseException:
                traceback.print_exc()
                answers["broken"] = traceback.format_exc()
        output.flush()
    (notes / "answer.json").write_text(json.dumps(answers))
    os._exit(0)


def warm(scratch: Path, recipe: str, sources: Path) -> None:
    """Do the whole work once, so that no worker has to load or compile anything."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        codes = [work(scratch, step, recipe, sources) for step in ("import", "run")]
        inspected(scratch)
    if codes != [0, 0]:
        raise SystemExit(f"the uninterrupted work ended with {codes}")


def main() -> None:
    """Serve until the input ends."""
    scratch, recipe, sources = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    warm(scratch, recipe, sources)
    gc.collect()
    gc.freeze()  # else every worker's first collection copies all the memory it shares with this process
    print(json.dumps({"ready": os.getpid(), "threads": threading.active_count()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            serve_one(request, recipe, sources)
        print(json.dumps({"pid": pid}), flush=True)
        sys.stdin.readline()  # until then nobody waits for the worker, so that its number stays its own
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
