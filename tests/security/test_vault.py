"""The vault keeps what it is told, shows none of it on the disk, and notices every change."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import StorageFull, UsageError, WorkspaceVersion
from gridloop.security import database
from gridloop.security.errors import SealDamaged, VaultDamaged, VaultExists, WrongKey
from gridloop.security.vault import PeopleChange, Vault

WORKSPACE = "7f3c0d"
ADA = {"customer_id": "c-1", "name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.org"}

fields = st.dictionaries(
    st.sampled_from(["name", "phone", "email", "address", "language", "birth_year"]),
    st.one_of(st.text(), st.integers(-(2**40), 2**40), st.booleans()),
)


def everything(folder):
    """All bytes of all files below a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_person_is_read_back_after_reopening(vault, root, keys_dir):
    vault.put_people([ADA])
    vault.close()
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as again:
        assert again.person("c-1") == ADA
        assert again.person("c-2") is None
        assert again.count_people() == 1


def test_the_latest_value_of_each_field_wins_and_is_counted(vault):
    assert vault.put_people([ADA]) == PeopleChange(added=1)
    assert vault.put_people([ADA]) == PeopleChange(unchanged=1)
    change = vault.put_people([{"customer_id": "c-1", "phone": "1", "language": "en", "email": None}])
    assert change == PeopleChange(changed=1, fields_changed=2)
    assert vault.person("c-1") == {**ADA, "phone": "1", "language": "en"}


def test_of_two_rows_with_one_id_the_later_wins(vault):
    vault.put_people([{"customer_id": "c-1", "name": "A", "phone": "1"}, {"customer_id": "c-1", "name": "B"}])
    assert vault.person("c-1") == {"customer_id": "c-1", "name": "B", "phone": "1"}


def test_people_come_in_the_order_asked_for_or_all_at_once(vault):
    vault.put_people({"customer_id": f"c-{n}", "name": f"N{n}"} for n in range(1200))
    asked = ["c-7", "c-nobody", "c-3"]
    assert [customer for customer, _ in vault.people(asked)] == ["c-7", "c-3"]
    assert {customer for customer, _ in vault.people()} == {f"c-{n}" for n in range(1200)}


def test_a_row_without_an_id_is_refused(vault):
    with pytest.raises(UsageError, match="customer_id"):
        vault.put_people([{"name": "nobody"}])


@settings(max_examples=25, deadline=None)
@given(people=st.dictionaries(st.text(min_size=1, max_size=20), fields, max_size=20))
def test_whatever_is_put_in_comes_out(tmp_path_factory, people):
    folder = tmp_path_factory.mktemp("vault")
    with Vault.create(folder / "w" / "vault", WORKSPACE, folder / "keys") as vault:
        vault.put_people({"customer_id": name, **person} for name, person in people.items())
        expected = {name: {"customer_id": name, **person} for name, person in people.items()}
        assert dict(vault.people()) == expected


def test_no_plain_text_stands_in_any_file_of_the_vault(vault, root):
    vault.put_people([ADA, {"customer_id": "c-2", "name": "王小明", "address": "黄浦区南京东路100号"}])
    needles = [value.encode() for value in ADA.values()] + ["王小明".encode(), "南京东路".encode()]
    raw = everything(root)
    assert len(raw) > 10_000
    assert [needle for needle in needles if needle in raw] == []
    vault.close()
    assert [needle for needle in needles if needle in everything(root)] == []


def test_an_erased_record_leaves_no_ciphertext_behind(vault, root):
    vault.put_people([ADA])
    ((sealed,),) = vault.database.rows("SELECT sealed FROM record")
    vault.database.sweep()
    assert sealed in everything(root)
    assert vault.erase(["c-1", "c-2"]) == 1
    assert vault.person("c-1") is None
    assert sealed not in everything(root)


def test_a_record_that_was_altered_or_moved_is_noticed(vault):
    vault.put_people([ADA, {"customer_id": "c-2", "name": "Bob"}])
    rows = vault.database.rows("SELECT lookup, sealed FROM record ORDER BY lookup")
    with vault.database.transaction() as connection:
        connection.execute("UPDATE record SET sealed = ? WHERE lookup = ?", (rows[1][1], rows[0][0]))
        flipped = bytes([rows[0][1][0] ^ 1]) + rows[0][1][1:]
        connection.execute("UPDATE record SET sealed = ? WHERE lookup = ?", (flipped, rows[1][0]))
    for customer in ("c-1", "c-2"):
        with pytest.raises(SealDamaged, match="altered, cut off or moved"):
            vault.person(customer)


def test_a_data_key_that_was_altered_is_a_key_that_does_not_fit(vault, root, keys_dir):
    with vault.database.transaction() as connection:
        connection.execute("UPDATE data_key SET wrapped = zeroblob(60) WHERE purpose = 'records'")
    vault.close()
    with pytest.raises(WrongKey, match="does not open the vault's data keys"):
        Vault.open(root / "vault", WORKSPACE, keys_dir)


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_told_as_such(vault, root, keys_dir, damage):
    vault.close()
    (root / "vault" / "vault.db").write_bytes(damage)
    with pytest.raises(VaultDamaged, match="cannot be read"):
        Vault.open(root / "vault", WORKSPACE, keys_dir)


def test_a_second_vault_and_a_missing_one_are_refused(vault, root, keys_dir, tmp_path):
    with pytest.raises(VaultExists):
        Vault.create(root / "vault", WORKSPACE, keys_dir)
    with pytest.raises(UsageError, match="no vault"):
        Vault.open(tmp_path / "nowhere", WORKSPACE, keys_dir)
    with pytest.raises(UsageError, match="another workspace"):
        Vault.open(root / "vault", "other", keys_dir)


def test_a_vault_of_a_newer_version_is_refused(vault, root, keys_dir):
    with vault.database.transaction() as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name = 'layout'")
    vault.close()
    with pytest.raises(WorkspaceVersion):
        Vault.open(root / "vault", WORKSPACE, keys_dir)


def test_a_creation_killed_at_any_line_can_be_repeated(root, keys_dir, killed_at):
    line, killed = 1, True
    while killed:
        killed = killed_at(
            line, "gridloop/security", lambda: Vault.create(root / "vault", WORKSPACE, keys_dir)
        )
        line += 7
        if not Vault.exists(root / "vault"):
            continue
        Vault.open(root / "vault", WORKSPACE, keys_dir).close()
        for path in [*(root / "vault").iterdir(), *keys_dir.iterdir()]:
            path.unlink()
    assert line > 100


def test_a_full_disk_is_told_and_nothing_is_half_stored(vault):
    vault.put_people([ADA])
    vault.database.rows("PRAGMA max_page_count = 20")
    with pytest.raises(StorageFull):
        vault.put_people({"customer_id": f"c-{n}", "name": "x" * 300} for n in range(2000))
    assert vault.count_people() == 1
    assert vault.person("c-1") == ADA


def test_the_files_are_private(vault, root):
    assert stat.S_IMODE((root / "vault").stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "vault" / database.FILE).stat().st_mode) == 0o600


def test_the_file_keeps_its_promises_to_the_disk(vault):
    assert vault.database.rows("PRAGMA journal_mode") == [("wal",)]
    assert vault.database.rows("PRAGMA synchronous") == [(2,)]
    assert vault.database.rows("PRAGMA secure_delete") == [(1,)]


def test_fifty_thousand_people_go_in_and_come_out(vault):
    people = [
        {"customer_id": f"c-{n}", "name": f"Name {n}", "phone": str(13800000000 + n)} for n in range(50_000)
    ]
    assert vault.put_people(people) == PeopleChange(added=50_000)
    assert sum(1 for _ in vault.people(f"c-{n}" for n in range(50_000))) == 50_000


def test_what_another_process_wrote_is_seen(vault, root, keys_dir):
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as other:
        other.put_people([ADA])
    assert vault.person("c-1") == ADA


def test_the_vault_is_an_ordinary_sqlite_file(vault, root):
    vault.put_people([ADA])
    with closing(sqlite3.connect(root / "vault" / database.FILE)) as connection:
        assert connection.execute("SELECT count(*) FROM record").fetchone() == (1,)
