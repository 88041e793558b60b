"""The vault: personal data of one workspace, encrypted at rest, opened by security, delivery and the wiring only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from gridloop.domain.errors import UsageError
from gridloop.security.database import FILE, LAYOUT, VaultDatabase
from gridloop.security.envelope import Cipher, Purpose
from gridloop.security.errors import VaultExists
from gridloop.security.keys import KEY_BYTES, KeyRing, key_lost, key_path, keys_folder, refuse_inside
from gridloop.security.records import RecordStore

PERSON = "person"
DOCUMENT = "document"
ID_COLUMN = "customer_id"
_BATCH = 20_000

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class PeopleChange:
    """What storing people did.

    Attributes:
        added: people who were not known.
        changed: known people of whom at least one field got another value.
        unchanged: known people of whom nothing new was said.
        fields_changed: fields that got another value, summed over `changed`.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    fields_changed: int = 0

    def __add__(self, other: PeopleChange) -> PeopleChange:
        return PeopleChange(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.fields_changed + other.fields_changed,
        )


class Vault:
    """The opened vault of one workspace. Make one with `create`, open one with `open`; close it when done.

    Invariants: no identifier, name or other personal value stands unencrypted in any of its files; a record does
    not open in another workspace, kind or place; every change is all or nothing and survives a kill.
    """

    def __init__(self, folder: Path, database: VaultDatabase, keys: KeyRing) -> None:
        self.folder = folder
        self.database = database
        self.keys = keys
        self.load_keys()

    @staticmethod
    def exists(vault_dir: Path | str) -> bool:
        """Whether a whole vault lies in the folder."""
        folder = Path(vault_dir)
        if not (folder / FILE).exists():
            return False
        database = VaultDatabase(folder)
        try:
            return database.setting("key_id") is not None
        finally:
            database.close()

    @classmethod
    def create(
        cls,
        vault_dir: Path | str,
        workspace_id: str,
        keys_dir: Path | str | None = None,
        *,
        key_inside_workspace: bool = False,
    ) -> Self:
        """Make the vault and its key; a creation that was cut off is completed.

        Args:
            vault_dir: folder of the vault, directly below the workspace folder.
            workspace_id: the workspace's id; names the key file.
            keys_dir: folder of key files; `$GRIDLOOP_KEYS` or the user's configuration folder when not given.
            key_inside_workspace: allow the key folder to lie inside the workspace folder.

        Raises:
            VaultExists: there is one already.
            UsageError: the key would lie inside the workspace and that was not asked for.
            StorageFull: no room.
        """
        folder, keys = Path(vault_dir).resolve(), keys_folder(keys_dir)
        if not key_inside_workspace:
            refuse_inside(keys, folder.parent)
        database = VaultDatabase(folder)
        try:
            if database.setting("key_id") is not None:
                raise VaultExists(
                    f"{folder} already holds a vault.", ways_out=("Open it.", "Choose another folder.")
                )
            ring = KeyRing.create(workspace_id, keys)
            with database.transaction() as connection:
                for purpose in Purpose:
                    insert_data_key(database, ring, purpose)
                settings = {"layout": str(LAYOUT), "workspace": workspace_id, "key_id": ring.key_id}
                connection.executemany("INSERT INTO meta VALUES (?, ?)", settings.items())
            return cls(folder, database, ring)
        except BaseException:
            database.close()
            raise

    @classmethod
    def open(cls, vault_dir: Path | str, workspace_id: str, keys_dir: Path | str | None = None) -> Self:
        """Open the vault with the workspace's key.

        Raises:
            KeyLost: the key file is not there; says which file was expected and what can be done.
            WrongKey: a key is there, but not this vault's.
            VaultDamaged: the file is not a whole database.
            UsageError: there is no vault in the folder, or it is another workspace's.
        """
        folder, keys = Path(vault_dir).resolve(), keys_folder(keys_dir)
        if not cls.exists(folder):
            raise UsageError(
                f"There is no vault in {folder}.",
                ways_out=("Make one: Vault.create.", "Restore the vault folder from its backup."),
            )
        database = VaultDatabase(folder)
        try:
            owner, key_id = database.setting("workspace"), database.setting("key_id")
            if owner != workspace_id:
                raise UsageError(
                    "The vault belongs to another workspace.",
                    evidence={"vault of": owner, "workspace": workspace_id},
                )
            if not keys.is_dir():
                raise key_lost(key_path(keys, workspace_id), workspace_id, key_id)
            return cls(folder, database, KeyRing.open(workspace_id, keys, str(key_id)))
        except BaseException:
            database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the vault's file."""
        self.database.close()

    def load_keys(self) -> None:
        """Unwrap the data keys as the file has them now.

        Raises:
            WrongKey: the key does not open them.
        """
        self._data_keys: dict[str, dict[int, bytes]] = {}
        self._current: dict[str, int] = {}
        for number, purpose, current, wrapped in self.database.rows(
            "SELECT number, purpose, current, wrapped FROM data_key ORDER BY number"
        ):
            assert isinstance(number, int) and isinstance(wrapped, bytes)
            self._data_keys.setdefault(str(purpose), {})[number] = self.keys.unwrap(wrapped, str(purpose))
            if current:
                self._current[str(purpose)] = number
        self.records = RecordStore(self.database, self.secret(Purpose.LOOKUP), self.cipher(Purpose.RECORDS))

    @property
    def workspace_id(self) -> str:
        """The workspace this vault belongs to."""
        return self.keys.workspace_id

    @property
    def key_id(self) -> str:
        """Public name of the key that opens this vault; for `landing_file.key_id`."""
        return self.keys.key_id

    def secret(self, purpose: Purpose) -> bytes:
        """The current data key of a purpose, 32 bytes."""
        return self._data_keys[purpose][self._current[purpose]]

    def cipher(self, purpose: Purpose) -> Cipher:
        """What encrypts and decrypts for a purpose."""
        scope = f"gridloop/{self.workspace_id}/{purpose}/"
        return Cipher(scope, self._data_keys[purpose], self._current[purpose])

    # People --------------------------------------------------------------------------------------------------

    def put_people(self, people: Iterable[Mapping[str, object]]) -> PeopleChange:
        """Store personal fields, the latest value of each field winning.

        Args:
            people: mappings with `customer_id` (pseudonym) and any personal columns. A field that is absent or None
                says nothing and leaves what is known; of two mappings with one id the later wins. Dates and other
                values are kept as their text.

        Returns:
            How many people were added, changed and left as they were.

        Raises:
            UsageError: a mapping has no customer_id.
            StorageFull: no room; batches of 20,000 already stored stay.
        """
        change = PeopleChange()
        pending = iter(people)
        while batch := list(islice(pending, _BATCH)):
            change += self._put_batch(batch)
        return change

    def _put_batch(self, batch: list[Mapping[str, object]]) -> PeopleChange:
        said: dict[str, dict[str, Value]] = {}
        for row in batch:
            customer_id = row.get(ID_COLUMN)
            if not isinstance(customer_id, str) or not customer_id:
                raise UsageError(
                    "Personal data came without a customer_id.", evidence={"columns": ", ".join(sorted(row))}
                )
            fields = {
                name: _plain(value) for name, value in row.items() if value is not None and name != ID_COLUMN
            }
            said.setdefault(customer_id, {}).update(fields)
        with self.database.transaction():
            known = {name: json.loads(record) for name, record in self.records.fetch(PERSON, said).items()}
            added = changed = fields_changed = 0
            written: dict[str, bytes] = {}
            for customer_id, fields in said.items():
                before = known.get(customer_id)
                after = {**(before or {}), **fields, ID_COLUMN: customer_id}
                if before == after:
                    continue
                if before is None:
                    added += 1
                else:
                    changed += 1
                    fields_changed += sum(before.get(name) != value for name, value in after.items())
                written[customer_id] = json.dumps(after, ensure_ascii=False, separators=(",", ":")).encode()
            self.records.put(PERSON, written)
        return PeopleChange(added, changed, len(said) - added - changed, fields_changed)

    def person(self, customer_id: str) -> dict[str, Value] | None:
        """The personal fields of a customer, `customer_id` among them; None when none are known."""
        return next((fields for _, fields in self.people([customer_id])), None)

    def people(self, customer_ids: Iterable[str] | None = None) -> Iterator[tuple[str, dict[str, Value]]]:
        """Customer ids with their personal fields, in the order asked for; all people when no ids are given."""
        if customer_ids is None:
            for record in self.records.all(PERSON):
                fields = json.loads(record)
                yield fields[ID_COLUMN], fields
            return
        pending = iter(customer_ids)
        while batch := list(islice(pending, _BATCH)):
            found = self.records.fetch(PERSON, batch)
            yield from ((name, json.loads(found[name])) for name in batch if name in found)

    def count_people(self) -> int:
        """How many people the vault holds."""
        return self.records.count(PERSON)

    def erase(self, customer_ids: Iterable[str]) -> int:
        """Delete the personal fields of customers and overwrite their place; returns how many there were.

        For all of a person's traces see `gridloop.security.erasure`.
        """
        gone = self.records.remove(PERSON, customer_ids)
        self.database.sweep()
        return gone

    # Documents of security itself ------------------------------------------------------------------------------

    def keep_document(self, name: str, document: Mapping[str, object]) -> None:
        """Store a sealed JSON document of security's own, such as an erasure under way."""
        self.records.put(DOCUMENT, {name: json.dumps(document, ensure_ascii=False).encode()})

    def document(self, name: str) -> dict[str, object] | None:
        """A document kept earlier, or None."""
        found = self.records.fetch(DOCUMENT, [name])
        return json.loads(found[name]) if found else None

    def documents(self) -> Iterator[dict[str, object]]:
        """Every document kept."""
        for record in self.records.all(DOCUMENT):
            yield json.loads(record)

    def drop_document(self, name: str) -> None:
        """Delete a document."""
        self.records.remove(DOCUMENT, [name])


def insert_data_key(database: VaultDatabase, ring: KeyRing, purpose: Purpose) -> int:
    """Add a new random data key and make it the current one of its purpose; returns its number."""
    with database.transaction() as connection:
        connection.execute("UPDATE data_key SET current = 0 WHERE purpose = ?", (purpose.value,))
        cursor = connection.execute(
            "INSERT INTO data_key (purpose, current, wrapped) VALUES (?, 1, ?)",
            (purpose.value, ring.wrap(os.urandom(KEY_BYTES), purpose.value)),
        )
        return int(cursor.lastrowid or 0)


def _plain(value: object) -> Value:
    return value if isinstance(value, str | int | float | bool) else str(value)
