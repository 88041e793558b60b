"""A program that has loaded everything and forks a delivery for every line it reads; tests kill the deliveries.

python sender.py WORKSPACE CAMPAIGN
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from pathlib import Path

LONGEST_SECONDS = 240


def deliver(workspace: Path, campaign: str) -> int:
    """Type `gridloop campaign send`; answers the exit code."""
    from gridloop.apps.cli.main import main

    try:
        return main(["campaign", "send", campaign, "-w", str(workspace), "--json", "--quiet"])
    except SystemExit as ended:
        return int(ended.code or 0)


def warm(workspace: Path) -> None:
    """Load what a delivery would load, without sending anything."""
    import gridloop.reach.delivery  # noqa: F401 - for its worth of memory
    from gridloop.apps.jobs.reaching import reach_context
    from gridloop.apps.wiring import channel_of, opened
    from gridloop.reach.consents import ConsentBook

    with opened(workspace) as session, reach_context(session) as context:
        ConsentBook.read(context.view, "marketing")
        context.view.arrow("account", columns=("account_id", "customer_id"))
        session.ledger.sends.due()
        next(iter(session.vault.people()))
        channel_of(session, "email")


def main() -> None:
    """Serve until the input ends."""
    workspace, campaign = Path(sys.argv[1]), sys.argv[2]
    warm(workspace)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.alarm(LONGEST_SECONDS)
            os.dup2(2, 1)  # standard output is for numbers
            code = 70
            try:
                started = time.monotonic()
                code = deliver(workspace, campaign)
                sys.stderr.write(f"a delivery ended with {code} after {time.monotonic() - started:.1f} s\n")
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        print(pid, flush=True)
        sys.stdin.readline()  # until then nobody waits for it, so that its number stays its own
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
