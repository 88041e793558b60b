"""Files that are either whole on disk or not there, and a full disk told as what it is (docs/conventions.md §12)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gridloop.domain.errors import StorageFull


@contextmanager
def disk_full_is_told(folder: Path) -> Iterator[None]:
    """Turn "no space left" of any library into `StorageFull` naming the folder and the free space.

    Args:
        folder: an existing folder on the file system written to.

    Raises:
        StorageFull: the file system had no room; other errors pass unchanged.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) and "No space left" not in str(error):
            raise
        raise storage_full(folder) from error


def storage_full(folder: Path) -> StorageFull:
    """The error for a full disk at `folder`, with what is free there."""
    free = 0
    with suppress(OSError):
        stat = os.statvfs(folder)
        free = stat.f_bavail * stat.f_frsize
    return StorageFull(
        "The disk has no room; the write was undone and nothing that was published has changed.",
        evidence={"folder": str(folder), "free_mb": round(free / 1e6, 1)},
        ways_out=(
            "Free space or move the workspace folder to a larger disk, then run the same command again.",
            "Run `gridloop data compact` to drop files that no published snapshot needs.",
        ),
    )


def write_durably(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    Args:
        path: target file; its folder is made when missing.
        content: the bytes.

    Raises:
        StorageFull: no room; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk_full_is_told(path.parent):
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Force a closed file's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk, so that a rename survives a power cut."""
    sync_file(folder)
