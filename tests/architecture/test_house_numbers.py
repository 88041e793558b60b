"""The house numbers of CONTRIBUTING.md: elegance is lost in the tail, so the tail is capped."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FILE_LINES = 500
FUNCTION_LINES = 60
FUNCTION_LINES_P90 = 40
ARGUMENTS = 7
DEPTH = 3
EXPORTS = 7
STAGES = ("data", "insight", "strategy", "reach", "evaluation")
FREE_IN_ARGUMENTS = ("src/gridloop/kernels/", "src/gridloop/apps/cli/")
INHERITED = {"setter", "override", "overload"}
DRAWERS = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "managers"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(root: Path, *folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file below the folders of a tree, by its path in the tree, with its syntax tree."""
    for folder in folders or ("src", "tests", "bench"):
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method of a module, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the last line, docstring included: a long contract is also something to read."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def long_files(root: Path) -> list[str]:
    """A file beyond the limit has more than one subject: split it by verb."""
    sizes = {path: len((root / path).read_text(encoding="utf-8").splitlines()) for path, _ in modules(root)}
    return [f"{path}: {lines} lines" for path, lines in sizes.items() if lines > FILE_LINES]


def long_functions(root: Path) -> list[str]:
    """A function beyond the limit does several things in turn: each of them has a name."""
    return [
        f"{path}:{function.lineno} {function.name}: {length(function)} lines"
        for path, tree in modules(root)
        for function in functions(tree)
        if length(function) > FUNCTION_LINES
    ]


def long_tail(root: Path) -> list[str]:
    """Nine functions in ten are read without scrolling, otherwise single exceptions have become the style."""
    lengths = sorted(length(function) for _, tree in modules(root, "src") for function in functions(tree))
    p90 = lengths[math.ceil(0.9 * len(lengths)) - 1] if lengths else 0
    return [f"src: nine in ten functions have up to {p90} lines"] if p90 > FUNCTION_LINES_P90 else []


def many_arguments(root: Path) -> list[str]:
    """Beyond seven arguments a noun or a settings class is missing, but in kernels and commands."""
    return [
        f"{path}:{function.lineno} {function.name}: {len(names)} arguments"
        for path, tree in modules(root, "src")
        for function in functions(tree)
        if len(names := argument_names(function)) > ARGUMENTS
        if not path.as_posix().startswith(FREE_IN_ARGUMENTS) and "njit" not in decorators(function)
    ]


def argument_names(function: Function) -> list[str]:
    """What a caller may pass by name or place."""
    listed = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [argument.arg for argument in listed if argument.arg not in {"self", "cls"}]


def decorators(function: Function) -> set[str]:
    """Last names of a function's decorators: `njit` of `@numba.njit(cache=True)`."""
    calls = [node.func if isinstance(node, ast.Call) else node for node in function.decorator_list]
    return {ast.unparse(call).rpartition(".")[2] for call in calls}


def deep_modules(root: Path) -> list[str]:
    """A name of more than three parts below gridloop is a place nobody finds by thinking."""
    package = Path("src/gridloop")
    depths = {path: len(path.relative_to(package).parts) for path, _ in modules(root, str(package))}
    return [f"{path}: {depth} deep" for path, depth in depths.items() if depth > DEPTH]


def drawers(root: Path) -> list[str]:
    """A file named after nothing gathers everything: name it after what it holds."""
    return [
        str(path)
        for path, _ in modules(root)
        if {part.removesuffix(".py").strip("_") for part in path.parts} & DRAWERS
    ]


def wide_doors(root: Path) -> list[str]:
    """A stage is entered by a few verbs; everything else is its own affair."""
    doors = [root / "src/gridloop" / stage / "__init__.py" for stage in STAGES]
    counts = {door.relative_to(root): len(exports(door)) for door in doors if door.exists()}
    return [f"{door}: {count} names" for door, count in counts.items() if count > EXPORTS]


def exports(door: Path) -> set[str]:
    """The public names a package's `__init__` defines or imports."""
    body = ast.parse(door.read_text(encoding="utf-8")).body
    names = {node.name for node in body if isinstance(node, Function | ast.ClassDef)}
    imports = [node for node in body if isinstance(node, ast.ImportFrom) and node.module != "__future__"]
    names |= {alias.asname or alias.name for node in imports for alias in node.names}
    return {name for name in names if not name.startswith("_")}


def undocumented(root: Path) -> list[str]:
    """A public name without a docstring makes its reader guess units, shapes and errors."""
    return [
        f"{path}:{getattr(node, 'lineno', 1)} {name}"
        for path, tree in modules(root, "src")
        for name, node in public_names(tree)
        if not ast.get_docstring(node)
    ]


def public_names(tree: ast.Module) -> Iterator[tuple[str, ast.Module | ast.ClassDef | Function]]:
    """The module, its public classes and functions, and the public methods of those classes."""
    yield "module", tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from ((f"{node.name}.{method.name}", method) for method in methods(node))


def methods(kind: ast.ClassDef) -> Iterator[Function]:
    """Public methods but setters and overrides, whose contract stands elsewhere."""
    for node in kind.body:
        if isinstance(node, Function) and not node.name.startswith("_") and not decorators(node) & INHERITED:
            yield node


def body(lines: int, head: str = "def f():") -> str:
    """A function of that many lines."""
    return f"{head}\n" + "    x = 1\n" * (lines - 1)


EIGHT = "a, b, c, d, e, f, g, h"
BARE_METHOD = '"""A."""\nclass Bill:\n    """Owed."""\n    def due(self): pass\n'

PLANTED: list[tuple[Callable[[Path], list[str]], dict[str, str], str]] = [
    (long_files, {"tests/test_a.py": "x = 1\n" * 501}, "tests/test_a.py: 501 lines"),
    (long_functions, {"bench/a.py": body(61)}, "bench/a.py:1 f: 61 lines"),
    (long_tail, {"src/gridloop/a.py": body(41) * 2 + body(4) * 8}, "up to 41 lines"),
    (many_arguments, {"src/gridloop/a.py": body(2, f"def f(*, {EIGHT}):")}, "f: 8 arguments"),
    (deep_modules, {"src/gridloop/a/b/c/d.py": ""}, "src/gridloop/a/b/c/d.py: 4 deep"),
    (drawers, {"src/gridloop/data/_utils.py": ""}, "src/gridloop/data/_utils.py"),
    (drawers, {"tests/helpers/shapes.py": ""}, "tests/helpers/shapes.py"),
    (wide_doors, {"src/gridloop/data/__init__.py": f"from .a import {EIGHT}"}, "8 names"),
    (undocumented, {"src/gridloop/a.py": BARE_METHOD}, "Bill.due"),
    (undocumented, {"src/gridloop/a.py": "x = 1"}, "module"),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in PLANTED))

ON_THE_LIMIT = {
    "src/gridloop/kernels/features/peak.py": '"""Peak."""\n'
    + body(60, f"def _peak({EIGHT}):")
    + body(4, "def _f():") * 9,
    "src/gridloop/apps/cli/main.py": '"""Commands."""\n' + body(40, f"def _run({EIGHT}):"),
    "src/gridloop/data/__init__.py": '"""Data."""\nfrom .ingest import a, b, c, d, e, f, g, _h\n',
    "tests/test_long.py": "x = 1\n" * 500,
}


def test_the_rules_read_the_code(repository):
    paths = {str(path) for path, _ in modules(repository)}
    assert {"src/gridloop/domain/table.py", "tests/architecture/test_house_numbers.py"} <= paths


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(repository, rule):
    assert rule(repository) == []


@pytest.mark.parametrize(("rule", "files", "violation"), PLANTED)
def test_a_planted_violation_is_named(plant, rule, files, violation):
    found = rule(plant(files))
    assert len(found) == 1
    assert violation in found[0]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_lies_on_the_limit_is_allowed(plant, rule):
    assert rule(plant(ON_THE_LIMIT)) == []
