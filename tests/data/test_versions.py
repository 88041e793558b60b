"""Versions of a day: what a delivered row adds, and when the result is known."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.data.vectors import DayVectorRows, day_key, joined
from gridloop.data.versions import Versions, settled

MISSING = None


def rows(*parts, width=4):
    """Day-vectors of (meter, day, available_us, values)."""
    count = len(parts)
    cells = [value for part in parts for value in part[3]]
    return DayVectorRows(
        np.array([part[0] for part in parts], np.int32),
        np.zeros(count, np.int8),
        np.array([part[1] for part in parts], np.int32),
        np.full(count, 360, np.int32),
        np.array([part[2] for part in parts], np.int64),
        np.arange(count + 1, dtype=np.int64) * width,
        np.array([0 if value is None else value for value in cells], np.int32),
        np.array([value is not None for value in cells]),
        np.zeros(count, np.int32),
        np.full(count, -1, np.int64),
    )


def settle(new, known, *, ordered, floor=0):
    return settled(new, Versions(known), np.full(len(new), floor, np.int64), ordered=ordered)


def values_of(vectors, row=0):
    part = slice(vectors.offsets[row], vectors.offsets[row + 1])
    return [int(v) if ok else None for v, ok in zip(vectors.values[part], vectors.valid[part], strict=True)]


def test_an_equal_row_adds_nothing():
    outcome = settle(rows((1, 5, 10, [1, 2, 3, 4])), rows((1, 5, 10, [1, 2, 3, 4])), ordered=True)
    assert (outcome.new.tolist(), outcome.same.tolist(), len(outcome.revisions)) == ([0], [4], 0)


def test_new_values_are_laid_over_the_known_ones():
    outcome = settle(rows((1, 5, 20, [None, 9, 3, None])), rows((1, 5, 10, [1, 2, 3, None])), ordered=True)
    assert (outcome.new.tolist(), outcome.same.tolist()) == ([1], [1])
    assert values_of(outcome.revisions) == [1, 9, 3, None]
    assert outcome.revisions.available_us.tolist() == [20]


def test_a_row_known_earlier_than_every_version_stays_as_it_came():
    outcome = settle(rows((1, 5, 5, [7, None, 7, 7])), rows((1, 5, 10, [1, 2, 3, 4])), ordered=True)
    assert values_of(outcome.revisions) == [7, None, 7, 7] and outcome.revisions.available_us.tolist() == [5]


def test_a_row_between_two_versions_is_compared_with_the_earlier_one():
    known = rows((1, 5, 30, [3, 3, 3, 3]), (1, 5, 10, [1, 1, 1, 1]))
    outcome = settle(rows((1, 5, 20, [1, 1, 1, 1])), known, ordered=True)
    assert outcome.new.tolist() == [0]


def test_a_contradiction_of_the_same_instant_is_known_just_after_it():
    outcome = settle(rows((1, 5, 10, [9, 2, 3, 4])), rows((1, 5, 10, [1, 2, 3, 4])), ordered=True)
    assert outcome.conflicting.tolist() == [True]
    assert outcome.revisions.available_us.tolist() == [11]


@pytest.mark.parametrize(("floor", "known_at"), [(0, 11), (500, 500)])
def test_without_an_order_of_its_own_a_change_is_known_when_it_was_received(floor, known_at):
    outcome = settle(
        rows((1, 5, 10, [9, 2, 3, 4])), rows((1, 5, 10, [1, 2, 3, 4])), ordered=False, floor=floor
    )
    assert outcome.conflicting.tolist() == [False]
    assert outcome.revisions.available_us.tolist() == [known_at]


def test_a_day_of_another_interval_length_is_not_laid_over():
    known = rows((1, 5, 10, [1, 2]), width=2)
    outcome = settle(rows((1, 5, 20, [None, 9, 3, None])), known, ordered=True)
    assert outcome.new.tolist() == [2] and values_of(outcome.revisions) == [None, 9, 3, None]


def test_keys_differ_for_every_meter_channel_and_day():
    meters, channels, days = np.meshgrid(np.arange(50), np.arange(5), np.arange(-40, 40), indexing="ij")
    key = day_key(
        meters.ravel().astype(np.int32), channels.ravel().astype(np.int8), days.ravel().astype(np.int32)
    )
    assert len(np.unique(key)) == 50 * 5 * 80


def test_taking_and_joining_rows_keeps_their_values():
    some = rows((1, 5, 10, [1, 2, 3, 4]), (2, 6, 11, [None, 5, 6, None]))
    back = joined([some.take(np.array([1])), some.take(np.array([0]))])
    assert values_of(back, 0) == [None, 5, 6, None] and values_of(back, 1) == [1, 2, 3, 4]
    assert back.present.tolist() == [2, 4] and back.meter.tolist() == [2, 1]
