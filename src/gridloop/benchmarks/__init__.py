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


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One entry of the catalogue.

    Attributes:
        name: as typed on the command line.
        title: what it shows, for `benchmark --list`.
        folder: folder of its files within the public data sets.
        module: where its `run(data)` is.
        page: the page that states its protocol.
    """

    name: str
    title: str
    folder: str
    module: str
    page: str

    def run(self, data: Path) -> dict[str, Any]:
        """Rerun it on the files in `data`, or in the folder of the public data sets that holds `folder`.

        Returns:
            `{"benchmark", "protocol", "metrics", "references", "seconds", "peak_rss_mb", "version"}`, ready for JSON.

        Raises:
            SourceUnreadable, SourceMismatch: the files are absent or not what their recipe says.
        """
        inner = data / self.folder
        result: dict[str, Any] = import_module(self.module).run(inner if inner.is_dir() else data)
        return result


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
