"""A tombstone proves that an erasure happened and names nobody."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from gridloop.security import tombstone
from gridloop.security.errors import SealDamaged
from gridloop.security.tombstone import Tombstone, new_tombstone_id, plan_digest, public_key, sign, verify
from gridloop.security.vault import Vault


@pytest.fixture
def stone(vault):
    """A signed one."""
    return sign(
        vault, Tombstone(new_tombstone_id(), "2025-01-02T03:04:05+00:00", "case 17", {"vault.person": 1}, "d")
    )


def test_a_signed_tombstone_verifies_with_the_workspaces_key(vault, stone):
    verify(stone, public_key(vault))


@pytest.mark.parametrize(
    "change", [{"requester": "case 18"}, {"counts": {"vault.person": 2}}, {"signature": "AAAA"}]
)
def test_an_altered_one_does_not(vault, stone, change):
    with pytest.raises(SealDamaged, match="altered"):
        verify(replace(stone, **change), public_key(vault))


def test_one_of_another_workspace_does_not(vault, stone, tmp_path, keys_dir):
    with (
        Vault.create(tmp_path / "second" / "vault", "second", keys_dir) as other,
        pytest.raises(SealDamaged, match="another workspace"),
    ):
        verify(sign(other, stone), public_key(vault))


def test_it_is_written_as_readable_json_and_read_back(vault, stone, root):
    path = tombstone.write(vault.folder, stone)
    assert path == root / "vault" / "tombstones" / f"{stone.tombstone_id}.json"
    assert json.loads(path.read_text()) == asdict(stone)
    tombstone.write(vault.folder, stone)
    assert list(tombstone.read_all(vault.folder)) == [stone]


def test_the_digest_of_a_plan_cannot_be_guessed_without_the_vault(vault, tmp_path, keys_dir):
    plan = {"customer_id": "c-1"}
    with Vault.create(tmp_path / "second" / "vault", "second", keys_dir) as other:
        assert plan_digest(vault, plan) == plan_digest(vault, dict(plan)) != plan_digest(other, plan)
