"""Benchmarks that learn: one protocol over folders of train and test."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.benchmarks import credit_default, learned
from gridloop.domain.errors import LookAhead, SourceMismatch, SourceUnreadable
from gridloop.insight.learning.booster import Booster, BoosterSettings
from gridloop.insight.learning.intervals import IntervalSettings
from gridloop.insight.learning.linear import Linear, LinearSettings

QUICK = Booster(
    BoosterSettings(
        rounds=30,
        learning_rate=0.1,
        leaves=8,
        smallest_leaf=20,
        column_share=0.5,
        row_share=0.8,
        l2=5.0,
        seeds=1,
    )
)


def borrowers(first: int, count: int) -> pa.Table:
    """Synthetic borrowers in the columns of the public file; late ones default more often."""
    generator = np.random.default_rng(first)
    habit = generator.normal(size=count)
    table = {"ID": np.arange(first, first + count)}
    table["LIMIT_BAL"] = np.round(np.exp(generator.normal(11 - 0.5 * habit, 0.5)))
    table["AGE"] = generator.integers(21, 70, count)
    for name in credit_default.DELAYS:
        table[name] = np.clip(np.round(habit + generator.normal(-0.5, 0.8, count)), -2, 8).astype(int)
    for name in credit_default.BILLS:
        table[name] = np.round(table["LIMIT_BAL"] * generator.uniform(0, 0.9, count))
    for name in credit_default.PAID:
        table[name] = np.round(table["LIMIT_BAL"] * generator.uniform(0, 0.1, count) * np.exp(-habit))
    risk = 1 / (1 + np.exp(1.6 - 1.3 * habit))
    table[credit_default.LABEL] = (generator.random(count) < risk).astype(int)
    return pa.table(table)


@pytest.fixture
def folders(tmp_path):
    """A folder of 1,500 to learn from and one of 700 to be judged on."""
    found = []
    for name, table in (("train", borrowers(0, 1500)), ("test", borrowers(10_000, 700))):
        (tmp_path / name).mkdir()
        pq.write_table(table, tmp_path / name / credit_default.FILE)
        found.append(tmp_path / name)
    return found


@pytest.fixture
def task(monkeypatch):
    monkeypatch.setattr(learned, "IntervalSettings", lambda: IntervalSettings(resamples=40))
    learners = {"linear": Linear(LinearSettings()), "lightgbm": QUICK}
    return dataclasses.replace(credit_default.TASK, learners=learners, promotable=tuple(learners))


def rewritten(folder, **columns):
    """Replace columns of a folder's file."""
    table = pq.read_table(folder / credit_default.FILE)
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    pq.write_table(table, folder / credit_default.FILE)


def test_each_model_is_judged_with_intervals_and_one_is_chosen(folders, task):
    found = learned.judge_on_test(task, *folders)
    assert found["chosen"] in task.promotable
    assert (found["customers_train"], found["customers_judged"]) == (1500, 700)
    for name in task.learners:
        one = found[name]["auc"]
        assert 0.6 < one["ci_low"] < one["value"] < one["ci_high"]
        assert {"net_value", "precision_at_1pct", "recall_at_10pct", "calibration_slope"} <= set(found[name])


def test_poisoned_test_labels_change_the_figures_and_not_the_choice(folders, task):
    before = learned.judge_on_test(task, *folders)
    table = pq.read_table(folders[1] / credit_default.FILE)
    rewritten(folders[1], **{credit_default.LABEL: 1 - table[credit_default.LABEL].to_numpy()})
    after = learned.judge_on_test(task, *folders)
    assert after["chosen"] == before["chosen"]
    assert after["linear"]["auc"]["value"] < 0.5 < before["linear"]["auc"]["value"]


def test_the_order_of_columns_and_whole_or_real_numbers_make_no_difference(folders, task):
    before = learned.judge_on_test(task, *folders)
    table = pq.read_table(folders[1] / credit_default.FILE)
    real = pa.schema([pa.field(name, pa.float64()) for name in table.column_names[::-1]])
    pq.write_table(table.select(table.column_names[::-1]).cast(real), folders[1] / credit_default.FILE)
    assert learned.judge_on_test(task, *folders)["lightgbm"] == before["lightgbm"]


def test_across_folds_only_train_is_needed(folders, task):
    found = learned.judge_across_folds(task, folders[0], 3)
    assert found["customers_judged"] == 1500
    assert found["lightgbm"]["auc"]["value"] > 0.7


def test_customers_of_both_folders_absent_labels_and_absent_files_are_refused(folders, task, tmp_path):
    with pytest.raises(LookAhead):
        learned.judge_on_test(task, folders[0], folders[0])
    rewritten(folders[1], **{credit_default.LABEL: [None] * 700})
    with pytest.raises(SourceMismatch):
        learned.judge_on_test(task, *folders)
    with pytest.raises(SourceUnreadable) as caught:
        learned.judge_on_test(task, tmp_path, folders[1])
    assert credit_default.FILE in caught.value.what
