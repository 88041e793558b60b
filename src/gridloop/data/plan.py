"""Plan, then apply: what an import would do, as a list of small readable values, before it does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gridloop.data.recipe import Recipe, SourceFile
from gridloop.data.sources.files import content_id, matching_files, unclaimed_files
from gridloop.domain.errors import SourceUnreadable

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

SHOWN = 12
"""How many file names a sentence lists."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file and what it becomes.

    Attributes:
        file_id: SHA-256 of its content.
        bytes: its size.
        becomes: the canonical tables it feeds.
        imported: whether this content was already imported by this version of the recipe in this role.
    """

    role: str
    path: Path
    file_id: str
    bytes: int
    becomes: tuple[str, ...]
    imported: bool

    @property
    def name(self) -> str:
        """Its name without folder."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do.

    Attributes:
        recipe: the source definition.
        folder: where the files lie.
        files: in the order they would be read.
        absent: roles that are not required and have no file.
        unclaimed: files of the folder that no role reads, by their name relative to it.
        assumptions: what the recipe assumes without evidence.
    """

    recipe: Recipe
    folder: Path
    files: tuple[PlannedFile, ...]
    absent: tuple[str, ...]
    unclaimed: tuple[str, ...]
    assumptions: tuple[str, ...]

    @property
    def pending(self) -> tuple[PlannedFile, ...]:
        """Files that have not been imported."""
        return tuple(file for file in self.files if not file.imported)

    @property
    def bytes(self) -> int:
        """Size of the pending files."""
        return sum(file.bytes for file in self.pending)

    @property
    def unclaimed_names(self) -> str:
        """The first of the unclaimed files, for one line."""
        more = len(self.unclaimed) - SHOWN
        return ", ".join(self.unclaimed[:SHOWN]) + (f" and {more} more" if more > 0 else "")

    def of_role(self, role: str) -> tuple[PlannedFile, ...]:
        """Pending files of a role."""
        return tuple(file for file in self.pending if file.role == role)


def plan_import(recipe: Recipe, data_dir: Path, view: LakeView) -> ImportPlan:
    """Look at the files a recipe would read, without reading rows or changing anything.

    Args:
        recipe: the source definition.
        data_dir: folder with its files.
        view: the lake as published; says which files were imported before.

    Raises:
        SourceUnreadable: the folder or a required file is missing, or a file cannot be opened.
    """
    known = imported_files(view, recipe)
    files: list[PlannedFile] = []
    absent: list[str] = []
    for declared in recipe.files:
        paths = matching_files(data_dir, declared)
        if not paths:
            absent.append(declared.role)
        seen: set[str] = set()
        for path in paths:
            planned = _planned(path, declared, known, recipe.version)
            repeated = planned.file_id in seen
            seen.add(planned.file_id)
            files.append(planned if not repeated else _as_imported(planned))
    unclaimed = unclaimed_files(data_dir, {file.path for file in files})
    return ImportPlan(recipe, data_dir, tuple(files), tuple(absent), tuple(unclaimed), assumptions(recipe))


def imported_files(view: LakeView, recipe: Recipe) -> Mapping[tuple[str, str], str]:
    """(file id, role) of the files this recipe has imported, with the recipe's version then."""
    if not view.exists("landing_file"):
        return {}
    rows = view.arrow("landing_file", columns=["file_id", "recipe", "recipe_version", "role"]).to_pylist()
    return {
        (row["file_id"], row["role"]): row["recipe_version"] for row in rows if row["recipe"] == recipe.name
    }


def assumptions(recipe: Recipe) -> tuple[str, ...]:
    """What the recipe takes for granted without evidence, one sentence each."""
    found = []
    places = [("", recipe.stamps), *((f" of role {file.role}", file.stamps) for file in recipe.files)]
    for where, stamps in places:
        if stamps is not None and not stamps.certain:
            found.append(
                f"Stamps{where} are taken as {stamps.written_in}, marking the {stamps.marks} of the interval: "
                f"{stamps.evidence}"
            )
    return tuple(found)


def _planned(
    path: Path, declared: SourceFile, known: Mapping[tuple[str, str], str], version: str
) -> PlannedFile:
    file_id = content_id(path)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise SourceUnreadable(f"File {path.name!r} is gone.", evidence={"path": str(path)}) from error
    return PlannedFile(
        declared.role, path, file_id, size, declared.becomes, known.get((file_id, declared.role)) == version
    )


def _as_imported(file: PlannedFile) -> PlannedFile:
    return PlannedFile(file.role, file.path, file.file_id, file.bytes, file.becomes, True)
