"""Data keys and what they encrypt: AES-256-GCM with random nonces, bound to workspace, purpose and place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridloop.security.errors import SealDamaged
from gridloop.security.keys import NONCE_BYTES


class Purpose(StrEnum):
    """What a data key is for; a key of one purpose opens nothing of another."""

    RECORDS = "records"
    LANDING = "landing"
    SEAL = "seal"
    LOOKUP = "lookup"
    PSEUDONYM = "pseudonym"
    SIGNING = "signing"


RENEWED = (Purpose.RECORDS, Purpose.LANDING, Purpose.SEAL)
"""Purposes whose data key a rotation renews. Others name things or sign: renewing them would change every name."""


class Cipher:
    """Encrypts with the current data key of one purpose, decrypts with any that is kept.

    Args:
        scope: workspace and purpose, part of the associated data of everything.
        keys: key number to data key.
        current: number of the key that new texts are encrypted with.
    """

    def __init__(self, scope: str, keys: Mapping[int, bytes], current: int) -> None:
        self.scope = scope.encode()
        self.current = current
        self._opened = {number: AESGCM(key) for number, key in keys.items()}

    def encrypt(self, plain: bytes, place: bytes) -> bytes:
        """Nonce, ciphertext and tag of `plain`; it opens only together with the same `place`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._opened[self.current].encrypt(nonce, plain, self.scope + place)

    def encrypt_many(self, items: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Like `encrypt` for pairs of plain text and place, with the nonces drawn in bulk."""
        seal, scope = self._opened[self.current].encrypt, self.scope
        pool, used = b"", 0
        for plain, place in items:
            if used == len(pool):
                pool, used = os.urandom(NONCE_BYTES * 4096), 0
            nonce = pool[used : used + NONCE_BYTES]
            used += NONCE_BYTES
            yield nonce + seal(nonce, plain, scope + place)

    def decrypt(self, number: int, sealed: bytes, place: bytes) -> bytes:
        """The plain text.

        Args:
            number: key number it was encrypted with.
            sealed: as `encrypt` gave it.
            place: the same as then.

        Raises:
            SealDamaged: altered, cut off, moved to another place, or encrypted with a key that is not kept.
        """
        opener = self._opened.get(number)
        try:
            if opener is None:
                raise InvalidTag
            return opener.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self.scope + place)
        except (InvalidTag, ValueError) as error:
            raise SealDamaged(
                "A sealed record does not open: it was altered, cut off or moved, or its data key is gone.",
                evidence={"purpose": self.scope.decode(), "data key": number, "bytes": len(sealed)},
                ways_out=("Restore the vault folder from its backup.", "Import the source files again."),
            ) from error
