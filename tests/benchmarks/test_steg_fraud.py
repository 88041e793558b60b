"""Fraud by billing: what may follow an inspection is out of reach of the model that may be promoted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridloop.benchmarks import learned, steg_fraud
from gridloop.benchmarks.steg_invoices import (
    LEVELS,
    before_first_exchange,
    exchange_day_and_month,
    read_clients,
    read_invoices,
)
from gridloop.insight.learning.booster import Booster, BoosterSettings
from gridloop.insight.learning.intervals import IntervalSettings

QUICK = BoosterSettings(rounds=25, learning_rate=0.1, seeds=1)
DAY = np.datetime64("1970-01-01")


def county(folder, seed, count=500):
    """Made clients: thieves use less than their neighbours from some day on; an exchange follows most thefts."""
    generator = np.random.default_rng(seed)
    ids = [f"{seed}_{number}" for number in range(count)]
    fraud = (generator.random(count) < 0.25).astype(float)
    rows = []
    for number, (identity, thief) in enumerate(zip(ids, fraud, strict=True)):
        bills = int(generator.integers(10, 20))
        level, index, meter = generator.lognormal(6, 0.3), 0.0, 1000.0 + number
        began = int(generator.integers(2, 6))
        exchange = bills - 3 if thief and generator.random() < 0.8 else bills
        for bill in range(bills):
            use = level * generator.uniform(0.85, 1.15) * (0.35 if thief and bill >= began else 1.0)
            if bill == exchange:
                meter, index = meter + 50_000, 0.0
            day = DAY + int(13_149 + 122 * bill + generator.integers(0, 20))
            rows.append((identity, day, use, index, index + use, meter))
            index += use
    identity, day, use, old, new, meter = zip(*rows, strict=True)
    folder.mkdir()
    clients = {"client_id": ids, "district": [60.0] * count, "client_catg": [11] * count, "region": [101] * count,
               "creation_date": np.full(count, DAY + 9000), "target": fraud}  # fmt: skip
    levels = {name: np.zeros(len(use)) for name in LEVELS} | {LEVELS[0]: np.array(use)}
    invoices = {
        "client_id": identity, "invoice_date": np.array(day, "datetime64[D]"), "tarif_type": [11] * len(use),
        "counter_number": meter, "counter_statue": ["0"] * len(use), "counter_code": [203] * len(use),
        "reading_remarque": [6] * len(use), **levels, "old_index": old, "new_index": new,
        "months_number": [4] * len(use), "counter_type": ["ELEC"] * len(use),
    }  # fmt: skip
    pq.write_table(pa.table(clients), folder / "client.parquet")
    pq.write_table(pa.table(invoices), folder / "invoice.parquet")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return county(tmp_path_factory.mktemp("steg") / "train", 1)


def test_invoices_end_before_the_first_exchange_of_their_meter(folder):
    clients = read_clients(folder)
    invoices = read_invoices(folder, clients)
    kept = before_first_exchange(invoices)
    for client in np.unique(invoices.client[~kept]):
        mine = invoices.client == client
        assert len(np.unique(invoices.counter[mine & kept])) == 1
        assert invoices.day[mine & kept].max() < invoices.day[mine & ~kept].min()
    assert 0 < (~kept).sum() < len(kept)


def test_nothing_that_may_follow_an_inspection_reaches_the_model_that_may_be_promoted(folder, tmp_path):
    before = steg_fraud.read(folder).columns
    table = pq.read_table(folder / "invoice.parquet")
    invoices = read_invoices(folder, read_clients(folder))
    first = {  # day of the first exchange by client
        int(client): int(invoices.day[(invoices.client == client) & ~before_first_exchange(invoices)].min())
        for client in np.unique(invoices.client[~before_first_exchange(invoices)])
    }
    ids = {
        one: place
        for place, one in enumerate(pq.read_table(folder / "client.parquet")["client_id"].to_pylist())
    }
    days = table["invoice_date"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    owner = np.array([ids[one] for one in table["client_id"].to_pylist()])
    after = np.array([day >= first.get(int(client), 10**9) for day, client in zip(days, owner, strict=True)])
    changed = {name: table[name].to_numpy().copy() for name in (LEVELS[0], "new_index", "counter_code")}
    for name, values in changed.items():
        values[after] = values[after] * 7 + 3
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    table = table.set_column(
        table.column_names.index("counter_statue"),
        "counter_statue",
        pa.array(np.where(after, "5", "0")),
    )
    (tmp_path / "other").mkdir()
    pq.write_table(table, tmp_path / "other" / "invoice.parquet")
    pq.write_table(pq.read_table(folder / "client.parquet"), tmp_path / "other" / "client.parquet")
    poisoned = steg_fraud.read(tmp_path / "other").columns
    promotable = steg_fraud.TASK.learners["before_inspection"].groups
    kept = [name for name in before.names if name.partition(".")[0] in promotable]
    assert np.array_equal(before.only(kept).values, poisoned.only(kept).values, equal_nan=True)
    assert not np.array_equal(before.values, poisoned.values, equal_nan=True)


def test_both_models_are_judged_and_only_the_one_before_inspection_is_promoted(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(learned, "IntervalSettings", lambda: IntervalSettings(resamples=20))
    learners = {name: Booster(QUICK, one.groups) for name, one in steg_fraud.TASK.learners.items()}
    task = dataclasses.replace(steg_fraud.TASK, learners=learners)
    found = learned.judge_on_test(task, folder, county(tmp_path / "test", 2, 300))
    assert found["chosen"] == "before_inspection"
    for name in ("before_inspection", "all"):
        assert found[name]["auc"]["value"] > 0.7
        assert found[name]["auc_within_length"]["value"] is not None


def test_day_and_month_are_exchanged_up_to_the_twelfth_and_back():
    days = np.array(["2012-04-12", "2012-12-04", "2012-04-13"], "datetime64[D]").astype(np.int64)
    other = exchange_day_and_month(days)
    assert other.tolist() == [days[1], days[0], days[2]]
