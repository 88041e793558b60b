"""Encrypted records in the vault's file, found by a keyed digest: no identifier stands there in plain text."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from gridloop.security.database import VaultDatabase
from gridloop.security.envelope import Cipher

_BATCH = 500
_LOOKUP_BYTES = 16


class RecordStore:
    """Sealed records by kind and name.

    Args:
        database: the vault's file.
        lookup_key: 32 bytes; a record is stored under HMAC-SHA256(lookup_key, kind and name), cut to 16 bytes.
        cipher: what seals the records.
    """

    def __init__(self, database: VaultDatabase, lookup_key: bytes, cipher: Cipher) -> None:
        self.database = database
        self.cipher = cipher
        self._lookup_key = lookup_key

    def lookup(self, kind: str, name: str) -> bytes:
        """Where the record of that name is stored: 16 bytes that tell nothing without the key."""
        return hmac.digest(self._lookup_key, f"{kind}\0{name}".encode(), "sha256")[:_LOOKUP_BYTES]

    def put(self, kind: str, records: Mapping[str, bytes]) -> None:
        """Store or replace records by name, all or none."""
        places = sorted((self.lookup(kind, name), plain) for name, plain in records.items())
        sealed = self.cipher.encrypt_many((plain, place(kind, lookup)) for lookup, plain in places)
        rows = (
            (kind, lookup, self.cipher.current, text)
            for (lookup, _), text in zip(places, sealed, strict=True)
        )
        with self.database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", rows)

    def fetch(self, kind: str, names: Iterable[str]) -> dict[str, bytes]:
        """The records of the names that have one.

        Raises:
            SealDamaged: a record was altered.
        """
        found = {}
        pending = iter(names)
        while batch := {self.lookup(kind, name): name for name in islice(pending, _BATCH)}:
            marks = ",".join("?" * len(batch))
            for lookup, number, sealed in self.database.rows(
                f"SELECT lookup, data_key, sealed FROM record WHERE kind = ? AND lookup IN ({marks})",
                (kind, *batch),
            ):
                found[batch[_bytes(lookup)]] = self._opened(kind, lookup, number, sealed)
        return found

    def all(self, kind: str) -> Iterator[bytes]:
        """Every record of a kind, in no telling order, read in batches."""
        last = b""
        while rows := self.database.rows(
            "SELECT lookup, data_key, sealed FROM record WHERE kind = ? AND lookup > ? ORDER BY lookup LIMIT ?",
            (kind, last, _BATCH),
        ):
            for lookup, number, sealed in rows:
                yield self._opened(kind, lookup, number, sealed)
            last = _bytes(rows[-1][0])

    def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        return int(str(self.database.rows("SELECT count(*) FROM record WHERE kind = ?", (kind,))[0][0]))

    def remove(self, kind: str, names: Iterable[str]) -> int:
        """Delete records and overwrite their place; returns how many there were."""
        lookups = [(kind, self.lookup(kind, name)) for name in names]
        with self.database.transaction() as connection:
            before = connection.total_changes
            connection.executemany("DELETE FROM record WHERE kind = ? AND lookup = ?", lookups)
            return connection.total_changes - before

    def reseal(self, cipher: Cipher) -> int:
        """Encrypt every record anew with `cipher`'s current key, within the caller's transaction."""
        count, last = 0, ("", b"")
        with self.database.transaction() as connection:
            while rows := connection.execute(
                "SELECT kind, lookup, data_key, sealed FROM record WHERE (kind, lookup) > (?, ?) "
                "ORDER BY kind, lookup LIMIT ?",
                (*last, _BATCH),
            ).fetchall():
                plain = [(self._opened(k, lk, n, s), place(k, lk)) for k, lk, n, s in rows]
                fresh = zip(cipher.encrypt_many(plain), rows, strict=True)
                connection.executemany(
                    "UPDATE record SET data_key = ?, sealed = ? WHERE kind = ? AND lookup = ?",
                    [(cipher.current, sealed, row[0], row[1]) for sealed, row in fresh],
                )
                count, last = count + len(rows), (rows[-1][0], rows[-1][1])
        return count

    def _opened(self, kind: str, lookup: object, number: object, sealed: object) -> bytes:
        return self.cipher.decrypt(int(str(number)), _bytes(sealed), place(kind, _bytes(lookup)))


def place(kind: str, lookup: bytes) -> bytes:
    """The associated data of a record: it does not open in the place of another."""
    return kind.encode() + b"\0" + lookup


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value
