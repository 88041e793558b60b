"""A token of unsubscription names one message and cannot be made without the key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridloop.reach.tokens import UnsubscribeTokens

TOKENS = UnsubscribeTokens(b"k" * 32)
IDS = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(IDS)
def test_a_token_is_read_back_with_the_key_that_made_it_only(message_id):
    token = TOKENS.make(message_id)
    assert len(token) == 43
    assert token.replace("-", "").replace("_", "").isalnum()
    assert TOKENS.message_id(f" {token}\n") == message_id
    assert UnsubscribeTokens(b"j" * 32).message_id(token) is None


@given(IDS, st.integers(0, 41), st.characters(codec="ascii"))
def test_a_changed_token_is_none(message_id, place, character):
    token = TOKENS.make(message_id)
    changed = token[:place] + character + token[place + 1 :]
    assert (TOKENS.message_id(changed) == message_id) == (changed.strip() == token)


@given(st.text(max_size=60))
def test_any_other_text_is_no_token(text):
    assert TOKENS.message_id(text) is None
