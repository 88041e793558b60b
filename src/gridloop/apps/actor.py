"""Who acts: until there are accounts, whom the operating system says or `--as` names."""

from __future__ import annotations

import getpass
import os

USER_VARIABLE = "GRIDLOOP_USER"
"""Environment variable that names the person who acts, before the operating system's user."""


def acting_user(named: str | None = None) -> str:
    """The person in whose name something is recorded.

    Nothing proves the name as long as there are no accounts; whoever may write the workspace folder may claim any.

    Args:
        named: by `--as`; goes before everything else.
    """
    return (named or os.environ.get(USER_VARIABLE) or getpass.getuser()).strip()
