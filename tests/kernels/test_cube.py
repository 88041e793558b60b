"""Day-vectors scattered into a cube: every value at its place, everything else missing, nothing outside."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.errors import SchemaMismatch
from gridloop.kernels.cube import ALL_VALID, cube_values, empty_cube, scatter_day_vectors, unpack_validity

OFFSETS = np.array([0, 3, 5, 8], dtype=np.int32)
VALUES = np.array([1, 2, 3, 40, 50, -6, 0, 8], dtype=np.int32)
METER = np.array([0, 1, 1], dtype=np.int32)
DAY = np.array([0, 1, 0], dtype=np.int32)


def test_rows_go_to_their_meter_and_day_and_the_rest_stays_missing() -> None:
    cube = empty_cube(2, 2, 4)
    scatter_day_vectors(VALUES, ALL_VALID, OFFSETS, METER, DAY, cube)
    nan = np.nan
    np.testing.assert_array_equal(cube[0, 0], [1, 2, 3, nan])
    np.testing.assert_array_equal(cube[1, 1], [40, 50, nan, nan])
    np.testing.assert_array_equal(cube[1, 0], [-6, 0, 8, nan])
    assert np.isnan(cube[0, 1]).all()


def test_an_invalid_value_is_missing_whatever_the_buffer_holds() -> None:
    cube = empty_cube(2, 2, 4)
    valid = np.array([True, False, True, True, True, True, True, True])
    scatter_day_vectors(VALUES, valid, OFFSETS, METER, DAY, cube)
    np.testing.assert_array_equal(cube[0, 0], [1, np.nan, 3, np.nan])


def test_a_later_row_of_the_same_day_replaces_the_earlier_one_whole() -> None:
    cube = empty_cube(1, 1, 3)
    values = np.array([1, 2, 3, 9, 9], dtype=np.int32)
    zero = np.zeros(2, dtype=np.int32)
    scatter_day_vectors(values, ALL_VALID, np.array([0, 3, 5], dtype=np.int32), zero, zero, cube)
    np.testing.assert_array_equal(cube[0, 0], [9, 9, np.nan])


def test_offsets_may_start_inside_the_values_as_in_a_sliced_arrow_column() -> None:
    cube = empty_cube(2, 2, 4)
    scatter_day_vectors(VALUES, ALL_VALID, OFFSETS[1:], METER[1:], DAY[1:], cube)
    np.testing.assert_array_equal(cube[1, 1], [40, 50, np.nan, np.nan])
    assert np.isnan(cube[0]).all()


def test_no_rows_leave_the_cube_as_it_was() -> None:
    cube = empty_cube(1, 1, 3)
    none = np.empty(0, dtype=np.int32)
    scatter_day_vectors(none, ALL_VALID, np.zeros(1, dtype=np.int32), none, none, cube)
    assert np.isnan(cube).all()


@pytest.mark.parametrize(
    ("meter", "day", "width"),
    [([0, 2, 1], [0, 1, 0], 4), ([0, 1, 1], [0, -1, 0], 4), ([0, 1, 1], [0, 1, 0], 2)],
    ids=["a meter too many", "a negative day", "a row too long"],
)
def test_a_row_outside_the_cube_is_refused_by_number(meter: list[int], day: list[int], width: int) -> None:
    with pytest.raises(SchemaMismatch, match=r"Day-vector [01] does not fit"):
        scatter_day_vectors(
            VALUES, ALL_VALID, OFFSETS, np.array(meter), np.array(day), empty_cube(2, 2, width)
        )


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(SchemaMismatch, match="do not belong together"):
        scatter_day_vectors(VALUES[:5], ALL_VALID, OFFSETS, METER, DAY, empty_cube(2, 2, 4))
    with pytest.raises(SchemaMismatch, match="do not belong together"):
        scatter_day_vectors(VALUES, np.ones(3, dtype=bool), OFFSETS, METER, DAY, empty_cube(2, 2, 4))


def test_a_cube_of_another_type_is_refused_instead_of_compiled_again() -> None:
    with pytest.raises(SchemaMismatch, match="contiguous float32"):
        scatter_day_vectors(VALUES, ALL_VALID, OFFSETS, METER, DAY, np.zeros((2, 2, 4)))  # type: ignore[arg-type]


def test_whole_values_with_validity_become_floats_with_nan() -> None:
    wh = np.array([[5, 7], [-3, 0]], dtype=np.int32)
    np.testing.assert_array_equal(cube_values(wh, ALL_VALID), [[5, 7], [-3, 0]])
    valid = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(cube_values(wh, valid), [[5, np.nan], [-3, 0]])


def test_a_validity_bitmap_is_read_from_any_bit() -> None:
    valid = np.random.default_rng(1).random(50) < 0.5
    bitmap = np.packbits(valid, bitorder="little")
    for offset, count in ((0, 50), (3, 40), (8, 16), (17, 0), (49, 1)):
        np.testing.assert_array_equal(unpack_validity(bitmap, offset, count), valid[offset : offset + count])
