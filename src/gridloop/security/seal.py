"""Sealed text: a short text, such as a quarantined row, that may stand in an ordinary table."""

from __future__ import annotations

import base64
import binascii

from gridloop.security.envelope import Purpose
from gridloop.security.errors import SealDamaged
from gridloop.security.vault import Vault

PREFIX = "sealed1."
"""How a sealed text begins; the number of its data key and base64 follow."""

_PLACE = b"text"


def seal_text(vault: Vault, text: str) -> str:
    """Encrypt a text (AES-256-GCM, random nonce) into ASCII of the form `sealed1.<data key>.<base64>`.

    The same text gives another result each time, so leave it out of digests.
    """
    cipher = vault.cipher(Purpose.SEAL)
    return f"{PREFIX}{cipher.current}.{base64.b64encode(cipher.encrypt(text.encode(), _PLACE)).decode()}"


def seal_texts(vault: Vault, texts: list[str]) -> list[str]:
    """`seal_text` of many texts at once."""
    cipher = vault.cipher(Purpose.SEAL)
    sealed = cipher.encrypt_many((text.encode(), _PLACE) for text in texts)
    return [f"{PREFIX}{cipher.current}.{base64.b64encode(one).decode()}" for one in sealed]


def open_text(vault: Vault, sealed: str) -> str:
    """The text of `seal_text`.

    Raises:
        SealDamaged: not a sealed text, altered, cut off, or of another workspace.
    """
    number, dot, body = sealed.removeprefix(PREFIX).partition(".")
    try:
        if not sealed.startswith(PREFIX) or not dot or not number.isdigit():
            raise ValueError
        raw = base64.b64decode(body, validate=True)
        if base64.b64encode(raw).decode() != body:  # spare bits of the last letter
            raise ValueError
    except (binascii.Error, ValueError) as error:
        raise SealDamaged(
            "A text that should be sealed is not.",
            evidence={"begins as expected": sealed.startswith(PREFIX), "characters": len(sealed)},
            ways_out=("Import the source file again; its quarantined rows are sealed anew.",),
        ) from error
    return vault.cipher(Purpose.SEAL).decrypt(int(number), raw, _PLACE).decode()
