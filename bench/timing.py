"""Interleaved timing of two ways to do one job, and the row that `bench.run` collects."""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

Clock = Callable[[], float]


def peak_rss_mb() -> float:
    """Greatest memory this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def seconds(job: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """Time of one call by a clock, with the garbage collector's own pauses kept out."""
    gc.collect()
    gc.disable()
    try:
        return _timed(job, clock)
    finally:
        gc.enable()


def _timed(job: Callable[[], object], clock: Clock) -> float:
    begin = clock()
    job()
    return clock() - begin


def interleaved(
    jobs: Sequence[Callable[[], object]], rounds: int, clock: Clock = time.perf_counter
) -> list[list[float]]:
    """Times [job][round]; every round runs every job, so that a noisy minute hits all of them.

    Garbage is collected before the first round only: a collection walks through all memory, and what is measured right
    after it would pay for the cache that it emptied.

    Args:
        jobs: what is compared.
        rounds: how often.
        clock: wall time, or `time.process_time` for CPU-seconds of all threads.
    """
    times: list[list[float]] = [[] for _ in jobs]
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for own, job in zip(times, jobs, strict=True):
                own.append(_timed(job, clock))
    finally:
        gc.enable()
    return times


def row(
    name: str,
    ours: Sequence[float],
    other: Sequence[float],
    memory_mb: float,
    unit: str = "s",
    **more: object,
) -> dict[str, object]:
    """One row of the bench: medians, and the ratio other/ours of each round (above 1: ours is faster)."""
    ratios = [theirs / own for own, theirs in zip(ours, other, strict=True)]
    return {
        "name": name,
        "ours": round(median(ours), 4),
        "other": round(median(other), 4),
        "ratio": round(median(ratios), 2),
        "ratio_min": round(min(ratios), 2),
        "ratio_max": round(max(ratios), 2),
        "peak_rss_mb": round(memory_mb),
        "unit": unit,
        "rounds": len(ratios),
        **more,
    }
