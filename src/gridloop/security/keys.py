"""The key-encryption key of a workspace: one small file outside the workspace folder (docs/decisions/0004).

It only wraps data keys; those are random, lie wrapped in the vault and encrypt everything else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridloop.domain.clock import SystemClock
from gridloop.domain.errors import KeyLost, UsageError
from gridloop.engine.durable import disk_full_is_told, sync_folder
from gridloop.security.errors import WrongKey

log = logging.getLogger(__name__)

KEYS_VARIABLE = "GRIDLOOP_KEYS"
KEY_BYTES = 32
NONCE_BYTES = 12
_FIRST_LINE = (
    "# Gridloop key. It opens the personal data of the workspace: keep it private, and a copy elsewhere."
)


def keys_folder(keys_dir: Path | str | None = None) -> Path:
    """The folder of key files: `keys_dir`, else `$GRIDLOOP_KEYS`, else the user's configuration folder."""
    chosen = keys_dir or os.environ.get(KEYS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    from platformdirs import user_config_path

    return user_config_path("gridloop") / "keys"


def refuse_inside(folder: Path, workspace_root: Path) -> None:
    """Refuse a key folder within the workspace: a copy of the workspace would carry its own key.

    Raises:
        UsageError: `folder` lies in `workspace_root`.
    """
    if folder.resolve().is_relative_to(workspace_root.resolve()):
        raise UsageError(
            "The key would lie inside the workspace that it protects.",
            evidence={"keys folder": str(folder), "workspace": str(workspace_root)},
            ways_out=(
                f"Set {KEYS_VARIABLE} or the setting `keys_folder` to a folder elsewhere.",
                "If that is really wanted (a throw-away demo), ask for it: key_inside_workspace=True.",
            ),
        )


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key-encryption key of one workspace, read from its file.

    Attributes:
        workspace_id: whose key it is; part of the associated data of everything it wraps.
        folder: folder of key files.
        created: ISO 8601 instant.
        key: 32 random bytes; never shown.
    """

    workspace_id: str
    folder: Path
    created: str
    key: bytes

    def __repr__(self) -> str:
        return f"KeyRing({self.workspace_id!r}, {self.key_id!r})"

    @classmethod
    def create(cls, workspace_id: str, folder: Path) -> Self:
        """Make the workspace's key, or take the one that is there (a creation that was cut off).

        Raises:
            StorageFull: no room; no file is left.
        """
        path = key_path(folder, workspace_id)
        if path.exists():
            return cls.read(path, workspace_id)
        ring = cls.random(workspace_id, folder)
        ring.write(path)
        return ring

    @classmethod
    def random(cls, workspace_id: str, folder: Path) -> Self:
        """A new key that is in no file yet."""
        return cls(workspace_id, folder, SystemClock().now().isoformat(), os.urandom(KEY_BYTES))

    @classmethod
    def open(cls, workspace_id: str, folder: Path, expected: str) -> Self:
        """The key with id `expected`, finishing a rotation that was cut off after its commit.

        A new key that was never committed stays beside the old one: a rotation may be running just now.

        Args:
            workspace_id: whose key.
            folder: folder of key files.
            expected: the key id that the vault was sealed with.

        Raises:
            KeyLost: there is no key file.
            WrongKey: there is one, but with another key, of another workspace or unreadable.
        """
        path, following = key_path(folder, workspace_id), next_key_path(folder, workspace_id)
        if following.exists() and (ring := cls.readable(following, workspace_id)) and ring.key_id == expected:
            ring.promote()
            return ring
        if not path.exists():
            raise key_lost(path, workspace_id, expected)
        ring = cls.read(path, workspace_id)
        if ring.key_id != expected:
            raise wrong_key(path, "another key than the vault was sealed with", ring.key_id, expected)
        return ring

    @classmethod
    def readable(cls, path: Path, workspace_id: str) -> Self | None:
        """The key in a file, or None when the file is not a whole key file of this workspace."""
        try:
            return cls.read(path, workspace_id)
        except (WrongKey, OSError):
            return None

    @classmethod
    def read(cls, path: Path, workspace_id: str) -> Self:
        """The key in a file.

        Raises:
            WrongKey: it is not a key file, is damaged or belongs to another workspace.
        """
        fields = parse_fields(path.read_text(encoding="utf-8", errors="replace"))
        try:
            key = base64.b64decode(fields["key"], validate=True)
        except (KeyError, binascii.Error):
            key = b""
        if len(key) != KEY_BYTES or fields.get("key-id") != fingerprint(key):
            raise wrong_key(path, "no readable key", fields.get("key-id"), None)
        if fields.get("workspace") != workspace_id:
            raise wrong_key(path, "the key of another workspace", fields.get("workspace"), workspace_id)
        if path.stat().st_mode & 0o077:
            log.warning("the key file %s can be read by others; make it private (mode 0600)", path)
        return cls(workspace_id, path.parent, fields.get("created", ""), key)

    @property
    def path(self) -> Path:
        """The key file."""
        return key_path(self.folder, self.workspace_id)

    @property
    def key_id(self) -> str:
        """Sixteen hexadecimal digits that name the key and tell nothing of it."""
        return fingerprint(self.key)

    def write(self, path: Path) -> None:
        """Write the key file so that it is whole or not there, readable by its owner only.

        Raises:
            StorageFull: no room; no file is left.
        """
        lines = (
            _FIRST_LINE,
            f"workspace: {self.workspace_id}",
            f"key-id: {self.key_id}",
            f"created: {self.created}",
            f"key: {base64.b64encode(self.key).decode()}",
        )
        write_private(path, "\n".join(lines) + "\n")

    def promote(self) -> None:
        """Make this key, written beside the old one, the workspace's key; the old file is gone then."""
        following = next_key_path(self.folder, self.workspace_id)
        with suppress(FileNotFoundError):  # another process that opened the vault has done it
            following.replace(self.path)
        sync_folder(self.folder)

    def wrap(self, data_key: bytes, purpose: str) -> bytes:
        """Encrypt a data key for storage: nonce, ciphertext, tag; bound to workspace and purpose."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, data_key, self._context(purpose))

    def unwrap(self, wrapped: bytes, purpose: str) -> bytes:
        """Decrypt a data key.

        Raises:
            WrongKey: it was wrapped by another key, for another purpose or workspace, or was altered.
        """
        try:
            return AESGCM(self.key).decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], self._context(purpose)
            )
        except InvalidTag as error:
            raise wrong_key(
                self.path, "a key that does not open the vault's data keys", self.key_id, None
            ) from error

    def _context(self, purpose: str) -> bytes:
        return f"gridloop/{self.workspace_id}/data-key/{purpose}".encode()


def key_path(folder: Path, workspace_id: str) -> Path:
    """The file of a workspace's key."""
    return folder / f"{workspace_id}.key"


def next_key_path(folder: Path, workspace_id: str) -> Path:
    """The file of the key that a running rotation is about to put in place."""
    return folder / f"{workspace_id}.key.next"


def fingerprint(key: bytes) -> str:
    """The public name of a key: the first 8 bytes of HMAC-SHA256 under it, in hexadecimal."""
    return hmac.digest(key, b"gridloop key id", "sha256")[:8].hex()


def parse_fields(text: str) -> dict[str, str]:
    """The `name: value` lines of a key or backup file; lines of other form and comments are passed over."""
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in a folder of mode 0700: whole or not at all, and on the disk on return."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk_full_is_told(path.parent):
        try:
            with os.fdopen(
                os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)


def key_lost(path: Path, workspace_id: str, expected: str | None) -> KeyLost:
    """The error for a key file that is not there."""
    return KeyLost(
        "The key that opens this workspace's personal data is not where it should be.",
        evidence={"key file": str(path), "key id": expected or "not known", "workspace": workspace_id},
        ways_out=(
            f"Put the key file back from its backup, or set {KEYS_VARIABLE} to the folder that holds it.",
            "Restore it from a key backup with its passphrase: `gridloop vault import-key FILE`.",
            "Go on without: tables hold pseudonyms only, so analysis works; names and source files stay shut.",
            "If the key is gone for good, personal data cannot be read again by anyone: "
            "import the source files into a new workspace.",
        ),
    )


def wrong_key(path: Path, what: str, found: object, expected: object) -> WrongKey:
    """The error for a key file that does not fit."""
    return WrongKey(
        f"The key file holds {what}.",
        evidence={
            "key file": str(path),
            "found": found or "nothing",
            "expected": expected or "a whole key file",
        },
        ways_out=(
            "Put the key file of this workspace there; after a rotation, only the newest one fits.",
            f"Look for it in other folders of keys and set {KEYS_VARIABLE} to the right one.",
            "Restore it from a key backup with its passphrase: `gridloop vault import-key FILE`.",
        ),
    )
