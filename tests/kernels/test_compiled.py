"""Compiled code that is older than any kernel source is not used again."""

from __future__ import annotations

import os
from pathlib import Path

from gridloop.kernels.compiled import forget_stale_code


def test_a_change_in_one_file_forgets_what_was_compiled_from_its_callers(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner.py", tmp_path / "outer.py"
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    index, compiled = cache / "outer.f-1.py311.nbi", cache / "outer.f-1.py311.1.nbc"
    for stamp, path in ((100, inner), (100, outer), (200, index), (200, compiled)):
        path.write_text("")
        os.utime(path, (stamp, stamp))
    assert forget_stale_code(tmp_path) == 0
    os.utime(inner, (300, 300))
    assert forget_stale_code(tmp_path) == 1
    assert not index.exists() and compiled.exists()


def test_a_folder_without_sources_is_left_alone(tmp_path: Path) -> None:
    assert forget_stale_code(tmp_path / "nowhere") == 0
