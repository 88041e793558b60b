"""New keys for old: safe to kill at any moment, and opening the vault afterwards finds the key that fits."""

from __future__ import annotations

from dataclasses import dataclass

from gridloop.security.envelope import RENEWED, Purpose
from gridloop.security.keys import KeyRing, next_key_path
from gridloop.security.vault import Vault, insert_data_key


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did.

    Attributes:
        old_key_id, new_key_id: public names of the key-encryption keys.
        data_keys: how many data keys were wrapped anew.
        records: how many records were encrypted anew (0 without `data`).
    """

    old_key_id: str
    new_key_id: str
    data_keys: int
    records: int


def rotate(vault: Vault, *, data: bool = False) -> Rotation:
    """Give the workspace a new key-encryption key; call it under the workspace lock.

    Order: the new key file is written beside the old one and synced; one transaction wraps the data keys anew (and
    with `data` encrypts the records anew); the new file takes the old one's place. Killed before the commit, the old
    key still fits; killed after it, opening the vault puts the new key in place.

    Args:
        vault: an open vault; it stays open and uses the new keys.
        data: also renew the data keys. Records are encrypted anew at once; landing files by `LandingZone.reseal`;
            sealed rows of the quarantine keep their old key until they go.

    Raises:
        StorageFull: no room; the old keys stay.
    """
    old = KeyRing.open(vault.workspace_id, vault.keys.folder, str(vault.database.setting("key_id")))
    new = KeyRing.random(old.workspace_id, old.folder)
    new.write(next_key_path(old.folder, old.workspace_id))
    try:
        with vault.database.transaction() as connection:
            count = _wrap_anew(vault, old, new)
            vault.keys = new
            records = _renew_data_keys(vault) if data else 0
            connection.execute("UPDATE meta SET value = ? WHERE name = 'key_id'", (new.key_id,))
    except BaseException:
        # the interruption may have come just after the commit: only the vault's file knows which key fits
        vault.keys = new if vault.database.setting("key_id") == new.key_id else old
        vault.load_keys()
        raise
    new.promote()
    vault.database.sweep()
    vault.load_keys()
    return Rotation(old.key_id, new.key_id, count, records)


def drop_unused_keys(vault: Vault, purpose: Purpose) -> int:
    """Delete the data keys of a purpose that are not current; for a caller that knows nothing needs them."""
    with vault.database.transaction() as connection:
        gone = connection.execute(
            "DELETE FROM data_key WHERE purpose = ? AND current = 0", (purpose.value,)
        ).rowcount
    vault.database.sweep()
    vault.load_keys()
    return gone


def _wrap_anew(vault: Vault, old: KeyRing, new: KeyRing) -> int:
    with vault.database.transaction() as connection:
        rows = connection.execute("SELECT number, purpose, wrapped FROM data_key").fetchall()
        connection.executemany(
            "UPDATE data_key SET wrapped = ? WHERE number = ?",
            [(new.wrap(old.unwrap(wrapped, purpose), purpose), number) for number, purpose, wrapped in rows],
        )
    return len(rows)


def _renew_data_keys(vault: Vault) -> int:
    for purpose in RENEWED:
        insert_data_key(vault.database, vault.keys, purpose)
    vault.load_keys()
    records = vault.records.reseal(vault.cipher(Purpose.RECORDS))
    with vault.database.transaction() as connection:
        connection.execute("DELETE FROM data_key WHERE purpose = ? AND current = 0", (Purpose.RECORDS.value,))
    return records
