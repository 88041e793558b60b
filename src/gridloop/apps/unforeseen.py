"""What a user is told when something fails that nobody foresaw."""

from __future__ import annotations

import traceback
from pathlib import Path

from gridloop.domain.errors import GridloopError

DEBUG_VARIABLE = "GRIDLOOP_DEBUG"
"""Environment variable that shows the whole trace instead."""


def unexpected(error: Exception) -> GridloopError:
    """What a user is told of an error without words of its own; its text may hold data, so only its kind is shown."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return GridloopError(
        "Something went wrong that Gridloop did not foresee; nothing that was published has changed.",
        evidence={
            "error": type(error).__name__,
            "at": f"{Path(frame.filename).name}:{frame.lineno} {frame.name}",
        },
        ways_out=(
            "Run the same command again: whatever was not published is undone first.",
            f"Set {DEBUG_VARIABLE}=1 to see the whole trace (it may show data), and report it.",
        ),
    )
