"""A card of points that a clerk can add up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gridloop.domain.errors import UsageError
from gridloop.domain.table import Label
from gridloop.insight.learning.columns import Columns
from gridloop.insight.learning.scorecard import RiskDirectionContradicted, Scorecard, ScorecardSettings

DIRECTION = {"late": "up", "income": "down", "shoe": "free"}


@pytest.fixture(scope="module")
def applicants():
    """Columns of 4,000 applicants, some values unknown, and who defaulted."""
    generator = np.random.default_rng(11)
    late, income = generator.poisson(0.8, 4000).astype(float), generator.lognormal(8, 0.5, 4000)
    shoe = generator.normal(42, 2, 4000)
    risk = 1 / (1 + np.exp(-(-2 + 0.9 * late - 1.2 * (np.log(income) - 8))))
    label = (generator.random(4000) < risk).astype(float)
    late[::17] = np.nan
    return Columns.of({"late": late, "income": income, "shoe": shoe}), label


@pytest.fixture(scope="module")
def card(applicants):
    return Scorecard(ScorecardSettings(direction=DIRECTION, least_iv=0.05)).fit(*applicants)


def test_points_are_monotone_as_declared_and_a_variable_without_information_is_left_out(card):
    points = {one.name: one.points[:-1] for one in card.variables}
    assert set(points) == {"late", "income"}
    assert list(points["late"]) == sorted(points["late"], reverse=True)
    assert list(points["income"]) == sorted(points["income"])


def test_so_many_points_double_the_odds_and_stand_for_the_declared_ones(card, applicants):
    columns, _ = applicants
    probability, points = card.probability(columns), card.points(columns)
    odds = (1 - probability) / probability
    expected = 600 + 20 / math.log(2) * np.log(odds / 50)
    assert points == pytest.approx(expected)


def test_missing_has_points_of_its_own(card):
    unknown = Columns.of({"late": np.array([np.nan]), "income": np.array([3000.0])})
    (row,) = card.points_by_variable(unknown)
    late = next(one for one in card.variables if one.name == "late")
    assert row[card.variables.index(late)] == late.points[-1]


def test_the_reason_is_what_costs_most_points_in_both_languages(card):
    labels = {"late": Label("Late payments", "逾期次数"), "income": Label("Income", "收入")}
    bad = Columns.of({"late": np.array([6.0]), "income": np.array([1e5])})
    ((reason, *_),) = card.reasons(bad, labels)
    assert (reason.en, reason.zh) == ("Late payments costs points", "逾期次数拉低了评分")


def test_a_declared_direction_that_data_contradict_is_refused(applicants):
    columns, label = applicants
    with pytest.raises(RiskDirectionContradicted) as caught:
        Scorecard(ScorecardSettings(direction={**DIRECTION, "income": "up"})).fit(columns, label)
    assert caught.value.evidence["rank_correlation"] < 0


def test_words_that_are_no_direction_and_columns_that_say_nothing_are_refused(applicants):
    columns, label = applicants
    for direction in ({"late": "sideways"}, {"shoe": "free"}):
        with pytest.raises(UsageError):
            Scorecard(ScorecardSettings(direction=direction, least_iv=0.05)).fit(columns, label)
