"""What stays of an erased person: a signed record that an erasure happened, with no identifier in it."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gridloop.engine.durable import write_durably
from gridloop.security.envelope import Purpose
from gridloop.security.errors import SealDamaged
from gridloop.security.vault import Vault

FOLDER = "tombstones"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A signed record of one erasure.

    Attributes:
        tombstone_id: random; stands in the ledger where the person's ids stood.
        erased_at: ISO 8601 instant, UTC.
        requester: reference of the request, such as a case number; never a name.
        counts: what was removed, by name.
        digest: HMAC-SHA256 of the erasure plan under a key of the vault, hexadecimal: proves a plan that is
            presented, tells nothing of one that is not.
        public_key, signature: Ed25519 (RFC 8032) over the canonical JSON of the other fields, base64.
    """

    tombstone_id: str
    erased_at: str
    requester: str
    counts: Mapping[str, int]
    digest: str
    public_key: str = ""
    signature: str = ""


def new_tombstone_id() -> str:
    """`t-` and 16 random hexadecimal digits."""
    return f"t-{secrets.token_hex(8)}"


def public_key(vault: Vault) -> str:
    """The workspace's key for checking tombstones, base64; give it to whoever audits."""
    raw = _private(vault).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def plan_digest(vault: Vault, plan: Mapping[str, object]) -> str:
    """The digest a tombstone carries of its plan."""
    text = json.dumps(plan, sort_keys=True, ensure_ascii=False).encode()
    return hmac.digest(vault.secret(Purpose.LOOKUP), b"erasure plan\0" + text, "sha256").hex()


def sign(vault: Vault, tombstone: Tombstone) -> Tombstone:
    """The same tombstone with public key and signature."""
    keyed = Tombstone(**{**asdict(tombstone), "public_key": public_key(vault), "signature": ""})
    signature = base64.b64encode(_private(vault).sign(_signed_text(keyed))).decode()
    return Tombstone(**{**asdict(keyed), "signature": signature})


def verify(tombstone: Tombstone, trusted_key: str) -> None:
    """Return when the tombstone was signed with the workspace's key and not altered since.

    Raises:
        SealDamaged: altered, or signed by another key than `trusted_key`.
    """
    try:
        if tombstone.public_key != trusted_key:
            raise InvalidSignature
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(trusted_key))
        key.verify(base64.b64decode(tombstone.signature), _signed_text(tombstone))
    except (InvalidSignature, ValueError) as error:
        raise SealDamaged(
            f"Tombstone {tombstone.tombstone_id} was altered or signed by another workspace.",
            ways_out=("Compare it with a copy from a backup.",),
        ) from error


def write(folder: Path, tombstone: Tombstone) -> Path:
    """Write the tombstone as JSON into `folder`/tombstones; writing it again changes nothing but the same file."""
    path = folder / FOLDER / f"{tombstone.tombstone_id}.json"
    write_durably(path, (json.dumps(asdict(tombstone), indent=2, ensure_ascii=False) + "\n").encode())
    return path


def read_all(folder: Path) -> Iterator[Tombstone]:
    """Every tombstone of a vault folder, by id."""
    for path in sorted((folder / FOLDER).glob("*.json")):
        yield Tombstone(**json.loads(path.read_text(encoding="utf-8")))


def _private(vault: Vault) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(vault.secret(Purpose.SIGNING))


def _signed_text(tombstone: Tombstone) -> bytes:
    fields = {name: value for name, value in asdict(tombstone).items() if name != "signature"}
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
