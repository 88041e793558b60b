"""The feature kernels agree with an independent float64 reference: relative 1e-4, absolute below 1 (performance.md)."""

from __future__ import annotations

import math
import sys
from datetime import date, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridloop.kernels.calendar import DayCalendar, day_calendar
from gridloop.kernels.cube import empty_cube
from gridloop.kernels.features.catalogue import FEATURES
from gridloop.kernels.features.finalise import FeatureTable, features
from gridloop.kernels.features.state import merge, month_state


def load_reference() -> ModuleType:
    """Tests are no package (import mode importlib), so the reference is loaded by its path."""
    spec = spec_from_file_location("feature_reference", Path(__file__).with_name("feature_reference.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["feature_reference"] = module
    spec.loader.exec_module(module)
    return module


oracle = load_reference()
HOLIDAYS = {date(2023, 4, 7), date(2023, 4, 10), date(2023, 12, 25), date(2023, 12, 26), date(2024, 1, 1)}
WORKED = {date(2023, 4, 8), date(2023, 11, 5)}


def period_names(minutes: int) -> dict[int, str]:
    """The stated default schedule, written out a second time."""
    names = {}
    for minute in range(0, 1440, minutes):
        hour = minute / 60
        peak = 8 <= hour < 11 or 18 <= hour < 22
        names[minute] = "valley" if hour >= 23 or hour < 7 else "peak" if peak else "flat"
    return names


def calendar_of(first: date, days: int, zone: str, minutes: int, temperature: np.ndarray) -> DayCalendar:
    return day_calendar(
        first, days, zone, minutes, holidays=HOLIDAYS, adjusted_workdays=WORKED, temperature=temperature
    )


def compare(table: FeatureTable, meter: int, expected: dict[str, tuple[object, str]]) -> None:
    """Same reason, and same value within the stated tolerance; the base load within the 1 % of its histogram."""
    assert set(expected) == {spec.name for spec in FEATURES}
    for spec in FEATURES:
        value, reason = expected[spec.name]
        assert table.why(meter, spec.name).code == reason, spec.name
        ours = np.atleast_1d(table.column(spec.name)[meter])
        theirs = np.atleast_1d(np.asarray(value, dtype=np.float64))
        if reason != "computed":
            assert np.isnan(ours).all(), spec.name
            continue
        tolerance = 0.01 if spec.name in ("night_base_load", "base_load_share") else 1e-4
        allowed = tolerance * np.maximum(np.abs(theirs), 0 if tolerance == 0.01 else 1)
        assert (np.abs(ours - theirs) <= allowed + 1e-12).all(), (spec.name, ours, theirs)


def check(cube: np.ndarray, calendar: DayCalendar, temperature: np.ndarray, cuts: list[int]) -> None:
    """Kernels on the whole window, and on its parts merged in two groupings, against the reference for each meter."""
    whole = features(month_state(cube, calendar))
    edges = [0, *sorted({c for c in cuts if 0 < c < calendar.days}), calendar.days]
    parts = [month_state(np.ascontiguousarray(cube[:, a:b]), calendar.part(a, b)) for a, b in pairwise(edges)]
    at_once = features(merge(parts))
    left = parts[0]
    for part in parts[1:]:
        left = merge([left, part])
    right = parts[-1]
    for part in reversed(parts[:-1]):
        right = merge([part, right])
    for table in (at_once, features(left), features(right)):
        np.testing.assert_array_equal(table.reason, whole.reason)
        np.testing.assert_allclose(table.values, whole.values, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(table.profile, whole.profile, rtol=1e-12)
    for meter in range(cube.shape[0]):
        window = oracle.Window(
            calendar.first,
            calendar.zone,
            calendar.interval_minutes,
            [[float(v) for v in cube[meter, d, : calendar.slots[d]]] for d in range(calendar.days)],
            HOLIDAYS,
            WORKED,
            [float(t) for t in temperature],
            period_names(calendar.interval_minutes),
        )
        compare(whole, meter, oracle.reference(window))


def year_cube(calendar: DayCalendar, temperature: np.ndarray, seed: int) -> np.ndarray:
    """Meters with seasons, gaps, zeros, export, a constant, nothing, and one day only."""
    rng = np.random.default_rng(seed)
    days, width = calendar.days, calendar.width
    cube = empty_cube(9, days, width)
    slot = np.arange(width)
    daily = 300 + 12 * np.maximum(16 - temperature, 0) + 20 * np.maximum(temperature - 22, 0)
    daily = daily * (1 + 0.2 * calendar.weekend) * (1 + 0.0004 * np.arange(days))
    shape = 1 + 0.6 * np.sin(slot / width * 6.28)
    cube[0] = np.rint(daily[:, None] * shape * rng.lognormal(0, 0.3, (days, width)))
    cube[1] = np.where(rng.random((days, width)) < 0.15, np.nan, cube[0])
    cube[2] = np.rint(cube[0] - 400)
    cube[3] = 250
    cube[4] = 0
    cube[6, 40] = rng.integers(1, 900, width)
    cube[7] = np.where(np.arange(days)[:, None] % 11 < 4, 0, cube[0])
    cube[7, 100:150] = np.nan
    cube[8] = cube[0] * 9000
    cube[8, 300:] = np.nan
    return cube


@pytest.mark.parametrize(
    ("zone", "minutes", "days"), [("Europe/London", 30, 365), ("Asia/Shanghai", 60, 735)]
)
def test_whole_years_equal_the_reference_whole_and_merged_by_month(
    zone: str, minutes: int, days: int
) -> None:
    first = date(2023, 1, 1)
    temperature = 14 - 11 * np.cos(np.arange(days) / 365.25 * 2 * np.pi) + np.sin(np.arange(days) * 1.7)
    temperature[60:65] = np.nan
    calendar = calendar_of(first, days, zone, minutes, temperature)
    cube = year_cube(calendar, np.nan_to_num(temperature, nan=10.0), seed=5)
    months = [(first.replace(year=2023 + m // 12, month=m % 12 + 1) - first).days for m in range(1, 24)]
    check(cube, calendar, temperature, months)


KINDS = ("ordinary", "gaps", "zeros", "negative", "constant", "one_day", "ties", "empty_days")


def meter_values(kind: str, rng: np.random.Generator, days: int, width: int) -> np.ndarray:
    values = rng.integers(1, 2000, (days, width)).astype(np.float64)
    if kind == "gaps":
        values[rng.random((days, width)) < 0.3] = np.nan
    elif kind == "zeros":
        values[rng.random((days, width)) < 0.6] = 0
    elif kind == "negative":
        values -= rng.integers(0, 2500)
    elif kind == "constant":
        values[:] = rng.integers(-3, 400)
    elif kind == "one_day":
        keep = rng.integers(0, days)
        values[np.arange(days) != keep] = np.nan
    elif kind == "ties":
        values = rng.integers(0, 3, (days, width)).astype(np.float64)
    elif kind == "empty_days":
        values[rng.random(days) < 0.5] = np.nan
    return values


@st.composite
def windows(draw: st.DrawFn) -> tuple[DayCalendar, np.ndarray, np.ndarray, list[int]]:
    """Three meters over a few weeks, starting near a change of the clocks or not."""
    minutes = draw(st.sampled_from([15, 30, 60]))
    zone = draw(st.sampled_from(["Europe/London", "Asia/Shanghai", "America/New_York"]))
    first = date(2023, 1, 1) + timedelta(days=draw(st.sampled_from([0, 70, 83, 95, 240, 290, 307, 330])))
    days = draw(st.integers(1, 45))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    swing = draw(st.sampled_from([0.0, 4.0, 14.0]))
    temperature = np.round(draw(st.sampled_from([5.0, 19.0, 27.0])) + swing * rng.standard_normal(days), 1)
    temperature[rng.random(days) < draw(st.sampled_from([0.0, 0.1, 1.0]))] = np.nan
    calendar = calendar_of(first, days, zone, minutes, temperature)
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=3, max_size=3))
    cube = np.stack([meter_values(kind, rng, days, calendar.width) for kind in kinds]).astype(np.float32)
    cuts = draw(st.lists(st.integers(1, 44), max_size=4))
    return calendar, cube, temperature, cuts


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(windows())
def test_any_few_weeks_equal_the_reference_whole_and_merged(
    window: tuple[DayCalendar, np.ndarray, np.ndarray, list[int]],
) -> None:
    calendar, cube, temperature, cuts = window
    check(cube, calendar, temperature, cuts)


def test_the_reference_itself_is_right_about_a_day_a_person_can_add_up() -> None:
    values = [[100.0] * 24]
    values[0][18] = 700.0
    window = oracle.Window(
        date(2023, 6, 1), "Asia/Shanghai", 60, values, set(), set(), [20.0], period_names(60)
    )
    answers = oracle.reference(window)
    assert answers["total_energy"] == (3000.0, "computed")
    assert answers["peak_power"][0] == pytest.approx(0.7)
    assert answers["peak_minute"] == (1080.0, "computed")
    assert answers["load_factor"][1] == "too_few_days"
    assert math.isnan(float(answers["summer_ratio"][0]))  # type: ignore[arg-type]
