from __future__ import annotations

import pickle
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import InvalidId, UsageError
from gridloop.domain.ids import (
    MAX_ID_LENGTH,
    CustomerId,
    Identifier,
    MeterId,
    RunId,
    bucket_of,
    identifier_fault,
)


@pytest.mark.parametrize("text", ["MAC000002", "0001", "客户-7", "a b", "x" * MAX_ID_LENGTH, "a.b:c#d"])
def test_codes_of_real_systems_are_ids(text):
    assert MeterId(text) == text
    assert type(MeterId(text)) is MeterId


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("x" * (MAX_ID_LENGTH + 1), "longer than 128"),
        (" a", "blank"),
        ("a ", "blank"),
        ("a\u3000", "blank"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("a\u200bb", "cannot be printed"),
        ("a/b", "path"),
        ("a\\b", "path"),
        ("..", "path"),
        (".", "path"),
    ],
)
def test_what_could_harm_is_refused_with_its_fault(text, fault):
    with pytest.raises(InvalidId, match=fault):
        CustomerId(text)


def test_the_error_names_the_kind_of_id_and_the_ways_out():
    with pytest.raises(InvalidId) as refused:
        MeterId("a/b")
    assert str(refused.value).startswith("'a/b' cannot be a meter id: it could be read as a path.")
    assert len(refused.value.ways_out) == 2


def test_ids_survive_pickling_with_their_type():
    assert type(pickle.loads(pickle.dumps(RunId("r-1")))) is RunId


@settings(max_examples=100)
@given(st.text(max_size=140))
def test_a_text_is_an_id_or_has_a_fault(text):
    if identifier_fault(text) is None:
        assert Identifier(text) == text
    else:
        with pytest.raises(InvalidId):
            Identifier(text)


def test_a_bucket_is_the_first_four_bytes_of_the_hash():
    # sha256("MAC000002") computed independently; the bucket must never change between versions.
    first_four = sha256(b"MAC000002").hexdigest()[:8]
    assert bucket_of("MAC000002", 16) == int(first_four, 16) % 16
    assert bucket_of("MAC000002", 1) == 0
    assert [bucket_of(f"m{i}", 4) for i in range(6)] == [
        int(sha256(f"m{i}".encode()).hexdigest()[:8], 16) % 4 for i in range(6)
    ]


def test_buckets_fill_evenly():
    counts = [0] * 16
    for i in range(16_000):
        counts[bucket_of(f"meter-{i}", 16)] += 1
    assert 850 < min(counts) <= max(counts) < 1150


def test_no_bucket_at_all_is_refused():
    with pytest.raises(UsageError):
        bucket_of("m", 0)
