"""One writer at a time: a file lock that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from gridloop.domain.errors import WorkspaceLocked


@contextmanager
def exclusive_lock(path: Path, *, command: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock file for the duration of the block.

    Args:
        path: the lock file; made when missing, never removed.
        command: what the holder does, shown to whoever has to wait.
        wait_seconds: how long to wait for another holder before giving up; 0 refuses at once.

    Raises:
        WorkspaceLocked: another process holds it; names the process, its command and since when.
    """
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(file):
            if time.monotonic() >= deadline:
                raise _locked(path, wait_seconds)
            time.sleep(0.05)
        file.seek(0)
        file.truncate()
        holder = {
            "pid": os.getpid(),
            "command": command,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        file.write(json.dumps(holder))
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()
            file.flush()
            fcntl.flock(file, fcntl.LOCK_UN)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked(path: Path, waited: float) -> WorkspaceLocked:
    holder: dict[str, object] = {}
    with suppress(OSError, ValueError):
        holder = json.loads(path.read_text(encoding="utf-8"))
    return WorkspaceLocked(
        "Another run is working in this workspace.",
        evidence={**holder, "waited_seconds": waited},
        ways_out=(
            "Wait until it has finished, or start again with `--wait SECONDS`.",
            "If that process hangs, stop it: the lock is freed with it, and whatever it had not published is undone.",
        ),
    )
