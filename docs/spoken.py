"""Find what the program says outside of pages: errors with their ways out, findings, lines and help of commands.

These are written where they arise, as plain or f-strings, below the layer that knows languages. Each becomes a
template whose values are numbered, `There is no tariff {0}.`, by which `apps/recognition.py` knows the text again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SAID = ("say", "show_rows", "say_standing", "said")
"""Functions of commands whose texts are shown."""
LATER = re.compile(r"(\{[a-z_]+(?::[^{}]*)?\})")
"""A value that is filled in after the text was written, by `str.format`."""
FINDINGS = ("data/quality/", "data/quarantine.py")
"""Modules whose phrases are parts of findings: a meter or a recipe is put before them."""
VALUE = re.compile(r"\{\d+\}")
SENTENCE = 16
"""Characters from which a text that ends like a sentence is one."""


ELSEWHERE = (
    "Field",
    "Label",
    "Column",
    "ValueError",
    "RuntimeError",
    "TypeError",
    "debug",
    "info",
    "warning",
)
"""Calls whose texts are in both languages already, are for the reference, or are for programmers."""
APART = ("testing", "benchmarks", "twin", "kernels")
"""Packages that speak through others, or to programmers."""
BESIDES = ("Did you mean {0}?", "Known names: {0}", "Error:")
"""What is said and has no form by which it would be found."""
BILINGUAL = (
    "evaluation/report/words.py",
    "evaluation/report/sentences.py",
    "reach/content/phrases.py",
    "data/quality/book.py",
    "domain/dictionary.py",
)
"""Whatever holds its sentences in both languages itself."""


def template(node: ast.AST) -> str | None:
    """The text of a literal with its values numbered; None for anything else."""
    parts = _parts(node)
    if parts is None:
        return None
    count, text = 0, ""
    for part in parts:
        if part is None:
            text += f"{{{count}}}"
            count += 1
        else:
            for place, piece in enumerate(LATER.split(part)):
                if place % 2:
                    text += f"{{{count}}}"
                    count += 1
                else:
                    text += piece.replace("{", "{{").replace("}", "}}")
    return text


def _parts(node: ast.AST) -> list[str | None] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [
            str(one.value) if isinstance(one, ast.Constant) else None  # a value, whatever its form
            for one in node.values
        ]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _parts(node.left), _parts(node.right)
        return None if left is None or right is None else left + right
    return None


def spoken(package: Path) -> dict[str, str]:
    """Every template of a package with the catalogue it belongs to, `cli` or `messages`."""
    kinds = _error_names(package / "domain" / "errors.py")
    found = dict.fromkeys(BESIDES, "messages")
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        if parts[0] in APART or parts[:2] in (("apps", "web"), ("apps", "console")):
            continue
        if "/".join(parts).startswith(BILINGUAL):
            continue
        home = "cli" if "cli" in parts else "messages"
        if path.name == "headings.py":
            found |= dict.fromkeys(_headings(path), "cli")
        least = 4 if "/".join(parts).startswith(FINDINGS) else SENTENCE
        for text in _of_module(ast.parse(path.read_text(encoding="utf-8")), kinds, home == "cli", least):
            if _worth(text):
                found.setdefault(text, home)
    return found


def _headings(path: Path) -> list[str]:
    """What the tuple HEADINGS of a module names, as it stands in the catalogue."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HEADINGS":
            return [f"heading|{name}" for name in ast.literal_eval(node.value)]
    return []


def _worth(text: str) -> bool:
    """Whether there is anything to translate: words besides values and names of commands."""
    own = VALUE.sub("", text)
    return (
        any(letter.isalpha() for letter in own) and " " in text.strip() and not own.lstrip().startswith("[")
    )


def _error_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_module(tree: ast.Module, errors: set[str], commands: bool, least: int = SENTENCE) -> Iterator[str]:
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    attributes = {
        id(one)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) or (isinstance(node, ast.Call) and _called(node) in ELSEWHERE)
        for one in ([node.value] if isinstance(node, ast.Expr) else ast.walk(node))
    }
    attributes |= {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node, errors, commands)
        elif commands and isinstance(node, ast.FunctionDef) and node.decorator_list:
            if told := ast.get_docstring(node):
                yield " ".join(told.split("\n\n")[0].split())
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in documented | attributes:
            text = template(node)
            phrase = least < SENTENCE and text and " " in text and not set(text) & set("|\n^")
            if phrase or (text and len(text) >= least and text[0].isupper() and text.rstrip()[-1] in ".:"):
                yield text


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else str(getattr(node.func, "attr", ""))


def _of_call(node: ast.Call, errors: set[str], commands: bool) -> Iterator[str]:
    name = _called(node)
    given = {one.arg: one.value for one in node.keywords}
    if name in errors:
        yield from _texts(node.args[:1])
        yield from _texts([given[key] for key in ("ways_out", "what") if key in given])
    elif name == "Finding":
        yield from _texts(node.args[1:2])
        yield from _texts([given[key] for key in ("text",) if key in given])
    elif name == "progress":
        yield from _texts(node.args[:1])
    elif commands and name in SAID:
        yield from _texts([*node.args, *(value for key, value in given.items() if key in ("title", "empty"))])
    elif commands and name in ("Option", "Argument", "Typer"):
        yield from _texts([given[key] for key in ("help", "epilog") if key in given])


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        text = template(node)
        if text is not None:
            yield text
        elif isinstance(node, ast.Tuple | ast.List):
            yield from _texts(list(node.elts))
        elif isinstance(node, ast.IfExp):
            yield from _texts([node.body, node.orelse])
        elif isinstance(node, ast.Starred):
            yield from _texts([node.value])
        elif isinstance(node, ast.BinOp):
            yield from _texts([node.left, node.right])
