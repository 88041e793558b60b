"""The messages that people got, one small file each: whole or not there, whenever the program is killed."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gridloop.twin.reactions import Received

_FOLDER = "messages"


class MessageFiles:
    """Keeps messages by their id.

    Args:
        folder: made when the first message comes; None keeps them in memory only.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, Received] = {}

    def keep(self, message: Received) -> None:
        """Keep a message, unless one of its id is kept already."""
        name = hashlib.sha256(message.message_id.encode()).hexdigest()[:32]
        if name in self._known:
            return
        if self._folder is not None:
            path = self._folder / _FOLDER / f"{name}.json"
            if path.exists():
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            told = {part: getattr(message, part) for part in Received.__slots__}
            _write_whole(path, json.dumps(told | {"at": message.at.isoformat()}, ensure_ascii=False).encode())
        self._known[name] = message

    def messages(self) -> list[Received]:
        """All that were kept, by whichever process."""
        if self._folder is not None:
            for path in (self._folder / _FOLDER).glob("*.json"):
                if path.stem not in self._known:
                    told = json.loads(path.read_text(encoding="utf-8"))
                    self._known[path.stem] = Received(**told | {"at": datetime.fromisoformat(told["at"])})
        return list(self._known.values())

    def write_table(self, table: pa.Table, name: str) -> None:
        """Write a table beside the messages."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd")
            _write_whole(self._folder / name, sink.getvalue().to_pybytes())


def _write_whole(path: Path, content: bytes) -> None:
    """Beside its place, flushed, then renamed into place (docs/conventions.md §12)."""
    beside = path.with_suffix(f".{os.getpid()}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
