"""Pseudonyms are the same each time here, others elsewhere, and lead back only through the vault."""

from __future__ import annotations

import hmac
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import InvalidId, UsageError
from gridloop.security import pseudonym
from gridloop.security.envelope import Purpose
from gridloop.security.errors import PseudonymCollision, PseudonymUnknown
from gridloop.security.pseudonym import PREFIXES, Pseudonyms, kind_of
from gridloop.security.vault import Vault

WORKSPACE = "7f3c0d"
FORM = re.compile(r"[caksm]-[0-9abcdefghjkmnpqrstvwxyz]{16}")


def by_hand(key: bytes, kind: str, source: str) -> str:
    """The formula, digit by digit: 80 bits, 5 at a time, in Crockford's alphabet."""
    own = hmac.digest(key, f"kind/{kind}".encode(), "sha256")
    bits = int.from_bytes(hmac.digest(own, source.encode(), "sha256")[:10], "big")
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    return PREFIXES[kind] + "".join(alphabet[bits >> shift & 31] for shift in range(75, -1, -5))


def test_a_pseudonym_is_what_the_formula_says(vault):
    for kind in PREFIXES:
        name = Pseudonyms(vault, kind).of("10086")
        assert name == by_hand(vault.secret(Purpose.PSEUDONYM), kind, "10086")
        assert FORM.fullmatch(name)
        assert kind_of(name) == kind


def test_the_same_id_has_the_same_pseudonym_after_reopening_and_another_one_elsewhere(
    vault, root, keys_dir, tmp_path
):
    name = Pseudonyms(vault, "customer").of("10086")
    vault.close()
    with Vault.open(root / "vault", WORKSPACE, keys_dir) as again:
        assert Pseudonyms(again, "customer").of("10086") == name
    with Vault.create(tmp_path / "second" / "vault", "second", keys_dir) as other:
        assert Pseudonyms(other, "customer").of("10086") != name


def test_the_same_id_of_two_kinds_is_not_linked(vault):
    names = [Pseudonyms(vault, kind).of("10086")[2:] for kind in PREFIXES]
    assert len(set(names)) == len(PREFIXES)


@settings(max_examples=25, deadline=None)
@given(sources=st.lists(st.text(min_size=1, max_size=30), max_size=40))
def test_every_id_leads_to_one_pseudonym_and_back(tmp_path_factory, sources):
    folder = tmp_path_factory.mktemp("vault")
    with Vault.create(folder / "w" / "vault", WORKSPACE, folder / "keys") as vault:
        names = Pseudonyms(vault, "meter")
        given_names = names.of_many(sources)
        assert len(set(given_names)) == len(set(sources))
        assert names.reveal_many(given_names) == sources
        assert Pseudonyms(vault, "meter").of_many(sources) == given_names


def test_the_source_id_stands_in_no_file(vault, root):
    Pseudonyms(vault, "customer").of_many(["SH-ACCOUNT-998877", "SH-ACCOUNT-998878"])
    raw = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert b"SH-ACCOUNT" not in raw
    assert b"c-" + b"0" not in raw


def test_a_forgotten_pseudonym_leads_nowhere(vault):
    names = Pseudonyms(vault, "customer")
    first, second = names.of_many(["A", "B"])
    assert names.forget([first, "c-0000000000000000"]) == 1
    with pytest.raises(PseudonymUnknown, match="knows no customer"):
        names.reveal(first)
    assert names.reveal(second) == "B"
    assert names.known([first, second]) == {second: "B"}


def test_a_pseudonym_of_another_kind_or_workspace_is_unknown(vault):
    name = Pseudonyms(vault, "customer").of("A")
    with pytest.raises(PseudonymUnknown):
        Pseudonyms(vault, "meter").reveal(name)


def test_an_id_that_is_none_is_refused(vault):
    names = Pseudonyms(vault, "customer")
    for wrong in ("", None, 7):
        with pytest.raises(InvalidId):
            names.of_many(["A", wrong])
    assert names.known([names.derive(["A"])[0]]) == {}


def test_a_kind_that_has_no_pseudonyms_is_refused(vault):
    with pytest.raises(UsageError, match="custmer"):
        Pseudonyms(vault, "custmer")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_collision_is_refused_and_nothing_is_stored(vault, monkeypatch, at_once):
    monkeypatch.setattr(pseudonym.Pseudonyms, "derive", lambda self, ids: ["c-0000000000000000"] * len(ids))
    names = Pseudonyms(vault, "customer")
    if not at_once:
        names.of("A")
    with pytest.raises(PseudonymCollision, match="nothing was stored"):
        names.of_many(["A", "B"] if at_once else ["B"])
    assert vault.records.count("pseudonym/customer") == (0 if at_once else 1)


def test_fifty_thousand_ids_at_once(vault):
    sources = [f"METER{n:07d}" for n in range(50_000)]
    given_names = Pseudonyms(vault, "meter").of_many(sources)
    assert len(set(given_names)) == 50_000
    assert Pseudonyms(vault, "meter").reveal(given_names[49_999]) == "METER0049999"


@pytest.mark.parametrize("text", ["c-short", "x-0000000000000000", "c-000000000000000i", "MAC000002", ""])
def test_other_texts_are_no_pseudonyms(text):
    assert kind_of(text) is None
