"""Every way to make a model learns what is there, knows columns by name, and bears unknown values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gridloop.domain.errors import SchemaMismatch
from gridloop.insight.learning.booster import Booster, BoosterSettings
from gridloop.insight.learning.columns import Columns
from gridloop.insight.learning.learner import out_of_fold
from gridloop.insight.learning.linear import Linear, LinearSettings

SMALL = BoosterSettings(
    rounds=40, learning_rate=0.1, leaves=6, smallest_leaf=20, column_share=1.0, row_share=1.0, l2=1.0, seeds=1
)
LEARNERS = [Linear(LinearSettings()), Booster(SMALL)]


@pytest.fixture(scope="module")
def customers():
    generator = np.random.default_rng(4)
    use, noise = generator.lognormal(0, 1, 3000), generator.normal(size=3000)
    label = (generator.random(3000) < 1 / (1 + np.exp(1.5 - 1.5 * np.log(use)))).astype(float)
    use[::13] = np.nan
    return Columns.of({"use": use, "noise": noise}), label


@pytest.mark.parametrize("learner", LEARNERS, ids=["linear", "booster"])
def test_what_is_there_is_learned_for_customers_not_seen(customers, learner):
    columns, label = customers
    told = out_of_fold(learner, columns, label, np.arange(3000) % 3)
    assert roc_auc_score(label, told) > 0.75
    assert ((told > 0) & (told < 1)).all()


@pytest.mark.parametrize("learner", LEARNERS, ids=["linear", "booster"])
def test_labels_of_a_fold_do_not_reach_its_own_predictions(customers, learner):
    columns, label = customers
    fold = np.arange(3000) % 3
    poisoned = np.where(fold == 0, 1.0 - label, label)
    one, other = (out_of_fold(learner, columns, y, fold)[fold == 0] for y in (label, poisoned))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("learner", LEARNERS, ids=["linear", "booster"])
def test_columns_are_known_by_name_and_fits_repeat(customers, learner):
    columns, label = customers
    fitted = learner.fit(columns, label)
    turned = Columns(columns.names[::-1], columns.values[:, ::-1])
    assert np.array_equal(fitted.probability(turned), fitted.probability(columns))
    assert np.array_equal(learner.fit(columns, label).probability(columns), fitted.probability(columns))
    with pytest.raises(SchemaMismatch):
        fitted.probability(columns.only(["noise"]))
