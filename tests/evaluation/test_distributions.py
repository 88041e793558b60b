"""Student's t against tables and against SciPy, which cannot share its mistakes."""

from __future__ import annotations

import pytest

from gridloop.evaluation.distributions import student_t_cdf, student_t_quantile


@pytest.mark.parametrize(("df", "value"), [(1, 12.706), (2, 4.303), (10, 2.228), (30, 2.042), (1e6, 1.960)])
def test_the_printed_table_of_975_percent(df, value):
    assert student_t_quantile(0.975, df) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize("df", [0.7, 1.0, 2.5, 9.13, 57.4, 3000.0])
def test_scipy_agrees(df):
    stats = pytest.importorskip("scipy.stats")
    for value in (-40.0, -2.0, -0.3, 0.0, 0.1, 1.7, 8.0):
        assert student_t_cdf(value, df) == pytest.approx(stats.t.cdf(value, df), rel=1e-9, abs=1e-14)
    for probability in (0.0005, 0.2, 0.5, 0.8, 0.975, 0.9999):
        expected = stats.t.ppf(probability, df)
        assert student_t_quantile(probability, df) == pytest.approx(expected, rel=1e-9, abs=1e-9)
