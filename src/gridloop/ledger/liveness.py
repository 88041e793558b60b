"""Whether the process that began something still lives, told apart from a later one with the same number."""

from __future__ import annotations

import os
import socket
import subprocess
from enum import StrEnum
from pathlib import Path

_PROC = Path("/proc")


class Life(StrEnum):
    """What can be said about a process: UNKNOWN when it ran on another host."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


def birth_mark(pid: int) -> str | None:
    """What tells this process from any other that had or will have its number; None when none lives.

    On Linux: boot id and start in clock ticks since boot, so that a clock set back or forward changes nothing.
    Elsewhere: the start time that `ps` tells. A process that has ended but was not yet waited for is dead.
    """
    if not _PROC.joinpath("self/stat").exists():
        return _birth_by_ps(pid)
    try:
        # The name of the program stands in parentheses and may itself hold blanks and parentheses.
        fields = (
            _PROC.joinpath(str(pid), "stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()
        )
    except OSError:
        return None
    state, start_ticks = fields[0], fields[19]
    if state in "ZX":
        return None
    boot = _PROC.joinpath("sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{start_ticks}"


def _birth_by_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return " ".join(started.split()) if started and not state.startswith("Z") else None


def place_of(pid: int) -> str:
    """Host and birth mark of a process, `host/mark`; the mark is empty when no such process lives."""
    return f"{socket.gethostname()}/{birth_mark(pid) or ''}"


def life_of(pid: int, place: str | None) -> Life:
    """Whether the process that was at `place` under this number still lives.

    Args:
        pid: its number.
        place: what `place_of` said when it began; None when that was not recorded.

    Returns:
        UNKNOWN for another host; containers that share a host name must not share a ledger.
    """
    host, _, mark = (place or "").partition("/")
    if host != socket.gethostname():
        return Life.UNKNOWN
    return Life.ALIVE if mark and birth_mark(pid) == mark else Life.DEAD
