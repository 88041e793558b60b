"""Grouping of rows into day-vectors, against a dictionary that does it one row at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import GridloopError
from gridloop.domain.reading import MISSING_WH
from gridloop.kernels.dayvector import DayVectors, RowVerdict, group_into_day_vectors, wide_to_day_vectors

SLOTS = np.array([4, 3, 5], np.int16)
Row = tuple[int, int, int, int]


def grouped(rows: list[Row], slots: np.ndarray = SLOTS) -> DayVectors:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    meter, day, position, value = columns
    return group_into_day_vectors(
        meter.astype(np.int32), day.astype(np.int32), position.astype(np.int16), value.astype(np.int32), slots
    )


def by_dictionary(rows: list[Row]) -> tuple[dict[tuple[int, int, int], int], list[int]]:
    """The same rule, one row at a time."""
    held: dict[tuple[int, int, int], tuple[int, int]] = {}
    verdicts: list[int] = []
    for index, (meter, day, position, value) in enumerate(rows):
        if meter < 0 or not 0 <= day < len(SLOTS) or not 0 <= position < SLOTS[day]:
            verdicts.append(RowVerdict.OUT_OF_DAY)
            continue
        if value == MISSING_WH:
            verdicts.append(RowVerdict.NO_VALUE)
            continue
        verdicts.append(RowVerdict.ACCEPTED)
        slot = (meter, day, position)
        if slot in held and held[slot][0] == value:
            verdicts[index] = RowVerdict.DUPLICATE
            continue
        if slot in held:
            verdicts[held[slot][1]] = RowVerdict.REVISED
        held[slot] = (value, index)
    return {slot: value for slot, (value, _) in held.items()}, verdicts


def as_dictionary(vectors: DayVectors) -> dict[tuple[int, int, int], int]:
    found = {}
    for row in range(vectors.rows):
        for position, index in enumerate(range(vectors.offsets[row], vectors.offsets[row + 1])):
            if vectors.valid[index]:
                found[int(vectors.row_meter[row]), int(vectors.row_day[row]), position] = int(
                    vectors.values[index]
                )
    return found


ANY_ROW = st.tuples(
    st.integers(-1, 3),
    st.integers(-1, 3),
    st.integers(-1, 5),
    st.sampled_from([-7, 0, 5, 6, 2**31 - 1, MISSING_WH]),
)


@given(st.lists(ANY_ROW, max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_rows_in_any_order_group_as_a_dictionary_would(rows: list[Row]) -> None:
    vectors = grouped(rows)
    expected, verdicts = by_dictionary(rows)
    assert as_dictionary(vectors) == expected
    assert vectors.verdict.tolist() == verdicts
    assert (vectors.verdict == RowVerdict.ACCEPTED).sum() == vectors.valid.sum()
    keys = list(zip(vectors.row_meter.tolist(), vectors.row_day.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert np.diff(vectors.offsets).tolist() == [SLOTS[day] for _, day in keys]


def test_a_late_correction_wins_and_the_first_value_is_revised() -> None:
    vectors = grouped([(0, 0, 2, 10), (0, 0, 2, 12), (0, 0, 2, 12)])
    assert vectors.values.tolist() == [0, 0, 12, 0]
    assert vectors.valid.tolist() == [False, False, True, False]
    assert vectors.verdict.tolist() == [RowVerdict.REVISED, RowVerdict.ACCEPTED, RowVerdict.DUPLICATE]


def test_rows_sorted_by_meter_and_day_take_the_short_way_to_the_same_result() -> None:
    rng = np.random.default_rng(5)
    rows = [
        (m, d, p, int(rng.integers(100))) for m in range(4) for d in range(3) for p in range(int(SLOTS[d]))
    ]
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    straight, mixed = grouped(rows), grouped(shuffled)
    assert (straight.values == mixed.values).all()
    assert straight.valid.all()
    assert mixed.valid.all()


def test_the_long_and_the_short_day_keep_their_own_length() -> None:
    vectors = grouped([(0, 0, 45, 1), (0, 1, 49, 2)], np.array([46, 50], np.int16))
    assert np.diff(vectors.offsets).tolist() == [46, 50]
    assert vectors.verdict.tolist() == [0, 0]


def test_no_rows_give_no_day_vectors() -> None:
    vectors = grouped([])
    assert (vectors.rows, vectors.offsets.tolist()) == (0, [0])


def test_columns_of_different_length_are_refused() -> None:
    one, two = np.zeros(1, np.int32), np.zeros(2, np.int32)
    with pytest.raises(GridloopError, match="differ in length"):
        group_into_day_vectors(one, two, one.astype(np.int16), one, SLOTS)


def test_wide_rows_are_cut_to_their_day_and_values_beyond_it_are_counted() -> None:
    columns = np.arange(12, dtype=np.int32).reshape(3, 4)
    present = np.ones((3, 4), np.bool_)
    present[0, 1] = False
    wide = wide_to_day_vectors(columns, present, np.array([4, 3, 5], np.int16))
    assert wide.offsets.tolist() == [0, 4, 7, 12]
    assert wide.values.tolist() == [0, 0, 2, 3, 4, 5, 6, 8, 9, 10, 11, 0]
    assert wide.valid.tolist() == [True, False, True, True] + [True] * 3 + [True] * 4 + [False]
    assert wide.surplus.tolist() == [0, 1, 0]
    assert wide.valid.sum() + wide.surplus.sum() == present.sum()


def test_wide_rows_whose_validity_has_another_shape_are_refused() -> None:
    with pytest.raises(GridloopError, match="do not fit together"):
        wide_to_day_vectors(np.zeros((2, 4), np.int32), np.ones((2, 3), np.bool_), np.array([4, 4], np.int16))
