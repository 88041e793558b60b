"""No path goes around the gate: one module hands messages over, and one makes what lets them be handed over."""

from __future__ import annotations

import ast
from pathlib import Path

DELIVERY = "src/gridloop/reach/delivery.py"
GATE = "src/gridloop/reach/gate.py"
EXAMINATION = "src/gridloop/testing/channel_kit.py"
"""The conformance kit hands messages of its own to a channel under examination; no workspace is near."""


def paths_around(root: Path) -> list[str]:
    """A second place that hands over, or that clears, is one that forgets a rule one day."""
    found = []
    for path in sorted((root / "src").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if name not in (DELIVERY, EXAMINATION) and hands_over(node):
                found.append(f"{name}:{node.lineno} hands over")  # type: ignore[attr-defined]
            if name != GATE and clears(node):
                found.append(f"{name}:{node.lineno} clears")  # type: ignore[attr-defined]
    return found


def hands_over(node: ast.AST) -> bool:
    """Whether it takes a channel's `hand_over`, to call it or to pass it on."""
    return isinstance(node, ast.Attribute) and node.attr == "hand_over"


def clears(node: ast.AST) -> bool:
    """Whether it makes a `Cleared`, copies one with changes, or takes the seal."""
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func).rpartition(".")[2]
        return called == "Cleared"
    return isinstance(node, ast.Name | ast.Attribute | ast.alias) and "_SEAL" in (
        getattr(node, "id", None),
        getattr(node, "attr", None),
        getattr(node, "name", None),
    )


def unguarded(root: Path) -> list[str]:
    """In delivery, what hands over takes a `Cleared`: a type checker then refuses a call without one."""
    tree = ast.parse((root / DELIVERY).read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [
        function.name
        for function in functions
        if any(hands_over(node) for node in ast.walk(function))
        and "Cleared" not in [ast.unparse(a.annotation) for a in function.args.args if a.annotation]
    ]


def test_no_path_goes_around_the_gate(repository):
    assert paths_around(repository) == []
    assert unguarded(repository) == []


def test_a_path_around_the_gate_is_named(plant):
    root = plant(
        {
            "src/gridloop/apps/short.py": "def send(channel, message):\n    return channel.hand_over(message)\n",
            "src/gridloop/apps/sly.py": "from gridloop.reach.gate import _SEAL\nsend = map(channel.hand_over, [])\n",
            "src/gridloop/reach/forged.py": "import gridloop.reach.gate as g\nx = g.Cleared(1, seal=g._SEAL)\n",
            DELIVERY: "def f(c, m):\n    c.hand_over(m)\ndef g(c, m, ok: Cleared):\n    c.hand_over(m)\n",
        }
    )
    assert paths_around(root) == [
        "src/gridloop/apps/short.py:2 hands over",
        "src/gridloop/apps/sly.py:1 clears",
        "src/gridloop/apps/sly.py:2 hands over",
        "src/gridloop/reach/forged.py:2 clears",
        "src/gridloop/reach/forged.py:2 clears",
    ]
    assert unguarded(root) == ["f"]
