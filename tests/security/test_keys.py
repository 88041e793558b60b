"""The key lies outside the workspace, belongs to one workspace, and its loss is told with the ways out."""

from __future__ import annotations

import stat

import pytest

from gridloop.domain.errors import KeyLost, UsageError
from gridloop.security.backup import export_key, import_key
from gridloop.security.errors import WrongKey, WrongPassphrase
from gridloop.security.keys import KEYS_VARIABLE, KeyRing, fingerprint, key_path, keys_folder
from gridloop.security.vault import Vault

WORKSPACE = "7f3c0d"
PASSPHRASE = "correct horse battery staple"


def test_the_key_file_is_private_and_outside_the_workspace(vault, root, keys_dir):
    path = key_path(keys_dir, WORKSPACE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys_dir.stat().st_mode) == 0o700
    assert not path.is_relative_to(root)
    assert [p.name for p in keys_dir.iterdir()] == [f"{WORKSPACE}.key"]


def test_the_folder_of_keys_is_the_argument_then_the_variable_then_the_users_configuration(
    tmp_path, monkeypatch
):
    monkeypatch.setenv(KEYS_VARIABLE, str(tmp_path / "from-variable"))
    assert keys_folder(tmp_path / "given") == tmp_path / "given"
    assert keys_folder() == tmp_path / "from-variable"
    monkeypatch.delenv(KEYS_VARIABLE)
    assert keys_folder().parts[-2:] == ("gridloop", "keys")


def test_a_key_inside_the_workspace_must_be_asked_for(root):
    with pytest.raises(UsageError, match="inside the workspace"):
        Vault.create(root / "vault", WORKSPACE, root / "keys")
    Vault.create(root / "vault", WORKSPACE, root / "keys", key_inside_workspace=True).close()
    Vault.open(root / "vault", WORKSPACE, root / "keys").close()


def test_a_lost_key_is_told_with_the_file_and_the_ways_out(vault, root, keys_dir):
    vault.close()
    key_path(keys_dir, WORKSPACE).unlink()
    with pytest.raises(KeyLost) as caught:
        Vault.open(root / "vault", WORKSPACE, keys_dir)
    text = str(caught.value)
    assert str(key_path(keys_dir, WORKSPACE)) in text
    assert vault.key_id in text
    for way in (
        "from its backup",
        "passphrase",
        "pseudonyms only, so analysis works",
        "import the source files",
    ):
        assert way in text


def test_a_lost_folder_of_keys_is_a_lost_key(vault, root, keys_dir):
    vault.close()
    with pytest.raises(KeyLost):
        Vault.open(root / "vault", WORKSPACE, keys_dir / "elsewhere")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no readable key"),
        ("workspace: 7f3c0d\nkey: AAAA\n", "no readable key"),
        ("\x00\xff garbage", "no readable key"),
    ],
)
def test_a_damaged_key_file_is_told_apart_from_a_lost_one(vault, root, keys_dir, content, told):
    vault.close()
    key_path(keys_dir, WORKSPACE).write_text(content, encoding="latin-1")
    with pytest.raises(WrongKey, match=told):
        Vault.open(root / "vault", WORKSPACE, keys_dir)


def test_another_key_and_the_key_of_another_workspace_are_told_apart(vault, root, keys_dir):
    vault.close()
    KeyRing.random(WORKSPACE, keys_dir).write(key_path(keys_dir, WORKSPACE))
    with pytest.raises(WrongKey, match="another key than the vault"):
        Vault.open(root / "vault", WORKSPACE, keys_dir)
    KeyRing.random("other", keys_dir).write(key_path(keys_dir, WORKSPACE))
    with pytest.raises(WrongKey, match="another workspace"):
        Vault.open(root / "vault", WORKSPACE, keys_dir)


def test_a_key_that_others_can_read_is_warned_about(vault, keys_dir, caplog):
    key_path(keys_dir, WORKSPACE).chmod(0o644)
    KeyRing.read(key_path(keys_dir, WORKSPACE), WORKSPACE)
    assert "can be read by others" in caplog.text


def test_a_backup_brings_a_lost_key_back(vault, root, keys_dir, tmp_path):
    vault.put_people([{"customer_id": "c-1", "name": "Ada"}])
    backup = export_key(vault.keys, PASSPHRASE, tmp_path / "backup.txt")
    vault.close()
    key_path(keys_dir, WORKSPACE).unlink()
    import_key(backup, PASSPHRASE, WORKSPACE, keys_dir)
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as again:
        assert again.person("c-1") == {"customer_id": "c-1", "name": "Ada"}


def test_a_backup_is_readable_text_that_does_not_show_the_key(vault, tmp_path):
    path = export_key(vault.keys, PASSPHRASE, tmp_path / "backup.txt")
    text = path.read_text()
    assert text.startswith("GRIDLOOP KEY BACKUP 1\n")
    assert f"key-id: {vault.key_id}" in text
    assert vault.keys.key.hex() not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_wrong_passphrase_a_foreign_backup_and_an_altered_one_are_told_apart(vault, keys_dir, tmp_path):
    backup = export_key(vault.keys, PASSPHRASE, tmp_path / "backup.txt")
    with pytest.raises(WrongPassphrase):
        import_key(backup, PASSPHRASE + "!", WORKSPACE, keys_dir)
    with pytest.raises(WrongKey, match="another workspace"):
        import_key(backup, PASSPHRASE, "other", keys_dir)
    other = "0" * 16
    backup.write_text(backup.read_text().replace(vault.key_id, other))
    with pytest.raises(WrongPassphrase):
        import_key(backup, PASSPHRASE, WORKSPACE, keys_dir)


def test_a_backup_never_overwrites_a_file_and_wants_a_long_passphrase(vault, tmp_path):
    with pytest.raises(UsageError, match="too short"):
        export_key(vault.keys, "short", tmp_path / "backup.txt")
    export_key(vault.keys, PASSPHRASE, tmp_path / "backup.txt")
    with pytest.raises(UsageError, match="never overwrites"):
        export_key(vault.keys, PASSPHRASE, tmp_path / "backup.txt")


def test_importing_over_another_key_is_refused_or_sets_it_aside(vault, keys_dir, tmp_path):
    backup = export_key(vault.keys, PASSPHRASE, tmp_path / "backup.txt")
    other = KeyRing.random(WORKSPACE, keys_dir)
    other.write(key_path(keys_dir, WORKSPACE))
    with pytest.raises(UsageError, match="nothing was changed"):
        import_key(backup, PASSPHRASE, WORKSPACE, keys_dir)
    import_key(backup, PASSPHRASE, WORKSPACE, keys_dir, replace=True)
    assert KeyRing.read(key_path(keys_dir, WORKSPACE), WORKSPACE).key_id == vault.key_id
    assert (keys_dir / f"{WORKSPACE}.key.{other.key_id}").exists()


def test_a_file_that_is_no_backup_is_refused(tmp_path, keys_dir):
    from gridloop.domain.errors import SourceUnreadable

    for content in (
        "",
        "GRIDLOOP KEY BACKUP 1\n",
        "workspace: a\nsalt: AA==\nsealed: AA==\nscrypt-n: 9999999999\n",
    ):
        (tmp_path / "backup.txt").write_text(content)
        with pytest.raises(SourceUnreadable):
            import_key(tmp_path / "backup.txt", PASSPHRASE, WORKSPACE, keys_dir)


def test_a_key_never_shows_itself(vault):
    assert vault.keys.key.hex() not in repr(vault.keys)
    assert fingerprint(b"\0" * 32) == fingerprint(b"\0" * 32) != fingerprint(b"\1" * 32)
    assert len(vault.key_id) == 16
