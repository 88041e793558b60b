"""What a clone needs anywhere: pins that satisfy pyproject.toml, a change log, tests for every package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pins(root: Path, name: str) -> dict[str, set[str]]:
    """Versions pinned by a requirements file, by canonical name (one name may have several, per platform)."""
    found: dict[str, set[str]] = {}
    for line in pin_lines(root / "requirements" / name):
        if plain := re.match(r"([\w.-]+)==([\w.!+]+)\s*(;|$)", line):
            found.setdefault(canonicalize_name(plain[1]), set()).add(plain[2])
    return found


def pin_lines(path: Path) -> Iterator[str]:
    """Lines of a requirements file that are not comments."""
    stripped = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return (line for line in stripped if line and not line.startswith("#"))


def loose_lines(root: Path) -> list[str]:
    """A line that is not `name==version` ties the install to a host or lets it drift."""
    return [
        f"{path.name}: {line}"
        for path in sorted((root / "requirements").glob("*.txt"))
        for line in pin_lines(path)
        if not re.fullmatch(r"[\w.-]+==[\w.!+]+( ; [^/\\]+)?", line)
    ]


def unmet_requirements(root: Path) -> list[str]:
    """A dependency that is not pinned, or pinned outside its range, breaks only on someone else's machine."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"].get("optional-dependencies", {})
    needed = [*project["project"]["dependencies"], *(line for extra in extras.values() for line in extra)]
    developing = [*needed, *project.get("dependency-groups", {}).get("dev", [])]
    run, dev = pins(root, "run.txt"), pins(root, "dev.txt")
    return [
        *unmet("run.txt", run, needed),
        *unmet("dev.txt", dev, developing),
        *(f"dev.txt: {name} differs from run.txt" for name in sorted(run) if dev.get(name) != run[name]),
    ]


def unmet(file: str, pinned: dict[str, set[str]], needed: list[str]) -> Iterator[str]:
    """Requirements that the pinned versions of a file do not satisfy."""
    for requirement in map(Requirement, needed):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        if not versions or not all(version in requirement.specifier for version in versions):
            yield f"{file}: {requirement} has {', '.join(sorted(versions)) or 'no pin'}"


def untold_version(root: Path) -> list[str]:
    """The version that the package states has a heading in the change log."""
    source = (root / "src/gridloop/__init__.py").read_text(encoding="utf-8")
    version = re.findall(r'^__version__ = "(.+)"$', source, re.M)[0]
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return [] if re.search(rf"^## \[?{re.escape(version)}\b", changes, re.M) else [version]


def untested_packages(root: Path) -> list[str]:
    """Tests mirror src: whoever changes a package finds its tests by its name."""
    packages = {path.parent for path in (root / "src/gridloop").rglob("[!_]*.py")}
    names = sorted(
        {path.relative_to(root / "src/gridloop").parts[0] for path in packages if path.name != "gridloop"}
    )
    return [name for name in names if not list((root / "tests" / name).rglob("test_*.py"))]


def test_every_pin_is_plain(repository):
    assert loose_lines(repository) == []


def test_the_pins_satisfy_the_project(repository):
    assert unmet_requirements(repository) == []


def test_the_change_log_tells_this_version(repository):
    assert untold_version(repository) == []


def test_every_package_has_tests(repository):
    assert untested_packages(repository) == []


def test_hosts_hashes_and_ranges_are_named(plant):
    lines = [
        "numpy==2.4.6 ; python_full_version < '3.12'",
        "typer>=0.15",
        "-i https://host/simple",
        "a @ https://host/a",
    ]
    root = plant(
        {"requirements/run.txt": "\n".join([*lines, "b==1 --hash=sha256:00", "# via a", "    # via b"])}
    )
    assert [line.split()[1] for line in loose_lines(root)] == ["typer>=0.15", "-i", "a", "b==1"]


def test_missing_outdated_and_diverging_pins_are_named(plant):
    project = (
        '[project]\ndependencies = ["numpy>=2", "duckdb>=1.5,<2"]\n'
        '[project.optional-dependencies]\npg = ["psycopg[binary]>=3"]\n[dependency-groups]\ndev = ["ruff"]\n'
    )
    run = "numpy==1.26\npsycopg==3.1\nduckdb==1.5.6\n"
    root = plant(
        {"pyproject.toml": project, "requirements/run.txt": run, "requirements/dev.txt": run + "numpy==2.1\n"}
    )
    assert unmet_requirements(root) == [
        "run.txt: numpy>=2 has 1.26",
        "dev.txt: numpy>=2 has 1.26, 2.1",
        "dev.txt: ruff has no pin",
        "dev.txt: numpy differs from run.txt",
    ]


def test_an_untold_version_is_named(plant):
    root = plant(
        {"src/gridloop/__init__.py": '__version__ = "0.2.0"\n', "CHANGELOG.md": "## 0.1.0\n\n0.2.0\n"}
    )
    assert untold_version(root) == ["0.2.0"]


def test_a_package_without_tests_is_named(plant):
    files = ["src/gridloop/__init__.py", "src/gridloop/data/sources/csv.py", "src/gridloop/engine/lake.py"]
    files += ["src/gridloop/twin/__init__.py", "tests/engine/test_lake.py"]
    root = plant(dict.fromkeys(files, ""))
    assert untested_packages(root) == ["data"]
