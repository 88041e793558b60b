"""Planted leaks are found and named; honest tables, however good, pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridloop.domain.errors import LookAhead
from gridloop.insight.learning.columns import Columns
from gridloop.insight.learning.leakage import LeakageSettings, TrainingTable, leaks, refuse_leaks

N = 2000


@pytest.fixture
def honest():
    """A table whose best feature has an AUC of about 0.85."""
    generator = np.random.default_rng(5)
    label = (generator.random(N) < 0.2).astype(float)
    strong = label * 1.5 + generator.normal(size=N)
    noise = generator.normal(size=N)
    gaps = np.where(generator.random(N) < 0.3, np.nan, noise)
    columns = Columns.of({"strong": strong, "noise": noise, "gaps": gaps})
    ids = [f"c{i}" for i in range(N)]
    at = np.full(N, 100, np.int64)
    return TrainingTable(ids, columns, label, at, {"strong": at - 1, "noise": at, "gaps": at})


def planted(table, **more):
    held = {name: table.columns.column(name) for name in table.columns.names}
    return replace(table, columns=Columns.of(held | more))


def test_an_honest_table_passes(honest):
    assert leaks(honest, ["elsewhere"]) == ()
    refuse_leaks(honest, ["elsewhere"])


def test_a_feature_known_after_the_prediction_is_refused(honest):
    late = np.full(N, 99, np.int64)
    late[7] = 130
    table = replace(honest, known_at={**honest.known_at, "noise": late})
    (found,) = leaks(table)
    assert (found.code, found.subject, dict(found.evidence)) == (
        "leak.known_later",
        "noise",
        {"rows": 1, "latest_by": 30},
    )


@pytest.mark.parametrize("shape", ["rises", "falls", "middle", "missing"])
def test_a_feature_that_separates_is_refused_whatever_its_shape(honest, shape):
    generator = np.random.default_rng(6)
    rises = honest.label * 8 + generator.normal(size=N)
    leak = {
        "rises": rises,
        "falls": -rises,
        "middle": np.where(honest.label > 0, 0.0, np.sign(generator.normal(size=N)) * 9)
        + generator.normal(size=N),
        "missing": np.where(honest.label > 0, np.nan, generator.normal(size=N)),
    }[shape]
    (found,) = leaks(planted(honest, meter_exchanged=leak))
    assert (found.code, found.subject) == ("leak.separates", "meter_exchanged")
    assert found.evidence["auc_out_of_fold"] >= 0.98


def test_the_threshold_is_a_setting(honest):
    found = leaks(honest, settings=LeakageSettings(highest_auc=0.8))
    assert [one.subject for one in found] == ["strong"]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (5.0, -3.0)])
def test_a_duplicate_of_the_target_is_refused_under_any_coding(honest, low, high):
    copy = np.where(honest.label > 0, high, low)
    copy[:100] = np.nan
    (found,) = leaks(planted(honest, status=copy))
    assert (found.code, found.subject) == ("leak.duplicate", "status")


def test_a_customer_in_train_and_test_is_refused_and_the_error_names_ways_out(honest):
    with pytest.raises(LookAhead) as caught:
        refuse_leaks(planted(honest, status=honest.label), ["c3", "c4", "new"])
    evidence = caught.value.evidence
    assert evidence["leak.customer_in_both"] == "customers_in_both=2"
    assert "leak.duplicate status" in evidence
    assert len(caught.value.ways_out) == 2


def test_chance_in_wide_small_tables_does_not_look_like_a_leak():
    generator = np.random.default_rng(7)
    label = (np.arange(120) % 2).astype(float)
    columns = Columns.of({f"x{i}": generator.normal(size=120) for i in range(300)})
    table = TrainingTable(list(range(120)), columns, label, np.zeros(120, np.int64))
    assert leaks(table, settings=LeakageSettings(highest_auc=0.8)) == ()
