"""Opened workspaces that requests borrow, one at a time each, so that no request waits for an opening."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridloop.apps.wiring import Session, opened
from gridloop.engine.view import LakeView
from gridloop.engine.workspace import SETTINGS_FILE, Workspace

Stamp = tuple[int, int]
"""When a file was written, and which file it is."""
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
        self._free: list[tuple[Session, LakeView, Stamp]] = []
        self._guard = threading.Lock()
        self._latest: LakeView | None = None
        self._seen = self._stamp()
        with opened(self.folder) as session:  # completes one whose making was cut off, and fails early
            self.workspace = session.workspace

    @contextmanager
    def borrow(self) -> Iterator[tuple[Session, LakeView]]:
        """A session of nobody else's, and its view at the manifest that is published now.

        Raises:
            UsageError: the settings were changed to what cannot be read.
        """
        stamp = self._stamp()
        session, view = self._take(stamp)
        try:
            yield session, view
        except BaseException:
            view.close()
            session.close()
            raise
        with self._guard:
            if len(self._free) < KEPT and stamp == self._seen:
                self._free.append((session, view, stamp))
                return
        view.close()
        session.close()

    def _take(self, stamp: Stamp) -> tuple[Session, LakeView]:
        """One that waits, or a new one; those that were opened before the settings were written are closed."""
        if stamp != self._seen:
            self.workspace = Workspace.open(self.folder)
        with self._guard:
            self._seen = stamp
            stale = [one for one in self._free if one[2] != stamp]
            self._free = [one for one in self._free if one[2] == stamp]
            session, view, _ = self._free.pop() if self._free else (None, None, None)
        for old, looked, _ in stale:
            looked.close()
            old.close()
        if session is None:
            session = Session(Workspace.open(self.folder))
            session.actor = self.actor
        manifest = session.ledger.runs.published()
        if view is not None and view.snapshots == manifest:
            return session, view
        if view is not None:
            view.close()
        made = session.lake.view(manifest)
        if self._latest is not None:
            made.share_files(self._latest)
        self._latest = made
        return session, made

    def _stamp(self) -> Stamp:
        """Changes when the settings are written; sessions that were opened before then know the old ones."""
        try:
            told = (self.folder / SETTINGS_FILE).stat()
        except FileNotFoundError:  # opening says so in better words
            return (0, 0)
        return (told.st_mtime_ns, told.st_ino)

    def close(self) -> None:
        """Close what waits."""
        with self._guard:
            free, self._free = self._free, []
        for session, view, _ in free:
            view.close()
            session.close()
