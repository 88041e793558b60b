"""Definitions as data that a job follows: a changed file, shipped or of the workspace, makes its result stale."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session


def follows(*kinds: str) -> Callable[[Session], Mapping[str, object]]:
    """For `Job.depends`: digest by kind of the definition files in force.

    Args:
        *kinds: folders of the library and of the workspace, such as `tags`.
    """

    def digests(session: Session) -> Mapping[str, object]:
        return {kind: definitions_digest(kind, session.workspace.root) for kind in kinds}

    return digests


def definitions_digest(kind: str, workspace: Path) -> str:
    """SHA-256 over names and content of the shipped files of a kind and those of the workspace."""
    digest = hashlib.sha256()
    for folder in (Path(str(files("gridloop") / "library" / kind)), workspace / kind):
        for path in sorted(folder.glob("*.yaml")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.name}:{content}\n".encode())
        digest.update(b"\n")
    return digest.hexdigest()
