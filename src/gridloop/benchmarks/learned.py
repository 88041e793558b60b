"""Benchmarks that learn from labelled customers: train and test folders, or cross-validation on train."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridloop.benchmarks.report import measured
from gridloop.domain.errors import SourceMismatch, SourceUnreadable
from gridloop.insight.learning.calibration import calibrate
from gridloop.insight.learning.choice import choose
from gridloop.insight.learning.columns import Columns, Float64, Ints
from gridloop.insight.learning.intervals import IntervalSettings, with_intervals
from gridloop.insight.learning.learner import Learner, out_of_fold
from gridloop.insight.learning.metrics import Judged, ValueSettings
from gridloop.insight.learning.split import folds_of, no_customer_twice

FOLDS = 5
"""Of the out-of-fold predictions that a train/test run calibrates and chooses by."""


@dataclass(frozen=True)
class Customers:
    """Labelled customers of one folder.

    Attributes:
        ids: as the source has them.
        label: float64[n], 0 or 1.
        columns: what is known of them.
        band: int64[n], length of observation in bands; None where it plays no part.
    """

    ids: tuple[object, ...]
    label: Float64
    columns: Columns
    band: Ints | None = None


@dataclass(frozen=True)
class Task:
    """A benchmark that learns.

    Attributes:
        read: customers of a folder.
        learners: by name, simplest first.
        promotable: names that may be promoted.
        value: cost matrix of the net value.
    """

    read: Callable[[Path], Customers]
    learners: Mapping[str, Learner]
    promotable: Sequence[str]
    value: ValueSettings


def run_task(module: ModuleType, train: Path, test: Path | None, folds: int | None) -> dict[str, Any]:
    """Run the `TASK` of a benchmark's module, in the shape of `gridloop.benchmarks.report.measured`."""

    def compute() -> dict[str, Any]:
        if test is not None:
            return judge_on_test(module.TASK, train, test)
        return judge_across_folds(module.TASK, train, folds or FOLDS)

    return measured(module.NAME, module.PROTOCOL, module.REFERENCES, compute)


def judge_on_test(task: Task, train: Path, test: Path) -> dict[str, Any]:
    """Fit, calibrate and choose on train; then read the test labels once.

    Raises:
        SourceUnreadable, SourceMismatch: files are absent or have no labels.
        LookAhead: a customer is in both folders.
    """
    learned, judged = task.read(train), task.read(test)
    no_customer_twice(learned.ids, judged.ids)
    fold = folds_of(learned.ids, FOLDS)
    crossed: dict[str, Float64] = {}
    predicted: dict[str, Float64] = {}
    for name, learner in task.learners.items():
        began = time.perf_counter()
        raw = out_of_fold(learner, learned.columns, learned.label, fold)
        curve, crossed[name], _ = calibrate(raw, learned.label, fold)
        predicted[name] = curve(learner.fit(learned.columns, learned.label).probability(judged.columns))
        tell(f"{name}: fitted in {time.perf_counter() - began:.0f} s")
    return _metrics(task, crossed, learned.label, predicted, judged)


def judge_across_folds(task: Task, train: Path, folds: int) -> dict[str, Any]:
    """Each customer by models that did not see it; its calibration curve did not see its fold either."""
    learned = task.read(train)
    no_customer_twice(learned.ids, ())
    fold = folds_of(learned.ids, folds)
    crossed: dict[str, Float64] = {}
    for name, learner in task.learners.items():
        began = time.perf_counter()
        raw = out_of_fold(learner, learned.columns, learned.label, fold)
        _, crossed[name], _ = calibrate(raw, learned.label, fold)
        tell(f"{name}: {folds} folds in {time.perf_counter() - began:.0f} s")
    return _metrics(task, crossed, learned.label, crossed, learned)


def _metrics(
    task: Task,
    crossed: Mapping[str, Float64],
    label: Float64,
    predicted: Mapping[str, Float64],
    on: Customers,
) -> dict[str, Any]:
    chosen = choose(label, {name: crossed[name] for name in task.learners if name in task.promotable})
    metrics: dict[str, Any] = {"chosen": chosen}
    settings = IntervalSettings()
    for name, probability in predicted.items():
        metrics[name] = with_intervals(Judged.of(on.label, probability, on.band), task.value, settings)
    metrics["customers_train"], metrics["customers_judged"] = len(label), len(on.label)
    metrics["label_rate"] = round(float(on.label.mean()), 5)
    return metrics


def tell(line: str) -> None:
    """A line of progress on the error stream."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def read_table(folder: Path, name: str, needed: Sequence[str]) -> pa.Table:
    """A parquet file of a folder, with the columns it must have, found by name.

    Raises:
        SourceUnreadable: it is absent or not parquet.
        SourceMismatch: a column is absent.
    """
    path = folder / name
    if not path.is_file():
        raise SourceUnreadable(f"{name} is not in the folder.", ways_out=(f"A folder that holds {name}.",))
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise SourceUnreadable(
            f"{name} cannot be read as Parquet.", evidence={"error": str(error)}
        ) from error
    if missing := [column for column in needed if column not in table.column_names]:
        raise SourceMismatch(f"{name} lacks columns.", evidence={"missing": missing})
    return table


def numbers(table: pa.Table, name: str) -> Float64:
    """float64[n] of a numeric column; NaN for null."""
    return np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def labels(table: pa.Table, name: str, file: str) -> Float64:
    """float64[n] of 0 and 1, with both there.

    Raises:
        SourceMismatch: a label is absent or another value, or all are alike.
    """
    found = numbers(table, name)
    if not np.isin(found, (0.0, 1.0)).all() or len(np.unique(found)) < 2:
        raise SourceMismatch(
            f"{file} needs a label of 0 or 1 in {name!r} for every customer, and both of them.",
            evidence={"rows": len(found), "values": sorted({str(v) for v in found[:10_000]})[:5]},
        )
    return found


def codes(table: pa.Table, name: str, known: Sequence[str]) -> Float64:
    """float64[n], place of each text in a fixed list; NaN for any other."""
    place = {text: float(i) for i, text in enumerate(known)}
    return np.array([place.get(str(v), np.nan) for v in table[name].to_pylist()], np.float64)
