"""Putting a lost vault key back; the one act that needs no open vault."""

from __future__ import annotations

from pathlib import Path

from gridloop.engine.workspace import Workspace


def restore_key(folder: Path, copy: Path, passphrase: str) -> Path:
    """Write the key from its locked copy to where the workspace expects it; returns that place.

    Raises:
        WorkspaceNotFound, SourceUnreadable, NotPermitted: nothing was written.
    """
    from gridloop.apps.wiring import Session
    from gridloop.security.backup import import_key

    workspace = Workspace.open(folder)
    session = Session(workspace)
    ring = import_key(copy, passphrase, workspace.config.id, session.keys_folder)
    return ring.path
