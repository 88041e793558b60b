"""The catalogue lists every benchmark and names the closest one to a typing error."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from gridloop.benchmarks import BENCHMARKS, benchmark
from gridloop.domain.errors import SourceUnreadable, UsageError


def test_every_entry_has_a_module_with_what_it_runs_and_a_page():
    root = Path(__file__).resolve().parents[2]
    for name, entry in BENCHMARKS.items():
        module = import_module(entry.module)
        assert name == entry.name and hasattr(module, "TASK" if entry.learns else "run")
        assert (root / entry.page).exists()


def test_a_typing_error_is_answered_with_what_was_meant():
    with pytest.raises(UsageError, match="no benchmark 'lcl-dto'") as error:
        benchmark("lcl-dto")
    assert "lcl-dtou" in error.value.ways_out[0]


def test_a_folder_without_the_files_is_refused(tmp_path):
    with pytest.raises(SourceUnreadable):
        benchmark("lcl-dtou").run(tmp_path)
