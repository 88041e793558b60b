"""`import gridloop` and `gridloop --help` stay light: counted in modules, never in seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    *(
        "adbc_driver_manager",
        "alembic",
        "babel",
        "chinese_calendar",
        "cryptography",
        "duckdb",
        "fastapi",
        "holidays",
        "ibis",
    ),
    *(
        "lightgbm",
        "numba",
        "numpy",
        "pandas",
        "pyarrow",
        "pyiceberg",
        "pyspark",
        "scipy",
        "sklearn",
        "sqlalchemy",
    ),
    *("sqlglot", "starlette", "statsforecast", "torch", "uvicorn"),
}
IMPORT = "import gridloop"
HELP = """
import contextlib, io, sys
sys.argv = ["gridloop", "--help"]
from gridloop.apps.cli import main
with contextlib.redirect_stdout(io.StringIO()) as page, contextlib.suppress(SystemExit):
    main()
assert "Usage" in page.getvalue()
"""


def heavy_modules(source: Path, start: str) -> list[str]:
    """Heavy libraries that a fresh interpreter has loaded after `start`, with the `gridloop` below `source`."""
    report = "import sys; print('\\n'.join({name.partition('.')[0] for name in sys.modules}))"
    answer = subprocess.run(
        [sys.executable, "-c", f"{start}\n{report}"],
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return sorted(HEAVY & set(answer.stdout.splitlines()))


@pytest.mark.parametrize("start", [IMPORT, HELP], ids=["import gridloop", "gridloop --help"])
def test_nothing_heavy_is_loaded(repository, start):
    assert heavy_modules(repository / "src", start) == []


@pytest.mark.parametrize("start", [IMPORT, HELP], ids=["import gridloop", "gridloop --help"])
def test_a_planted_heavy_import_is_named(plant, start):
    root = plant(
        {
            "numba.py": "",
            "gridloop/__init__.py": "import numba\n",
            "gridloop/apps/__init__.py": "",
            "gridloop/apps/cli.py": "def main():\n    print('Usage')\n",
        }
    )
    assert heavy_modules(root, start) == ["numba"]
