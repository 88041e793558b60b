"""Each detector on a meter small enough to check by eye, and what it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gridloop.domain.errors import GridloopError
from gridloop.domain.reading import ReadingQuality
from gridloop.kernels.validation import (
    MISSING_CODE,
    EventKind,
    Validation,
    ValidationSettings,
    validate_readings,
)

SPIKE, ZERO_RUN, STUCK = (
    int(ReadingQuality.SUSPECT_SPIKE),
    int(ReadingQuality.SUSPECT_ZERO_RUN),
    int(ReadingQuality.SUSPECT_STUCK),
)
DAYS = 60


def steady_home() -> np.ndarray:
    """Half-hours of 100–190 Wh that never repeat at once, with a peak of 800 Wh every evening."""
    cube = 100 + 10 * (np.arange(DAYS * 48) % 10).astype(np.float32).reshape(1, DAYS, 48)
    cube[:, :, 38] = 800
    return cube


def validated(cube: np.ndarray, **how: object) -> Validation:
    return validate_readings(cube, np.full(cube.shape[1], 48, np.int32), 30, **how)  # type: ignore[arg-type]


def only_event(found: Validation) -> np.void:
    assert len(found.events) == 1
    return found.events[0]


def test_a_steady_home_is_accused_of_nothing() -> None:
    found = validated(steady_home())
    assert len(found.events) == 0
    assert (found.codes == ReadingQuality.MEASURED).all()


def test_a_single_reading_at_five_times_the_peak_is_a_spike() -> None:
    cube = steady_home()
    cube[0, 30, 12] = 4000
    found = validated(cube)
    event = only_event(found)
    assert (event["kind"], event["first_day"], event["first_position"]) == (EventKind.SPIKE, 30, 12)
    assert (event["value"], event["reference"]) == (4000, 1600)  # the threshold is twice the repeated 800 Wh
    assert np.argwhere(found.codes == SPIKE).tolist() == [[0, 30, 12]]


def test_hours_of_charging_are_load_and_no_spike() -> None:
    cube = steady_home()
    cube[0, 30, 44:48] = 3600
    cube[0, 31, 0:4] = 3600
    assert len(validated(cube).events) == 0


def test_a_peak_that_comes_back_is_a_habit_and_no_spike() -> None:
    cube = steady_home()
    cube[0, [29, 30, 31], 12] = 4000
    assert len(validated(cube).events) == 0


def test_below_the_power_of_ordinary_appliances_nothing_is_a_spike() -> None:
    cube = steady_home() / 10
    cube[0, 30, 12] = 1400  # 35 times the peak, but only 2.8 kW
    assert len(validated(cube.round()).events) == 0


def test_a_short_history_accuses_nothing_but_what_the_connection_cannot_carry() -> None:
    cube = steady_home()[:, :10].copy()
    cube[0, 5, 12] = 20_000
    assert len(validated(cube).events) == 0
    event = only_event(validated(cube, capacity_wh=np.array([6000.0])))
    assert (event["kind"], event["value"], event["reference"]) == (EventKind.SPIKE, 20_000, 7_500)


def test_a_capacity_passed_every_day_is_doubted_instead_of_the_meter() -> None:
    cube = steady_home()
    found = validated(cube, capacity_wh=np.array([500.0]))
    event = only_event(found)
    assert (event["kind"], event["value"], event["reference"]) == (EventKind.OVER_CAPACITY, DAYS, 625)
    assert (found.codes == ReadingQuality.MEASURED).all()


def test_six_hours_of_zeros_are_accused_and_five_and_a_half_are_not() -> None:
    cube = steady_home()
    cube[0, 20, 6:18] = 0
    cube[0, 40, 6:17] = 0
    found = validated(cube)
    event = only_event(found)
    assert (event["kind"], event["first_day"], event["intervals"]) == (EventKind.ZERO_RUN, 20, 12)
    assert (found.codes == ZERO_RUN).sum() == 12


def test_a_meter_whose_nights_are_zero_is_accused_only_of_far_longer_runs() -> None:
    cube = steady_home()
    cube[0, :, :14] = 0
    assert len(validated(cube).events) == 0
    cube[0, 30] = 0
    assert only_event(validated(cube))["intervals"] == 62  # the day and the next night


def test_a_home_of_zeros_is_habitually_zero_and_four_weeks_of_them_vacant() -> None:
    cube = steady_home()
    cube[0, 25:53] = 0
    found = validated(cube)
    assert only_event(found)["kind"] == EventKind.VACANT
    assert (found.codes == ReadingQuality.MEASURED).all()
    cube[0, 10:] = 0
    event = only_event(validated(cube))
    assert (event["kind"], round(float(event["value"]), 3)) == (EventKind.HABITUAL_ZERO, 0.833)


def test_half_a_day_of_one_value_is_stuck() -> None:
    cube = steady_home()
    cube[0, 20, 4:29] = 250
    found = validated(cube)
    event = only_event(found)
    assert (event["kind"], event["intervals"], event["value"]) == (EventKind.STUCK, 25, 250)
    assert (found.codes == STUCK).sum() == 25


def test_values_of_few_counting_steps_repeat_by_rounding_and_are_not_stuck() -> None:
    cube = steady_home()  # counts in steps of 10 Wh
    cube[0, 20, 4:29] = 150
    assert len(validated(cube).events) == 0


def test_a_load_that_is_flat_every_night_is_not_stuck() -> None:
    cube = steady_home()
    cube[0, :, :24] = 400
    assert len(validated(cube).events) == 0


def test_negative_values_are_accused_unless_the_channel_is_net() -> None:
    cube = steady_home()
    cube[0, 3, 4:6] = [-5, -7]
    found = validated(cube)
    event = only_event(found)
    assert (event["kind"], event["intervals"], event["value"]) == (EventKind.NEGATIVE, 2, -7)
    assert (found.codes == SPIKE).sum() == 2
    assert len(validated(cube, negative_allowed=True).events) == 0


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [
        ((10, 5), (10, 8), EventKind.GAP_SHORT),
        ((10, 5), (10, 9), EventKind.GAP_LONG),
        ((10, 1), (11, 46), EventKind.GAP_LONG),
        ((10, 1), (11, 47), EventKind.GAP_DAYS),
        ((0, 0), (3, 5), EventKind.LATE_START),
        ((0, 0), (0, 5), EventKind.GAP_LONG),
        ((58, 5), (59, 47), EventKind.EARLY_END),
        ((0, 0), (59, 47), EventKind.NO_DATA),
    ],
)
def test_gaps_are_named_by_their_length_and_place(
    first: tuple[int, int], last: tuple[int, int], kind: EventKind
) -> None:
    cube = steady_home()
    flat = cube.reshape(-1)
    flat[first[0] * 48 + first[1] : last[0] * 48 + last[1] + 1] = np.nan
    found = validated(cube)
    event = only_event(found)
    assert EventKind(event["kind"]) == kind
    assert (event["first_day"], event["first_position"]) == first
    assert (event["last_day"], event["last_position"]) == last
    assert (found.codes.reshape(-1) == MISSING_CODE).sum() == event["intervals"]


def test_days_of_46_and_50_half_hours_keep_their_places() -> None:
    cube = np.full((1, 40, 50), np.nan, np.float32)
    slots = np.full(40, 48, np.int32)
    slots[[10, 20]] = [46, 50]
    for d in range(40):
        cube[0, d, : slots[d]] = 100 + 10 * ((np.arange(slots[d]) + d) % 7)
    cube[0, 20, 49] = 9000
    found = validate_readings(cube, slots, 30)
    event = only_event(found)
    assert (event["first_day"], event["first_position"]) == (20, 49)
    assert (found.codes[0, 10, 46:] == MISSING_CODE).all()
    assert (found.codes != MISSING_CODE).sum() == slots.sum()


def test_what_the_source_flagged_keeps_its_code() -> None:
    cube = steady_home()
    cube[0, 30, 12] = 4000
    quality = np.zeros(cube.shape, np.uint8)
    quality[0, 30, 12] = ReadingQuality.ESTIMATED_BY_SOURCE
    found = validated(cube, quality=quality)
    assert found.codes[0, 30, 12] == ReadingQuality.ESTIMATED_BY_SOURCE
    assert only_event(found)["kind"] == EventKind.SPIKE


VALUES = st.sampled_from([np.nan, -4.0, 0.0, 0.0, 30.0, 30.0, 31.0, 9000.0])


@given(
    cube=hnp.arrays(np.float32, (2, 20, 24), elements=VALUES), capacity=st.sampled_from([np.nan, 100.0, 0.0])
)
@settings(max_examples=60, deadline=None)
def test_codes_and_events_tell_the_same_story(cube: np.ndarray, capacity: float) -> None:
    before = cube.copy()
    found = validate_readings(cube, np.full(20, 24, np.int32), 60, capacity_wh=np.array([capacity, capacity]))
    np.testing.assert_array_equal(cube, before)
    np.testing.assert_array_equal(found.codes == MISSING_CODE, np.isnan(cube))
    accused = np.zeros((2, 480), bool)
    missing = np.zeros((2, 480), bool)
    for event in found.events:
        first = event["first_day"] * 24 + event["first_position"]
        last = event["last_day"] * 24 + event["last_position"]
        assert event["intervals"] == last - first + 1
        if event["kind"] < 10:
            accused[event["meter"], first : last + 1] = True
        elif event["kind"] < 20:
            missing[event["meter"], first : last + 1] = True
    codes = found.codes.reshape(2, 480)
    np.testing.assert_array_equal(accused, (codes >= 10) & (codes < 20))
    np.testing.assert_array_equal(missing, codes == MISSING_CODE)
    places = [(e["meter"], e["first_day"], e["first_position"], e["kind"]) for e in found.events]
    assert places == sorted(places)


def test_no_meters_and_no_days_give_no_events() -> None:
    assert len(validate_readings(np.empty((0, 3, 48), np.float32), np.full(3, 48, np.int32), 30).events) == 0
    assert len(validate_readings(np.empty((2, 0, 48), np.float32), np.empty(0, np.int32), 30).events) == 0


def test_arguments_and_settings_that_do_not_fit_are_refused() -> None:
    cube = steady_home()
    with pytest.raises(GridloopError, match="day lengths do not fit"):
        validate_readings(cube, np.full(3, 48, np.int32), 30)
    with pytest.raises(GridloopError, match="interval length"):
        validate_readings(cube, np.full(DAYS, 48, np.int32), 20)
    with pytest.raises(GridloopError, match="do not fit the cube"):
        validated(cube, capacity_wh=np.zeros(2))
    with pytest.raises(GridloopError, match="must not be negative") as caught:
        ValidationSettings(zero_habit_share=1.5, run_factor=-1)
    assert "zero_habit_share: 1.5" in str(caught.value)
