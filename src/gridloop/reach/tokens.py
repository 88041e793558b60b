"""Tokens of unsubscription: they name a message, and nobody without the workspace's key can make one."""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from gridloop.security.envelope import Purpose

if TYPE_CHECKING:
    from gridloop.security.vault import Vault

_PLACE = b"gridloop/unsubscribe/"
_TAG_BYTES = 16
_ID_BYTES = 16


class UnsubscribeTokens:
    """Makes and reads the tokens of one workspace.

    A token is Base64 (URL alphabet, no padding) of the 16 bytes of the message id and the first 16 bytes of
    HMAC-SHA-256 over it (RFC 2104; truncated to 128 bits as RFC 2104 section 5 allows).

    Args:
        key: secret, 32 bytes; `of` takes the vault's.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, vault: Vault) -> UnsubscribeTokens:
        """Tokens under the vault's signing key, which no rotation renews: links in old messages go on working."""
        return cls(vault.secret(Purpose.SIGNING))

    def make(self, message_id: str) -> str:
        """The token of a message, 43 characters.

        Args:
            message_id: 32 hexadecimal digits.
        """
        plain = bytes.fromhex(message_id)
        return base64.urlsafe_b64encode(plain + self._tag(plain)).rstrip(b"=").decode("ascii")

    def message_id(self, token: str) -> str | None:
        """The message that a token was made for; None when it was not made with this key."""
        try:
            raw = base64.b64decode(token.strip() + "=" * (-len(token.strip()) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        plain, tag = raw[:_ID_BYTES], raw[_ID_BYTES:]
        whole = len(raw) == _ID_BYTES + _TAG_BYTES and hmac.compare_digest(tag, self._tag(plain))
        return plain.hex() if whole else None

    def _tag(self, plain: bytes) -> bytes:
        return hmac.new(self._key, _PLACE + plain, sha256).digest()[:_TAG_BYTES]
