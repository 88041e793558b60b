"""The one shape of a benchmark's answer."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import gridloop


def measured(
    name: str, protocol: str, references: Mapping[str, Any], compute: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Run a benchmark and report its figures with what they cost.

    Args:
        name: of the benchmark.
        protocol: what was done, in words.
        references: published figures, each with its source.
        compute: gives the metrics; a figure with uncertainty is `{value, ci_low, ci_high}`.

    Returns:
        `{"benchmark", "protocol", "metrics", "references", "seconds", "peak_rss_mb", "version"}`; the peak is that of
        the whole process.
    """
    begun = time.perf_counter()
    metrics = compute()
    return {
        "benchmark": name,
        "protocol": protocol,
        "metrics": metrics,
        "references": dict(references),
        "seconds": round(time.perf_counter() - begun, 2),
        "peak_rss_mb": round(_peak_rss_bytes() / 1e6, 1),
        "version": gridloop.__version__,
    }


def rounded(figures: Mapping[str, float], digits: int) -> dict[str, float]:
    """The same figures with so many digits after the point."""
    return {name: round(value, digits) for name, value in figures.items()}


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
