"""Published protocols, rerun by one command on public files where they lie.

This module is the catalogue; a benchmark's own module, with all it needs, is imported when it is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from gridloop.domain.errors import UsageError, did_you_mean

__all__ = ["BENCHMARKS", "Benchmark", "benchmark"]

FOLDS = 5
"""Where a benchmark that learns is given one folder only."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One entry of the catalogue.

    Attributes:
        name: as typed on the command line.
        title: what it shows, for `benchmark --list`.
        folder: folder of its files within the public data sets.
        module: where its `run(data)` is, or its `TASK` where it learns.
        page: the page that states its protocol.
        learns: whether it fits models: then it takes a folder to learn from and one to be judged on, or folds.
    """

    name: str
    title: str
    folder: str
    module: str
    page: str
    learns: bool = False

    def run(self, data: Path) -> dict[str, Any]:
        """Rerun it on the files in `data`, or in the folder of the public data sets that holds `folder`.

        Returns:
            `{"benchmark", "protocol", "metrics", "references", "seconds", "peak_rss_mb", "version"}`, ready for JSON.

        Raises:
            SourceUnreadable, SourceMismatch: the files are absent or not what their recipe says.
        """
        if self.learns:
            return self.run_learned(data, folds=FOLDS)
        result: dict[str, Any] = import_module(self.module).run(self._inner(data))
        return result

    def run_learned(
        self, train: Path, *, test: Path | None = None, folds: int | None = None
    ) -> dict[str, Any]:
        """Fit on `train` and judge once on `test`, or judge each customer of `train` by models of the other folds.

        Raises:
            UsageError: it fits no model, or neither or both of `test` and `folds` are given.
            SourceUnreadable, SourceMismatch: files are absent, or not what the benchmark needs, labels included.
            LookAhead: a customer is in both folders.
        """
        if not self.learns:
            raise UsageError(
                f"Benchmark {self.name!r} fits no model.",
                ways_out=(f"gridloop benchmark {self.name} --data DIR",),
            )
        if (test is None) == (folds is None):
            raise UsageError(
                "Either a folder to be judged on or a number of folds is needed.",
                ways_out=("--train DIR --test DIR", "--train DIR --cv 5"),
            )
        from gridloop.benchmarks.learned import run_task

        return run_task(
            import_module(self.module), self._inner(train), None if test is None else self._inner(test), folds
        )

    def _inner(self, data: Path) -> Path:
        inner = data / self.folder
        return inner if inner.is_dir() else data


BENCHMARKS: Mapping[str, Benchmark] = {
    entry.name: entry
    for entry in (
        Benchmark(
            "lcl-dtou",
            "Effect of a dynamic time-of-use tariff, Low Carbon London 2013",
            "lcl",
            "gridloop.benchmarks.lcl_dtou",
            "docs/methods/panel-contrast.md",
        ),
        Benchmark(
            "steg-fraud",
            "Meter fraud by billing, Tunisia 2005 to 2019",
            "steg",
            "gridloop.benchmarks.steg_fraud",
            "docs/methods/theft_billing.md",
            learns=True,
        ),
        Benchmark(
            "powerco-churn",
            "Churn of small business customers of an energy supplier",
            "powerco",
            "gridloop.benchmarks.powerco_churn",
            "docs/methods/churn.md",
            learns=True,
        ),
        Benchmark(
            "credit-default",
            "Default of card payments next month, Taiwan 2005",
            "credit_default",
            "gridloop.benchmarks.credit_default",
            "docs/methods/credit_scorecard.md",
            learns=True,
        ),
    )
}
"""All benchmarks by name."""


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        UsageError: there is none; says what is close.
    """
    if name not in BENCHMARKS:
        raise UsageError(f"There is no benchmark {name!r}.", ways_out=did_you_mean(name, BENCHMARKS))
    return BENCHMARKS[name]
