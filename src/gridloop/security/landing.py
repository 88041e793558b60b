"""The landing zone: every source file as it came, encrypted, under the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gridloop.domain.errors import SourceUnreadable
from gridloop.engine.durable import disk_full_is_told, sync_folder
from gridloop.security.envelope import Purpose
from gridloop.security.rotation import drop_unused_keys
from gridloop.security.stream import CHUNK_BYTES, SealedReader, SealedWriter
from gridloop.security.vault import Vault

SUFFIX = ".enc"
_PART = ".part"

Transform = Callable[[BinaryIO, BinaryIO], int]
"""Reads plain bytes, writes what stays, answers how many rows it left out."""


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A source file in the landing zone.

    Attributes:
        file_id: SHA-256 of the content as it came, in hexadecimal; stays when rows are erased from it.
        bytes: size of the present content.
        name: the file's name, without folders; stands nowhere unencrypted, because names name people too.
        path: the encrypted file.
        erased_rows: rows that erasures have taken out.
    """

    file_id: str
    bytes: int
    name: str
    path: Path
    erased_rows: int = 0


class LandingZone:
    """Encrypted source files of one workspace.

    Args:
        landing_dir: their folder.
        vault: keeps the keys.
    """

    def __init__(self, landing_dir: Path | str, vault: Vault) -> None:
        self.folder = Path(landing_dir)
        self._vault = vault

    def store(self, path: Path | str) -> LandedFile:
        """Encrypt a source file into the zone; a content that is there already is not stored twice.

        The source is read twice (digest, then content); memory stays at a few MiB.

        Raises:
            SourceUnreadable: it is absent, not a file, or changed while it was read.
            StorageFull: no room; no part of the file is left.
        """
        source = Path(path)
        file_id = self._digest(source)
        if self.holds(file_id):
            return self.file(file_id)
        with source.open("rb") as plain, self._replacing(file_id) as sealed:
            digest = hashlib.sha256()
            while piece := plain.read(CHUNK_BYTES):
                digest.update(piece)
                sealed.write(piece)
            if digest.hexdigest() != file_id:
                raise SourceUnreadable(
                    f"{source.name} changed while it was read; nothing was stored.",
                    ways_out=("Import it again when it is written completely.",),
                )
            sealed.finish({"name": source.name, "erased_rows": 0})
        return self.file(file_id)

    def holds(self, file_id: str) -> bool:
        """Whether the file is in the zone."""
        return self._path(file_id).is_file()

    def file(self, file_id: str) -> LandedFile:
        """Facts about a stored file.

        Raises:
            SourceUnreadable: it is not in the zone.
            SealDamaged: it was cut off or altered.
        """
        with self._reader(file_id) as reader:
            facts = reader.facts
            return LandedFile(
                file_id, reader.length, str(facts["name"]), self._path(file_id), int(facts["erased_rows"])
            )

    def files(self) -> Iterator[LandedFile]:
        """Every stored file, by id."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            yield self.file(path.name.removesuffix(SUFFIX))

    def open(self, file_id: str) -> io.BufferedReader:
        """The plain content as a seekable binary file (pyarrow reads Parquet from it); close it when done.

        Raises:
            SourceUnreadable: it is not in the zone.
            SealDamaged: it was cut off or altered; an altered part is noticed when it is read.
        """
        return io.BufferedReader(self._reader(file_id), buffer_size=1 << 16)

    def rewrite(self, file_id: str, transform: Transform) -> int:
        """Replace a file's content by what `transform` writes, in one step; the file keeps its id.

        Args:
            file_id: which file.
            transform: called with the plain content and a writable file; answers how many rows it left out.
                With 0 the file stays as it is.

        Returns:
            How many rows were left out.

        Raises:
            SourceUnreadable, SealDamaged, StorageFull: the file is as it was.
        """
        before = self.file(file_id)
        with self.open(file_id) as plain, self._replacing(file_id) as sealed:
            dropped = transform(plain, sealed)  # type: ignore[arg-type]
            if dropped:
                sealed.finish({"name": before.name, "erased_rows": before.erased_rows + dropped})
        return dropped

    def rename(self, file_id: str, name: str) -> None:
        """Give a stored file another name, encrypting it anew; the content stays.

        Raises:
            SourceUnreadable, SealDamaged, StorageFull: the file is as it was.
        """
        with self._reader(file_id) as old, self._replacing(file_id) as sealed:
            shutil.copyfileobj(old, sealed, CHUNK_BYTES)
            sealed.finish({**old.facts, "name": name})

    def reseal(self) -> int:
        """Encrypt files that an older data key opens anew, then drop the older keys; returns how many files.

        A kill in between loses nothing: files already done are passed over the next time.
        """
        count, current = 0, self._vault.cipher(Purpose.LANDING).current
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            file_id = path.name.removesuffix(SUFFIX)
            with self._reader(file_id) as old:
                if old.key_number == current:
                    continue
                with self._replacing(file_id) as sealed:
                    shutil.copyfileobj(old, sealed, CHUNK_BYTES)
                    sealed.finish(old.facts)
            count += 1
        drop_unused_keys(self._vault, Purpose.LANDING)
        return count

    def remove(self, file_id: str) -> bool:
        """Delete a stored file; returns whether it was there."""
        there = self.holds(file_id)
        self._path(file_id).unlink(missing_ok=True)
        return there

    def remove_all_but(self, file_ids: Iterable[str]) -> int:
        """Delete every stored file that is not named; returns how many. Call it under the workspace lock."""
        kept = {self._path(file_id) for file_id in file_ids}
        gone = [path for path in self.folder.glob(f"*{SUFFIX}") if path not in kept]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def remove_leftovers(self) -> int:
        """Delete parts of files that a killed run left behind; call it under the workspace lock."""
        parts = list(self.folder.glob(f".*{_PART}"))
        for part in parts:
            part.unlink(missing_ok=True)
        return len(parts)

    def _path(self, file_id: str) -> Path:
        return self.folder / f"{file_id}{SUFFIX}"

    def _reader(self, file_id: str) -> SealedReader:
        path = self._path(file_id)
        if not path.is_file():
            raise SourceUnreadable(
                "A source file is not in the landing zone.",
                evidence={"file id": file_id, "folder": str(self.folder)},
                ways_out=("Import the source file again.", "Restore the landing folder from its backup."),
            )
        return SealedReader(path, self._vault.cipher(Purpose.LANDING), file_id)

    @contextmanager
    def _replacing(self, file_id: str) -> Iterator[SealedWriter]:
        """A writer whose file takes the place of `file_id` when the block ends finished, and vanishes otherwise."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self.folder / f".{file_id}{_PART}"
        with disk_full_is_told(self.folder):
            try:
                with open_private(part) as target:
                    writer = SealedWriter(target, self._vault.cipher(Purpose.LANDING), file_id)
                    yield writer
                    os.fsync(target.fileno())
                if writer.finished:
                    part.replace(self._path(file_id))
                    sync_folder(self.folder)
            finally:
                part.unlink(missing_ok=True)

    @staticmethod
    def _digest(source: Path) -> str:
        try:
            with source.open("rb") as plain:
                return hashlib.file_digest(plain, "sha256").hexdigest()
        except OSError as error:
            raise SourceUnreadable(
                f"{source.name} cannot be read.",
                evidence={"path": str(source), "reason": error.strerror or str(error)},
                ways_out=("Check that the file exists and may be read.",),
            ) from error


def open_private(path: Path) -> io.FileIO:
    """A new unbuffered file of mode 0600, emptied if it exists."""
    return io.FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb+", closefd=True)
