"""Opened workspaces that requests borrow, one at a time each, so that no request waits for an opening."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridloop.apps.wiring import Session, opened
from gridloop.engine.view import LakeView
from gridloop.engine.workspace import Workspace

KEPT = 12
"""Opened workspaces that wait for the next request; more are opened when more come at once."""


class Sessions:
    """Lends a session together with a view of what is published.

    Args:
        folder: of the workspace.
        actor: in whose name records are made.

    Raises:
        WorkspaceNotFound: there is none.
    """

    def __init__(self, folder: Path | str, actor: str) -> None:
        self.folder = Path(folder).resolve()
        self.actor = actor
        self._free: list[tuple[Session, LakeView]] = []
        self._guard = threading.Lock()
        with opened(self.folder) as session:  # completes one whose making was cut off, and fails early
            self.workspace = session.workspace

    @contextmanager
    def borrow(self) -> Iterator[tuple[Session, LakeView]]:
        """A session of nobody else's, and its view at the manifest that is published now."""
        session, view = self._take()
        try:
            yield session, view
        except BaseException:
            view.close()
            session.close()
            raise
        with self._guard:
            if len(self._free) < KEPT:
                self._free.append((session, view))
                return
        view.close()
        session.close()

    def _take(self) -> tuple[Session, LakeView]:
        with self._guard:
            session, view = self._free.pop() if self._free else (None, None)
        if session is None:
            session = Session(Workspace.open(self.folder))
            session.actor = self.actor
        manifest = session.ledger.runs.published()
        if view is not None and view.snapshots == manifest:
            return session, view
        if view is not None:
            view.close()
        return session, session.lake.view(manifest)

    def close(self) -> None:
        """Close what waits."""
        with self._guard:
            free, self._free = self._free, []
        for session, view in free:
            view.close()
            session.close()
