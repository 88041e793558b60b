"""A sealed text opens in its workspace only, and only unaltered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.security.errors import SealDamaged
from gridloop.security.seal import PREFIX, open_text, seal_text, seal_texts
from gridloop.security.vault import Vault


@given(text=st.text())
def test_a_text_comes_back(vault, text):
    sealed = seal_text(vault, text)
    assert open_text(vault, sealed) == text
    assert sealed.startswith(PREFIX) and sealed.isascii()


def test_many_texts_are_sealed_like_one(vault):
    texts = ["", "王小明", '{"name": "Ada"}']
    assert [open_text(vault, sealed) for sealed in seal_texts(vault, texts)] == texts


def test_two_seals_of_one_text_differ_and_show_nothing(vault):
    first, second = seal_text(vault, "Ada Lovelace"), seal_text(vault, "Ada Lovelace")
    assert first != second
    assert "Ada" not in first


@pytest.mark.parametrize(
    "wrong", ["", "plain", "sealed1.", "sealed1.x.AAAA", "sealed1.99.AAAA", "sealed1.3.%%%"]
)
def test_what_is_not_a_sealed_text_is_refused(vault, wrong):
    with pytest.raises(SealDamaged):
        open_text(vault, wrong)


def test_an_altered_text_is_refused(vault):
    sealed = seal_text(vault, "Ada")
    for place in range(len(PREFIX), len(sealed)):
        other = "A" if sealed[place] != "A" else "B"
        with pytest.raises(SealDamaged):
            open_text(vault, sealed[:place] + other + sealed[place + 1 :])


def test_the_text_of_another_workspace_does_not_open(vault, tmp_path, keys_dir):
    with Vault.create(tmp_path / "second" / "vault", "second", keys_dir) as other, pytest.raises(SealDamaged):
        open_text(other, seal_text(vault, "Ada"))
