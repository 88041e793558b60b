"""Key backups: the workspace's key in a readable text file, shut by a passphrase (scrypt, AES-256-GCM)."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gridloop.domain.errors import SourceUnreadable, UsageError
from gridloop.security.errors import WrongKey, WrongPassphrase
from gridloop.security.keys import NONCE_BYTES, KeyRing, key_path, keys_folder, parse_fields, write_private

SHORTEST_PASSPHRASE = 12
SCRYPT_N = 2**17
"""Cost of a guess: 128 MiB and about half a second (RFC 7914; OWASP Password Storage Cheat Sheet)."""

_LARGEST_N = 2**20
_TITLE = "GRIDLOOP KEY BACKUP 1"
_ADVICE = """
This file and its passphrase bring back the key of a Gridloop workspace (docs/guides/vault.md).
Keep them apart from each other and from the workspace. After a rotation of the key, make a new backup.
"""


def export_key(ring: KeyRing, passphrase: str, path: Path) -> Path:
    """Write a backup of the key to `path`.

    Args:
        ring: the key.
        passphrase: at least 12 characters.
        path: a file that does not exist yet.

    Raises:
        UsageError: the passphrase is too short, or `path` exists.
        StorageFull: no room; no file is left.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UsageError(
            "The passphrase is too short to protect a key.",
            evidence={"characters": len(passphrase), "at least": SHORTEST_PASSPHRASE},
            ways_out=("Use four or more random words.",),
        )
    if path.exists():
        raise UsageError(
            f"{path} exists; a key backup never overwrites a file.", ways_out=("Name another file.",)
        )
    salt, nonce = os.urandom(16), os.urandom(NONCE_BYTES)
    sealed = nonce + AESGCM(_stretch(passphrase, salt, SCRYPT_N)).encrypt(
        nonce, ring.key, _context(ring.workspace_id, ring.key_id)
    )
    lines = (
        _TITLE,
        f"workspace: {ring.workspace_id}",
        f"key-id: {ring.key_id}",
        f"created: {ring.created}",
        f"scrypt-n: {SCRYPT_N}",
        f"salt: {base64.b64encode(salt).decode()}",
        f"sealed: {base64.b64encode(sealed).decode()}",
    )
    write_private(path, "\n".join(lines) + "\n" + _ADVICE)
    return path


def import_key(
    path: Path,
    passphrase: str,
    workspace_id: str,
    keys_dir: Path | str | None = None,
    *,
    replace: bool = False,
) -> KeyRing:
    """Put the key of a backup back where the workspace expects it.

    Args:
        path: the backup file.
        passphrase: its passphrase.
        workspace_id: the workspace it must belong to.
        keys_dir: folder of key files; see `keys.keys_folder`.
        replace: set another key that lies there aside (as `<name>.key.<its id>`) instead of refusing.

    Raises:
        SourceUnreadable: not a key backup, or damaged.
        WrongKey: it belongs to another workspace.
        WrongPassphrase: it does not open.
        UsageError: another key lies there and `replace` is not set; nothing was changed.
    """
    fields = _read_backup(path)
    if fields["workspace"] != workspace_id:
        raise WrongKey(
            "The backup belongs to another workspace.",
            evidence={"backup of": fields["workspace"], "workspace": workspace_id},
            ways_out=("Use the backup that was made of this workspace's key.",),
        )
    sealed, salt = base64.b64decode(fields["sealed"]), base64.b64decode(fields["salt"])
    try:
        opener = AESGCM(_stretch(passphrase, salt, int(fields["scrypt-n"])))
        key = opener.decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _context(workspace_id, fields["key-id"])
        )
    except InvalidTag as error:
        raise WrongPassphrase(
            "The key backup does not open with this passphrase.",
            evidence={"backup": str(path), "key id": fields["key-id"]},
            ways_out=("Type the passphrase again.", "If the file was altered, use another copy of it."),
        ) from error
    ring = KeyRing(workspace_id, keys_folder(keys_dir), fields.get("created", ""), key)
    _make_room(ring, replace)
    ring.write(ring.path)
    return ring


def _make_room(ring: KeyRing, replace: bool) -> None:
    path = key_path(ring.folder, ring.workspace_id)
    if not path.exists():
        return
    present = KeyRing.readable(path, ring.workspace_id)
    present_id = present.key_id if present else "unreadable"
    if present_id == ring.key_id:
        return
    if not replace:
        raise UsageError(
            "Another key lies where the backup's key would go; nothing was changed.",
            evidence={"key file": str(path), "there": present_id, "in the backup": ring.key_id},
            ways_out=("Move that file away, or ask to set it aside: replace=True.",),
        )
    path.replace(path.with_name(f"{path.name}.{present_id}"))


def _read_backup(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
        fields = parse_fields(text)
        base64.b64decode(fields["sealed"], validate=True)
        base64.b64decode(fields["salt"], validate=True)
        whole = text.startswith(_TITLE) and {"workspace", "key-id"} <= fields.keys()
        whole = whole and 2**14 <= int(fields["scrypt-n"]) <= _LARGEST_N
    except (OSError, UnicodeDecodeError, KeyError, binascii.Error, ValueError) as error:
        raise _not_a_backup(path) from error
    if not whole:
        raise _not_a_backup(path)
    return fields


def _not_a_backup(path: Path) -> SourceUnreadable:
    return SourceUnreadable(
        f"{path} is not a whole Gridloop key backup.",
        ways_out=(f"Use the file that begins with {_TITLE!r}; copy all of its lines.",),
    )


def _stretch(passphrase: str, salt: bytes, n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=8, p=1).derive(passphrase.encode())


def _context(workspace_id: str, key_id: str) -> bytes:
    return f"gridloop/{workspace_id}/key-backup/{key_id}".encode()
