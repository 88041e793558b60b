"""What the lake itself knows of the last publication, so that a ledger that is older than the lake is recognised.

The ledger alone says what is published. But a ledger that was restored from an old backup would undo what came later
without a word. So the lake keeps a note of the run that publishes: written before the ledger's commit, confirmed after
it. A kill between the two leaves a note that may be behind the ledger, never one that is ahead of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from gridloop.domain.errors import GridloopError
from gridloop.engine.durable import write_durably

NOTE_FILE = "publication.json"


@dataclass(frozen=True, slots=True)
class PublicationNote:
    """The run that published last, or was about to.

    Attributes:
        run_id, job: as the ledger has them.
        at: when, in ISO form.
        confirmed: whether the ledger had committed it.
    """

    run_id: str
    job: str
    at: str
    confirmed: bool = False


def write_note(lake_dir: Path, note: PublicationNote) -> None:
    """Put a note in the place of the one before.

    Raises:
        StorageFull: no room; the earlier note is as it was.
    """
    write_durably(lake_dir / NOTE_FILE, json.dumps(asdict(note)).encode())


def remove_drafts(lake_dir: Path) -> None:
    """Remove notes that were cut off while they were written. Call it under the workspace lock."""
    for draft in lake_dir.glob(f".{NOTE_FILE}.*.part"):
        draft.unlink(missing_ok=True)


def read_note(lake_dir: Path) -> PublicationNote | None:
    """The note; None when nothing was published since the lake keeps one.

    Raises:
        GridloopError: the file is damaged.
    """
    path = lake_dir / NOTE_FILE
    if not path.exists():
        return None
    try:
        return PublicationNote(**json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise GridloopError(
            "The lake's note of its last publication is damaged.",
            evidence={"file": str(path)},
            ways_out=(
                "Restore the workspace folder from its backup.",
                "If the ledger is no older than the lake, delete the file; the next run writes it anew.",
            ),
        ) from error
