"""Undoing what killed runs left, and completing what must not stay half done."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from gridloop.domain.errors import GridloopError, KeyLost
from gridloop.engine.publication import NOTE_FILE, PublicationNote, read_note, remove_drafts, write_note

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session

log = logging.getLogger(__name__)


def mend(session: Session) -> list[str]:
    """Bring a workspace to its published state; the caller holds the workspace lock.

    Ledger rows of dead processes become `killed`, unpublished tables go back, stray files go, and an erasure that was
    cut off is completed.

    Returns:
        Names of the tables that were put back.

    Raises:
        GridloopError: ledger and lake do not belong together; nothing was changed.
    """
    if not session.ledger.runs.recent(1) and (held := session.lake.heads()):
        raise GridloopError(
            "The ledger knows of no run, but the lake holds tables: their ledger was lost or is another one.",
            evidence={"tables": len(held), "folder": str(session.workspace.root)},
            ways_out=(
                "Restore the ledger from its backup.",
                "If `ledger_url` in gridloop.toml was changed, put the earlier one back.",
                "Without a backup, import the source files into a new workspace.",
            ),
        )
    unconfirmed = check_ledger_age(session)
    remove_drafts(session.workspace.lake_dir)
    if unconfirmed is not None:
        write_note(session.workspace.lake_dir, replace(unconfirmed, confirmed=True))
    unfinished = session.ledger.runs.running()
    undone = session.lake.restore(session.ledger.runs.published())
    if unfinished:
        session.lake.maintenance("mend").remove_orphans()
        session.lake.maintenance("mend").remove_spills()
    clear_landing(session)
    # last: a kill while mending leaves the reason to mend again. Whoever holds the workspace lock knows that no other
    # run is alive, on whatever machine or in whatever container it was started.
    for run in session.ledger.runs.running():
        if run.pid == os.getpid():  # this very process failed at it, and the ledger had no room to say so
            session.ledger.runs.fail(
                run.run_id, "Unrecorded", "The run failed, and that could not be recorded then."
            )
    session.ledger.runs.abandon_dead(silent_for=timedelta(0))
    complete_erasures(session)
    return undone


def check_ledger_age(session: Session) -> PublicationNote | None:
    """Check that the ledger knows the lake's last publication; nothing is changed.

    Returns:
        The lake's note, when a kill came after the ledger's commit and before the lake confirmed it.

    Raises:
        GridloopError: the ledger is older than the lake.
    """
    note = read_note(session.workspace.lake_dir)
    if note is None:
        return None
    outcome = session.ledger.runs.outcome(note.run_id)
    if outcome is None or (note.confirmed and outcome != "succeeded"):
        raise _ledger_is_older(session, note)
    return note if outcome == "succeeded" and not note.confirmed else None


def _ledger_is_older(session: Session, note: PublicationNote) -> GridloopError:
    newest = session.ledger.runs.recent(1)
    return GridloopError(
        "The ledger is older than the lake: it does not know the lake's last publication. Nothing was changed.",
        evidence={
            "last publication": f"{note.job}, {note.at[:19]}, run {note.run_id}",
            "newest run in the ledger": newest[0].run_id if newest else "none",
            "folder": str(session.workspace.root),
        },
        ways_out=(
            "Restore a copy of the ledger that was made after that publication.",
            "Or restore the whole workspace and its ledger from one backup.",
            f"To give up all that was published since the ledger's copy, delete lake/{NOTE_FILE} and repeat "
            "the command; source files that came since have to be imported again.",
        ),
    )


def clear_landing(session: Session) -> None:
    """Remove source files that a killed or failed import left; without the key they wait until the key is back.

    No published row accounts for them, so nobody knows whom they tell of, and they would block every erasure.
    """
    try:
        landing = session.landing
    except KeyLost:
        return
    landing.remove_leftovers()
    view = session.published()
    rows = view.arrow("landing_file", columns=["file_id"]) if view.exists("landing_file") else None
    view.close()
    landing.remove_all_but(rows.column("file_id").to_pylist() if rows is not None else ())


def complete_erasures(session: Session) -> int:
    """Complete every erasure that was cut off; returns how many. Without the key it waits until the key is back."""
    from gridloop.apps.jobs.places import places
    from gridloop.security.erasure import DOCUMENT_KIND, resume

    try:
        vault = session.vault
    except KeyLost:
        log.warning("The vault cannot be opened; an erasure that was cut off would wait for its key.")
        return 0
    if not any(document["kind"] == DOCUMENT_KIND for document in vault.documents()):
        return 0
    return len(resume(places(session)))
