"""What somebody on the offered tariff changes, quarter of an hour by quarter of an hour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloop.twin.almanac import almanac
from gridloop.twin.offers import CHEAP, DEAR, no_price, priced_offer
from gridloop.twin.settings import TwinSettings
from gridloop.twin.shifting import shift_loads, zeal

KEY = np.array([77], np.uint64)


def _shifted(day: list[int], share: float, moved: float, today: int = 700_000) -> np.ndarray:
    """One day of one premise under an offer whose evening is dear and whose night is cheap."""
    calendar = almanac(TwinSettings().end, TwinSettings().end)
    offer = priced_offer("tou-evening", calendar, 96)
    net = np.array(day, np.int32).reshape(1, 1, 96).copy()
    shift_loads(
        net, np.array([0]), np.array([[today, today + 1]]), np.array([[share, moved]]), KEY, np.array([0]),
        offer.appeal[None], np.array([today], np.int32),
    )  # fmt: skip
    return net[0, 0]


days = st.lists(st.integers(-2_000, 5_000), min_size=96, max_size=96)


@given(days, st.floats(0.0, 0.6), st.floats(0.0, 1.0))
def test_energy_leaves_the_evening_and_returns_at_night_whole_wh_by_whole_wh(
    day: list[int], share: float, moved: float
) -> None:
    before, after = np.array(day), _shifted(day, share, moved)
    evening, night = np.arange(68, 88), np.r_[0:28, 88:96]
    between = np.arange(28, 68)
    assert (after[between] == before[between]).all()
    taken = before[evening] - after[evening]
    assert (taken >= 0).all() and (taken[before[evening] <= 0] == 0).all()
    assert (after[evening][before[evening] > 0] >= 0).all()
    returned = after[night] - before[night]
    assert returned.sum() == np.floor(taken.sum() * moved + 0.5)
    assert returned.max() - returned.min() <= 1


@given(days, st.floats(-0.5, -0.01))
def test_who_is_set_against_it_uses_more_in_the_evening_and_nothing_less_at_night(
    day: list[int], share: float
) -> None:
    before, after = np.array(day), _shifted(day, share, 0.5)
    assert (after >= before).all() and (after[:68] == before[:68]).all()


def test_a_tenth_of_an_even_evening_is_a_tenth() -> None:
    zest = zeal(KEY[0], 700_000)
    after = _shifted([1000] * 96, 0.1, 0.5)
    avoided = round(1000 * 0.1 * zest)
    assert (after[68:88] == 1000 - avoided).all()
    assert after.sum() == 96_000 - 20 * avoided + round(20 * avoided / 2)


def test_zeal_is_one_on_average_and_differs_from_day_to_day() -> None:
    found = np.array([zeal(KEY[0], today) for today in range(730_000, 735_000)])
    assert found.mean() == pytest.approx(1.0, abs=0.02)
    assert found.std() == pytest.approx(0.35, abs=0.02)
    assert found.min() >= 0.0


def test_other_days_are_left_alone() -> None:
    net = np.full((1, 3, 96), 500, np.int32)
    offer = no_price(almanac(TwinSettings().end, TwinSettings().end))
    shift_loads(
        net, np.array([0]), np.array([[2, 3]]), np.array([[0.3, 0.5]]), KEY, np.array([0]),
        np.repeat(offer.appeal[None], 3, axis=1), np.array([1, 2, 3], np.int32),
    )  # fmt: skip
    assert (net[0, [0, 2]] == 500).all() and (net[0, 1, 68:88] < 500).all()


def test_the_evening_of_the_offer_is_dear_and_its_night_cheap() -> None:
    offer = priced_offer("tou-evening", almanac(TwinSettings().start, TwinSettings().end), 96)
    assert (offer.appeal == offer.appeal[0]).all()
    assert np.flatnonzero(offer.appeal[0] == DEAR).tolist() == list(range(68, 88))
    assert np.flatnonzero(offer.appeal[0] == CHEAP).tolist() == [*range(28), *range(88, 96)]
    assert offer.ratio == pytest.approx(0.7759 / 0.2559)
