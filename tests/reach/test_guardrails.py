"""Limits of a play, and how sure a share is."""

import pytest
from scipy.stats import binomtest

from gridloop.reach.guardrails import highest_share


@pytest.mark.parametrize(("count", "messages"), [(0, 20), (1, 258), (4, 258), (200, 200), (77, 10_000)])
def test_the_highest_share_is_that_of_wilson(count, messages):
    told = binomtest(count, messages).proportion_ci(0.95, method="wilson").high

    assert highest_share(count, messages) == pytest.approx(told, abs=1e-7)


def test_nothing_is_known_before_the_first_message():
    assert highest_share(0, 0) == 1.0
