"""Locations inside a workspace that stay true when its folder moves.

Iceberg metadata stores the full location of every file. The engine writes `gridloop:/lake/...` there and resolves
it against the folder the workspace lies in today (docs/decisions/0002-relocatable-iceberg-locations.md).
"""

from __future__ import annotations

import os
from io import BufferedWriter
from pathlib import Path
from typing import Any

from pyiceberg.io import OutputStream
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from gridloop.engine.durable import disk_full_is_told

SCHEME = "gridloop:"
ROOT_PROPERTY = "gridloop.root"


def to_location(root: Path, path: Path) -> str:
    """The location stored in metadata for a file below the workspace folder `root`."""
    return f"{SCHEME}/{path.relative_to(root).as_posix()}"


def to_path(root: Path | str, location: str) -> Path:
    """The file of a stored location, in the folder the workspace lies in now.

    Raises:
        ValueError: the location was not written by this engine.
    """
    if not location.startswith(SCHEME):
        raise ValueError(f"not a location of a workspace: {location}")
    return Path(root) / location.removeprefix(SCHEME).lstrip("/")


class _SyncedFile(BufferedWriter):
    """A file that is on the disk when it is closed."""

    def close(self) -> None:
        if not self.closed:
            try:
                self.flush()
                os.fsync(self.fileno())
            finally:
                super().close()


class _WorkspaceFile(PyArrowFile):
    """A metadata file: written through Python so that it is synced, read through pyarrow."""

    def create(self, overwrite: bool = False) -> OutputStream:
        path = Path(self._path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk_full_is_told(path.parent):
            return _SyncedFile(path.open("wb" if overwrite else "xb", buffering=0))


class WorkspaceFileIO(PyArrowFileIO):
    """Iceberg's door to files, for locations of one workspace on a local or mounted file system."""

    def parse_location(self, location: str, properties: Any = None) -> tuple[str, str, str]:  # type: ignore[override]
        """Split a stored location into scheme, host and path on this machine."""
        return "file", "", str(to_path(self.properties[ROOT_PROPERTY], location))

    def new_output(self, location: str) -> PyArrowFile:
        """A writable file at `location` that is synced when closed."""
        plain = super().new_output(location)
        return _WorkspaceFile(location=location, path=plain._path, fs=plain._filesystem)
