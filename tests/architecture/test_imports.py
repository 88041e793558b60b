"""The import direction of ARCHITECTURE.md: proven on the code, and every contract broken once on purpose."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTRACTS = ".importlinter"

WHOLE_TREE = [
    *(
        "domain",
        "kernels",
        "engine",
        "ledger",
        "security",
        "security/vault",
        "data",
        "data/first",
        "data/second",
    ),
    *("insight", "strategy", "strategy/tariff", "strategy/experiment", "twin"),
    *("reach", "reach/delivery", "evaluation"),
    *("benchmarks", "apps", "apps/wiring", "testing"),
]

PLANTED = [
    ("layers", "domain", "import gridloop.kernels"),
    ("layers", "engine", "import gridloop.ledger"),
    ("layers", "testing", "import gridloop.apps"),
    ("layers", "a_package_that_no_layer_names", ""),
    ("twin-is-protected", "evaluation", "import gridloop.twin"),
    ("twin-knows-no-stage", "twin", "import gridloop.data"),
    ("twin-knows-no-stage", "twin", "import gridloop.strategy.experiment"),
    ("vault-is-protected", "data", "from gridloop.security import vault"),
    ("lake-libraries", "data", "import duckdb"),
    ("lake-libraries", "insight", "def run():\n    from pyspark.sql import SparkSession"),
    ("ledger-libraries", "engine", "import sqlalchemy"),
    ("command-line-libraries", "reach", "import typer"),
    ("plain-domain", "domain", "import numpy"),
    ("no-cycles", "data/first", "import gridloop.data.second"),
]


def lint_imports(root: Path, package_parent: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Runs import-linter as `make lint` does, on the `gridloop` found below `package_parent`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as go; go()"]
    command += ["--config", str(root / CONTRACTS), "--no-cache", "--no-logo"]
    command += [word for contract in contracts for word in ("--contract", contract)]
    environment = os.environ | {"PYTHONPATH": str(package_parent), "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=package_parent, env=environment, capture_output=True, text=True, check=False
    )


def planted_tree(at: str, line: str) -> dict[str, str]:
    """The grown package of the design, every package empty, with `line` in the package `at`."""
    files = {f"gridloop/{package}/__init__.py": "" for package in WHOLE_TREE}
    files |= {"gridloop/__init__.py": "", "gridloop/data/second/__init__.py": "import gridloop.data.first\n"}
    return files | {f"gridloop/{at}/__init__.py": f"{line}\n"}


def test_the_code_keeps_every_contract(repository):
    answer = lint_imports(repository, repository / "src")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert " 0 broken" in answer.stdout


def test_a_tree_that_has_grown_to_the_whole_design_keeps_every_contract(repository, plant):
    tree = planted_tree("twin", "from gridloop.strategy import tariff")
    tree["gridloop/engine/__init__.py"] = "import duckdb, pyiceberg, pyspark\nimport gridloop.domain\n"
    tree["gridloop/ledger/__init__.py"] = "import alembic, sqlalchemy\n"
    tree["gridloop/apps/wiring/__init__.py"] = "import typer, gridloop.twin, gridloop.security.vault\n"
    tree["gridloop/domain/__init__.py"] = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import gridloop.kernels\n"
    )
    answer = lint_imports(repository, plant(tree))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(("contract", "package", "line"), PLANTED)
def test_a_planted_import_breaks_its_contract(repository, plant, contract, package, line):
    answer = lint_imports(repository, plant(planted_tree(package, line)), contract)
    assert answer.returncode == 1
    assert "0 kept, 1 broken" in answer.stdout, answer.stdout + answer.stderr


def test_every_contract_has_been_broken_once(repository):
    config = configparser.ConfigParser()
    config.read(repository / CONTRACTS, encoding="utf-8")
    contracts = {section.rpartition(":")[2] for section in config.sections() if ":contract:" in section}
    assert contracts == {contract for contract, _, _ in PLANTED}
