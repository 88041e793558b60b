"""Undoing what killed runs left, and completing what must not stay half done."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gridloop.domain.errors import KeyLost

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session

log = logging.getLogger(__name__)


def mend(session: Session) -> list[str]:
    """Bring a workspace to its published state; the caller holds the workspace lock.

    Ledger rows of dead processes become `killed`, unpublished tables go back, stray files go, and an erasure that was
    cut off is completed.

    Returns:
        Names of the tables that were put back.
    """
    dead = session.ledger.runs.abandon_dead()
    undone = session.lake.restore(session.ledger.runs.published())
    if dead:
        session.lake.maintenance("mend").remove_orphans()
    complete_erasures(session)
    return undone


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
