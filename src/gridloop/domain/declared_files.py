"""Reading declarations from YAML files: quickly, and again only when a file was written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

FileStamp = tuple[Path, int, int, int]
"""A file, when it was written (ns), its size in bytes, and which file it is; equal as long as nobody wrote it."""

# The parser in C reads the same language some eight times as fast; PyYAML has it where it was built with libyaml.
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def read_declared(path: Path, *, text: bool = False) -> Any:
    """What a YAML file declares.

    Args:
        path: the file, UTF-8.
        text: leave every value the text that was written: 17:00 stays a time of day, and 0.45 loses no digit.

    Raises:
        OSError, UnicodeDecodeError, yaml.YAMLError: it cannot be read, or is not YAML.
    """
    return yaml.load(path.read_text(encoding="utf-8"), _TEXT if text else _SAFE)


def stamps(places: Iterable[Path]) -> tuple[FileStamp, ...]:
    """Stamps of files, and of the YAML files of folders, in that order; what is not there has none.

    With them as the key, whatever is made from files can be remembered: it is made again when one was written.
    """
    found: list[FileStamp] = []
    for place in places:
        for path in sorted(place.glob("*.yaml")) if place.is_dir() else (place,):
            try:
                told = path.stat()
            except FileNotFoundError:  # taken away since it was listed
                continue
            found.append((path, told.st_mtime_ns, told.st_size, told.st_ino))
    return tuple(found)
