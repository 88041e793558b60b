"""What pages have computed from a published state, kept until the state changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any


class Memory:
    """Values by name, of one state at a time; two requests may compute the same, the last one stays."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._state: Hashable = None
        self._held: dict[str, Any] = {}

    def get(self, state: Hashable, name: str, make: Callable[[], Any]) -> Any:
        """The value of that name at a state, computed when it is not there."""
        with self._guard:
            if state == self._state and name in self._held:
                return self._held[name]
        made = make()
        with self._guard:
            if state != self._state:
                self._state, self._held = state, {}
            self._held[name] = made
        return made
