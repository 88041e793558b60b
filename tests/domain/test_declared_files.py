"""Declarations are read as they are written, and again when a file was written."""

from __future__ import annotations

import os
from pathlib import Path

from gridloop.domain.declared_files import read_declared, stamps


def test_values_as_yaml_has_them_or_as_they_were_written(tmp_path: Path):
    file = tmp_path / "one.yaml"
    file.write_text("at: 17:00\nprice: 0.450\nname: 峰\n", encoding="utf-8")
    assert read_declared(file) == {"at": 1020, "price": 0.45, "name": "峰"}
    assert read_declared(file, text=True) == {"at": "17:00", "price": "0.450", "name": "峰"}


def test_stamps_change_with_every_writing_and_only_then(tmp_path: Path):
    folder, lone = tmp_path / "tags", tmp_path / "lone.yaml"
    assert stamps([folder, lone]) == ()
    folder.mkdir()
    for name in ("b.yaml", "a.yaml", "notes.txt"):
        (folder / name).write_text("x")
    lone.write_text("y")
    first = stamps([folder, lone])
    assert [path.name for path, *_ in first] == ["a.yaml", "b.yaml", "lone.yaml"]
    assert stamps([folder, lone]) == first
    (folder / "a.yaml").write_text("z")
    os.utime(folder / "a.yaml", ns=(1, 1))
    assert stamps([folder, lone]) != first
    (folder / "a.yaml").unlink()
    assert [path.name for path, *_ in stamps([folder])] == ["b.yaml"]
