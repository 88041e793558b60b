"""A vault of a small workspace, and a way to kill an action at any line."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from gridloop.security import backup
from gridloop.security.vault import Vault

WORKSPACE = "7f3c0d"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Folder of a workspace."""
    return tmp_path / "workspace"


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    """Folder of keys, outside the workspace."""
    return tmp_path / "keys"


@pytest.fixture
def vault(root: Path, keys_dir: Path) -> Iterator[Vault]:
    """A new vault."""
    with Vault.create(root / "vault", WORKSPACE, keys_dir) as opened:
        yield opened


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a guess is for attackers, not for tests."""
    monkeypatch.setattr(backup, "SCRYPT_N", 2**14)


@pytest.fixture
def killed_at() -> Callable[[int, str, Callable[[], Any]], bool]:
    """Runs an action in a child that is killed at its n-th line within files whose path holds a text.

    Answers whether the kill came before the action's end.
    """

    def run(line: int, within: str, action: Callable[[], Any]) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a thread of the test runner lives beside us
            child = os.fork()
        if child == 0:
            _act_and_die(line, within, action)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return True
        assert os.WEXITSTATUS(status) == 0
        return False

    return run


def _act_and_die(line: int, within: str, action: Callable[[], Any]) -> None:
    left = line

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if within not in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    code = 1
    try:
        sys.settrace(trace)
        action()
        code = 0
    finally:
        sys.settrace(None)
        os._exit(code)
