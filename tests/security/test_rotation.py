"""A rotation renews the keys and loses nothing, wherever it is killed."""

from __future__ import annotations

import shutil

import pytest

from gridloop.domain.errors import StorageFull
from gridloop.security.envelope import Purpose
from gridloop.security.errors import VaultDamaged, WrongKey
from gridloop.security.keys import KeyRing, key_path, next_key_path
from gridloop.security.pseudonym import Pseudonyms
from gridloop.security.rotation import rotate
from gridloop.security.seal import open_text, seal_text
from gridloop.security.vault import Vault

WORKSPACE = "7f3c0d"


def filled(vault):
    """A vault with people and pseudonyms, and what it should answer."""
    names = Pseudonyms(vault, "customer").of_many([f"CUST-{n}" for n in range(30)])
    vault.put_people({"customer_id": name, "name": f"Name {n}"} for n, name in enumerate(names))
    return names


def answers(vault, names):
    """What the vault says about everybody."""
    return [vault.person(name)["name"] for name in names], Pseudonyms(vault, "customer").reveal_many(names)


@pytest.mark.parametrize("data", [False, True])
def test_a_rotation_changes_the_key_and_nothing_else(vault, root, keys_dir, data):
    names = filled(vault)
    sealed = seal_text(vault, "a quarantined row")
    before, old = answers(vault, names), vault.keys
    records = vault.database.rows("SELECT lookup, sealed FROM record")
    done = rotate(vault, data=data)
    assert done.old_key_id == old.key_id != done.new_key_id == vault.key_id
    assert (done.data_keys, done.records) == (len(Purpose), 60 if data else 0)
    assert answers(vault, names) == before
    vault.close()
    assert KeyRing.read(key_path(keys_dir, WORKSPACE), WORKSPACE).key_id == done.new_key_id
    assert not next_key_path(keys_dir, WORKSPACE).exists()
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as again:
        assert answers(again, names) == before
        assert Pseudonyms(again, "customer").of("CUST-3") == names[3]
        assert open_text(again, sealed) == "a quarantined row"
        assert (again.database.rows("SELECT lookup, sealed FROM record") == records) is not data


def test_the_old_key_is_useless_after_a_rotation(vault, root, keys_dir):
    filled(vault)
    old = vault.keys
    rotate(vault)
    vault.close()
    old.write(key_path(keys_dir, WORKSPACE))
    with pytest.raises(WrongKey, match="another key than the vault"):
        Vault.open(root / "vault", WORKSPACE, keys_dir)


def test_the_old_wrapped_keys_are_nowhere_left(vault, root):
    wrapped = [row[0] for row in vault.database.rows("SELECT wrapped FROM data_key")]
    rotate(vault)
    raw = b"".join(path.read_bytes() for path in (root / "vault").iterdir())
    assert [old for old in wrapped if old in raw] == []


@pytest.mark.parametrize("data", [False, True])
def test_a_rotation_killed_at_any_line_leaves_a_vault_that_opens(root, keys_dir, killed_at, data):
    with Vault.create(root / "vault", WORKSPACE, keys_dir) as vault:
        names = filled(vault)
        before = answers(vault, names)

    def rotate_once():
        with Vault.open(root / "vault", WORKSPACE, keys_dir) as opened:
            rotate(opened, data=data)

    seen, line, killed = set(), 60, True
    for folder in (root, keys_dir):
        shutil.copytree(folder, folder.with_suffix(".before"))
    while killed:
        killed = killed_at(line, "gridloop/security", rotate_once)
        line += 23 if data else 9
        with Vault.open(root / "vault", WORKSPACE, keys_dir) as opened:
            assert answers(opened, names) == before
            seen.add(opened.key_id)
        for folder in (root, keys_dir):
            shutil.rmtree(folder)
            shutil.copytree(folder.with_suffix(".before"), folder)
    assert len(seen) > 2


class Broken(Exception):
    """Planted."""


@pytest.mark.parametrize("step", ["_wrap_anew", "_renew_data_keys"])
def test_an_error_within_a_rotation_leaves_the_open_vault_on_the_old_key(vault, monkeypatch, step):
    from gridloop.security import rotation

    names = filled(vault)
    before, old = answers(vault, names), vault.key_id

    def fail(*_):
        raise Broken

    monkeypatch.setattr(rotation, step, fail)
    with pytest.raises(Broken):
        rotate(vault, data=True)
    assert vault.key_id == old
    assert answers(vault, names) == before
    monkeypatch.undo()
    rotate(vault, data=True)
    assert answers(vault, names) == before


def test_an_interruption_just_before_the_new_file_takes_its_place_is_mended_by_the_next_opening(
    vault, root, keys_dir, monkeypatch
):
    names = filled(vault)
    before = answers(vault, names)
    monkeypatch.setattr(KeyRing, "promote", lambda self: (_ for _ in ()).throw(Broken))
    with pytest.raises(Broken):
        rotate(vault)
    monkeypatch.undo()
    assert next_key_path(keys_dir, WORKSPACE).exists()
    rotate(vault)  # the same open vault must not overwrite the only copy of the present key
    assert answers(vault, names) == before
    vault.close()
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as again:
        assert answers(again, names) == before


def test_opening_while_a_rotation_runs_leaves_its_new_key_alone(vault, root, keys_dir):
    new = KeyRing.random(WORKSPACE, keys_dir)
    new.write(next_key_path(keys_dir, WORKSPACE))
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as other:
        assert other.key_id == vault.key_id
    assert next_key_path(keys_dir, WORKSPACE).exists()


def test_a_full_disk_leaves_the_old_key(vault, monkeypatch):
    import errno
    import os

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    old = vault.key_id
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        rotate(vault)
    monkeypatch.undo()
    assert vault.key_id == old
    rotate(vault)


def test_a_process_with_the_keys_of_before_cannot_write_what_nobody_could_read(vault, root, keys_dir):
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as stale:
        rotate(vault, data=True)
        with pytest.raises(VaultDamaged, match="changed by another process"):
            stale.put_people([{"customer_id": "c-1", "name": "Ada"}])
    assert vault.count_people() == 0
