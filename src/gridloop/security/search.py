"""The proof of an erasure: does a text stand anywhere in the files of a workspace, in whatever wrapping?

Searched are names and raw bytes of every file (UTF-8, UTF-16, hexadecimal, base64), so also free space of databases
and files that nothing refers to; then what is packed: Parquet pages, Avro blocks, SQLite values, gzip, zstd, zip.
With the vault, also what is encrypted: landing files, people, pseudonyms, sealed rows.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gridloop.security.containers import base64_pieces, sqlite_pieces, unpacked
from gridloop.security.errors import SealDamaged
from gridloop.security.landing import LandingZone
from gridloop.security.pseudonym import PREFIXES, record_kind
from gridloop.security.seal import PREFIX, open_text
from gridloop.security.vault import Vault

_SLICE = 1 << 22
_SEALED = re.compile(re.escape(PREFIX).encode() + rb"\d+\.[A-Za-z0-9+/]+=*")


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where a needle was found.

    Attributes:
        needle: its number in the list searched for; the text itself is not repeated here.
        path: file, relative to the workspace.
        place: where in it: `name`, `raw`, a column, a table, `decrypted` …
    """

    needle: int
    path: str
    place: str


class Needles:
    """Texts to look for, in every form in which they may stand.

    Args:
        texts: none of them empty.
    """

    def __init__(self, texts: Sequence[str | bytes]) -> None:
        plain = [text.encode() if isinstance(text, str) else text for text in texts]
        if any(not text for text in plain):
            raise ValueError("an empty text stands everywhere")
        self._numbers = {form: number for number, text in enumerate(plain) for form in _forms(text)}
        longest_first = sorted(self._numbers, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(form) for form in longest_first)) if plain else None
        self.longest = max((len(form) for form in self._numbers), default=0)

    def found_in(self, raw: bytes) -> set[int]:
        """Numbers of the needles that stand in `raw`, also in base64 within it."""
        if self._pattern is None:
            return set()
        found = {self._numbers[match] for match in self._pattern.findall(raw)}
        for inner in base64_pieces(raw):
            found |= {self._numbers[match] for match in self._pattern.findall(inner)}
        return found


def _forms(text: bytes) -> Iterator[bytes]:
    yield text
    try:
        words = text.decode()
    except UnicodeDecodeError:
        words = ""
    if words:
        yield words.encode("utf-16-le")
        yield words.encode("utf-16-be")
        escaped = json.dumps(words)[1:-1].encode()  # non-ASCII letters as JSON writes them by default
        yield escaped
    yield text.hex().encode()


def search_workspace(
    root: Path | str, needles: Sequence[str | bytes], *, vault: Vault | None = None
) -> list[Hit]:
    """Where any of the needles stands in the workspace.

    Args:
        root: folder of the workspace.
        needles: ids, names, numbers …; the shorter, the more hits by chance.
        vault: opens what is encrypted; without it only its ciphertext is searched.

    Returns:
        Every file, place and needle once, sorted; empty is the proof.
    """
    folder = Path(root)
    wanted = Needles(needles)
    hits: set[Hit] = set()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        hits |= {Hit(number, name, "name") for number in wanted.found_in(name.encode())}
        for place, number in _in_file(path, wanted, vault):
            hits.add(Hit(number, name, place))
    if vault is not None:
        hits |= set(_in_vault(vault, wanted)) | set(_in_landing(vault, folder / "landing", wanted))
    return sorted(hits, key=lambda hit: (hit.path, hit.place, hit.needle))


def _in_file(path: Path, wanted: Needles, vault: Vault | None) -> Iterator[tuple[str, int]]:
    with path.open("rb") as file:
        yield from _in_stream(file, wanted, vault)
        file.seek(0)
        is_database = file.read(16).startswith(b"SQLite format 3\0")
    if is_database:
        yield from _in_pieces(sqlite_pieces(path), wanted, vault)


def _in_stream(file: BinaryIO, wanted: Needles, vault: Vault | None) -> Iterator[tuple[str, int]]:
    head = file.read(16)
    file.seek(0)
    for piece in _slices(file, 2 * wanted.longest):
        yield from _in_pieces([("raw", piece)], wanted, vault)
    yield from _in_pieces(unpacked(head, file), wanted, vault)


def _slices(file: BinaryIO, overlap: int) -> Iterator[bytes]:
    tail = b""
    while piece := file.read(_SLICE):
        yield tail + piece
        tail = (tail + piece)[-overlap:] if overlap else b""


def _in_pieces(
    pieces: Iterable[tuple[str, bytes]], wanted: Needles, vault: Vault | None
) -> Iterator[tuple[str, int]]:
    for place, raw in pieces:
        yield from ((place, number) for number in wanted.found_in(raw))
        if vault is not None:
            for sealed in _SEALED.findall(raw):
                try:
                    plain = open_text(vault, sealed.decode()).encode()
                except (
                    SealDamaged
                ):  # cut by the end of a page, or not one of ours; whole ones are met elsewhere
                    continue
                yield from ((f"{place}, unsealed", number) for number in wanted.found_in(plain))


def _in_vault(vault: Vault, wanted: Needles) -> Iterator[Hit]:
    people = (json.dumps(fields, ensure_ascii=False).encode() for _, fields in vault.people())
    documents = (json.dumps(document, ensure_ascii=False).encode() for document in vault.documents())
    sources = (source for kind in PREFIXES for source in vault.records.all(record_kind(kind)))
    for place, records in (("people", people), ("documents", documents), ("pseudonyms", sources)):
        for record in records:
            yield from (Hit(number, vault.database.path.name, place) for number in wanted.found_in(record))


def _in_landing(vault: Vault, folder: Path, wanted: Needles) -> Iterator[Hit]:
    zone = LandingZone(folder, vault)
    for file in zone.files():
        name = f"landing/{file.path.name}"
        yield from (Hit(number, name, "decrypted name") for number in wanted.found_in(file.name.encode()))
        with zone.open(file.file_id) as plain:
            content: io.BufferedReader = plain
            for place, number in _in_stream(content, wanted, None):
                yield Hit(number, name, f"decrypted {place}")
