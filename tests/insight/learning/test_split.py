"""Judged customers are never learned from."""

from __future__ import annotations

import numpy as np
import pytest

from gridloop.domain.errors import LookAhead, UsageError
from gridloop.insight.learning.split import folds_of, no_customer_twice, split_by_time


def test_a_customer_s_fold_depends_on_nobody_else():
    ids = [f"c{number}" for number in range(2000)]
    fold = folds_of(ids, 5)
    assert np.array_equal(folds_of(ids[::-1], 5), fold[::-1])
    assert np.bincount(fold).min() > 330
    assert not np.array_equal(folds_of(ids, 5, "other"), fold)
    with pytest.raises(UsageError):
        folds_of(ids, 1)


@pytest.mark.parametrize(("train", "test"), [(["a", "b"], ["b"]), (["a", "a"], ["b"]), (["a"], ["b", "b"])])
def test_a_customer_in_both_or_twice_is_refused(train, test):
    with pytest.raises(LookAhead) as caught:
        no_customer_twice(train, test)
    assert sum(caught.value.evidence.values()) == 1


def test_by_time_the_label_was_final_before_the_judged_were_known():
    known, until = np.array([1, 3, 5, 7]), np.array([2, 6, 9, 9])
    train, test = split_by_time(known, until, 5)
    assert (train.tolist(), test.tolist()) == ([True, False, False, False], [False, False, True, True])
    with pytest.raises(LookAhead):
        split_by_time(until, known, 5)
