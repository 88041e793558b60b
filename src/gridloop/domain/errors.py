"""Errors that name the thing, show the evidence and list the ways out (docs/conventions.md §8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import ClassVar


class GridloopError(Exception):
    """Base of every error a user may meet.

    Args:
        what: one sentence naming the thing and what is wrong with it.
        evidence: the numbers or names that prove it; never personal data (docs/conventions.md §7).
        ways_out: what the user can do next, best first.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        evidence: Mapping[str, object] | None = None,
        ways_out: Iterable[str] = (),
    ) -> None:
        self.what = what
        self.evidence = dict(evidence or {})
        self.ways_out = tuple(ways_out)
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  {name}: {value}" for name, value in self.evidence.items()]
        if self.ways_out:
            lines.append("  Ways out:")
            lines += [f"    - {way}" for way in self.ways_out]
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.evidence, self.ways_out))


def _rebuild(
    kind: type[GridloopError], what: str, evidence: Mapping[str, object], ways_out: tuple[str, ...]
) -> GridloopError:
    return kind(what, evidence=evidence, ways_out=ways_out)


class UsageError(GridloopError):
    """The command, setting or argument is not one Gridloop knows."""

    exit_code = 2


class UnitMismatch(GridloopError):
    """Two quantities of different dimension or unit were combined."""


class InvalidId(GridloopError):
    """An identifier is empty, too long or holds characters that no identifier may hold."""


class InvalidInterval(GridloopError):
    """An interval length, a day or a stamp does not fit the civil day of its zone (docs/conventions.md §1)."""


class LookAhead(GridloopError):
    """A computation tried to see rows that were not yet available at its `as_of` (docs/conventions.md §1)."""


class WriterNotOwner(GridloopError):
    """A stage tried to write a table that another stage owns."""


class SchemaMismatch(GridloopError):
    """Rows do not have the columns and types that their table declares."""


class WorkspaceNotFound(GridloopError):
    """The folder is not a Gridloop workspace."""

    exit_code = 2


class WorkspaceExists(GridloopError):
    """A workspace is already there; nothing was overwritten."""

    exit_code = 2


class WorkspaceLocked(GridloopError):
    """Another run holds the workspace."""


class WorkspaceVersion(GridloopError):
    """The workspace was written by a newer version, or needs a migration first."""


class SourceUnreadable(GridloopError):
    """A source file is absent, truncated, of another format or cannot be opened."""


class SourceMismatch(GridloopError):
    """A source file can be read but is not what its recipe says: columns, types, units or zone differ."""

    exit_code = 3


class DataQualityGate(GridloopError):
    """A gate stopped the pipeline because the data is not good enough to go on."""

    exit_code = 3


class NotPermitted(GridloopError):
    """The principal may not see or do this."""

    exit_code = 4


class NothingToDo(GridloopError):
    """Everything asked for has already been done; nothing was changed."""

    exit_code = 5


class KeyLost(GridloopError):
    """The key that opens the vault or a landing file is not where the workspace expects it."""


class StorageFull(GridloopError):
    """The disk has no room; the write was undone."""


class ServiceMissing(GridloopError):
    """A program or service that this step needs is not installed or not running."""


class AccountingError(GridloopError):
    """Rows in do not equal accepted + superseded + quarantined; the run was stopped (docs/conventions.md §2)."""


class LedgerConflict(GridloopError):
    """A record that must be unique was written twice, or a record changed under its writer."""


def did_you_mean(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known names closest to `name`, as ways out for an unknown-name error."""
    known = sorted(known)
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return (f"Did you mean {' or '.join(repr(c) for c in close)}?",)
    return (f"Known names: {', '.join(known)}",) if known else ()
