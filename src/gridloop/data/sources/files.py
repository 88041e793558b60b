"""Finding a recipe's files in a folder, and opening one in the format its recipe says."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from gridloop.data.recipe import SourceFile
from gridloop.data.sources.batches import Opener, SourceReader
from gridloop.data.sources.csv import CsvReader
from gridloop.data.sources.parquet import ParquetReader
from gridloop.domain.errors import SourceMismatch, SourceUnreadable
from gridloop.engine.workspace import SETTINGS_FILE


def open_source(opener: Opener, name: str, file: SourceFile) -> SourceReader:
    """Open a landed file in the format its recipe says.

    Args:
        opener: opens the bytes.
        name: the file's name, for errors.
        file: its declaration.

    Raises:
        SourceUnreadable: empty, truncated or of another format.
        SourceMismatch: it lacks columns that the recipe requires.
    """
    kind = ParquetReader if file.format == "parquet" else CsvReader
    reader: SourceReader = kind(opener, name, file)
    _check_columns(reader.columns, name, file)
    _check_points(reader.columns, name, file)
    return reader


def _check_columns(found: tuple[str, ...], name: str, file: SourceFile) -> None:
    points = (
        file.readings.points.names if file.readings is not None and file.readings.points is not None else ()
    )
    required = [column for column, declared in file.columns.items() if declared.required]
    absent = [column for column in (*required, *points) if column not in found]
    if absent:
        raise SourceMismatch(
            f"File {name!r} lacks columns that role {file.role!r} requires.",
            evidence={
                "missing": _shortened(absent),
                "expected": _shortened(required),
                # a file without its header starts with data, and that may be a person's
                "found": _shortened(list(found)) if set(found) & set(file.columns) else "none of them",
            },
            ways_out=(
                "Check that the file belongs to this role.",
                "If the source renamed its columns, copy the recipe into <workspace>/recipes and change them there.",
            ),
        )


def _check_points(found: tuple[str, ...], name: str, file: SourceFile) -> None:
    """Refuse a wide file with more numbered values than the recipe reads: the rest would vanish uncounted."""
    points = file.readings.points if file.readings is not None else None
    if points is None:
        return
    known = {*points.names, *file.columns}
    beyond = [
        column
        for column in found
        if column not in known
        and column.startswith(points.prefix)
        and column.removeprefix(points.prefix).isdecimal()
    ]
    if beyond:
        raise SourceMismatch(
            f"File {name!r} has more values a day than role {file.role!r} reads.",
            evidence={"read": points.count, "not read": _shortened(beyond)},
            ways_out=("Copy the recipe into <workspace>/recipes and set `count` under `points` there.",),
        )


def _shortened(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")


def matching_files(folder: Path, file: SourceFile) -> list[Path]:
    """The files of a role below a folder, by name.

    Raises:
        SourceUnreadable: the folder is not there, or a required role has no file.
    """
    if not folder.is_dir():
        raise SourceUnreadable(
            "The data folder is not there.",
            evidence={"folder": str(folder)},
            ways_out=("Give the folder that holds the files with --data.",),
        )
    found = sorted(path for path in folder.glob(file.pattern) if path.is_file())
    if not found and file.required:
        raise SourceUnreadable(
            f"There is no file for role {file.role!r}.",
            evidence={"folder": str(folder), "pattern": file.pattern},
            ways_out=("Give the folder that holds it with --data.",),
        )
    return found


def unclaimed_files(folder: Path, claimed: Collection[Path]) -> list[str]:
    """Files below a folder that are not among `claimed`, by their name relative to it.

    Hidden files and folders, and whole workspaces, are no source files and are left out.
    """
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        if SETTINGS_FILE in names:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(place) / name for name in names if not name.startswith("."))
        found += [path.relative_to(folder).as_posix() for path in paths if path not in claimed]
    return sorted(found)


def content_id(path: Path) -> str:
    """SHA-256 of a file's content, as hexadecimal text.

    Raises:
        SourceUnreadable: the file cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnreadable(
            f"File {path.name!r} cannot be read.",
            evidence={"path": str(path), "reason": error.strerror or str(error)},
            ways_out=("Check its permissions.", "Fetch the file again."),
        ) from error
