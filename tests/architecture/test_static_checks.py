"""ruff and mypy find nothing, and would find something if there were something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = {
    "ruff check": ["ruff", "check", "--no-cache"],
    "ruff format": ["ruff", "format", "--check", "--no-cache"],
    "mypy": ["mypy", "--no-error-summary"],
}
PLANTED = {
    "ruff check": "import os\n",
    "ruff format": "x = 'single'\n",
    "mypy": "def double(value):\n    return 2 * value\n",
}


def check(name: str, root: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    """Runs one static check on paths with the settings of the pyproject.toml in `root`."""
    command = [sys.executable, "-m", *CHECKS[name], *paths]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_the_tree_is_clean(repository, name):
    answer = check(name, repository, *([] if name == "mypy" else ["."]))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("name", CHECKS)
def test_a_planted_violation_is_found(repository, plant, name):
    settings = (repository / "pyproject.toml").read_text(encoding="utf-8")
    root = plant({"pyproject.toml": settings, "src/planted.py": PLANTED[name]})
    answer = check(name, root, "src/planted.py")
    assert answer.returncode == 1
    assert "src/planted.py" in answer.stdout + answer.stderr
