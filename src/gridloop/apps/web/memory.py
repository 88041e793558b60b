"""What pages have computed from a published state, kept until the state changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

KEPT = 128
"""Values of single objects, such as one customer's year, that are kept; the one not asked for longest goes first."""


class Memory:
    """Values by name, of one state at a time; of requests for the same value one computes it, the others wait for it.

    Args:
        kept: how many values of single objects are kept.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._guard = threading.Lock()
        self._state: Hashable = None
        self._held: dict[str, Any] = {}
        self._objects: OrderedDict[str, Any] = OrderedDict()
        self._making: dict[tuple[Hashable, str], threading.Lock] = {}
        self._kept = kept

    def get(self, state: Hashable, name: str, make: Callable[[], Any], *, single: bool = False) -> Any:
        """The value of that name at a state, computed when it is not there.

        Args:
            state: what is published; a value of another one is never answered.
            name: unique.
            make: computes it.
            single: it is one of many objects' own; only the latest of these are kept.
        """
        found, value = self._look(state, name, single)
        if found:
            return value
        with self._guard:
            mine = self._making.setdefault((state, name), threading.Lock())
        try:
            with mine:
                found, value = self._look(state, name, single)
                return value if found else self._keep(state, name, make(), single)
        finally:
            with self._guard:
                self._making.pop((state, name), None)

    def _look(self, state: Hashable, name: str, single: bool) -> tuple[bool, Any]:
        with self._guard:
            held: dict[str, Any] = self._objects if single else self._held
            if state != self._state or name not in held:
                return False, None
            if single:
                self._objects.move_to_end(name)
            return True, held[name]

    def _keep(self, state: Hashable, name: str, made: Any, single: bool) -> Any:
        with self._guard:
            if state != self._state:
                self._state, self._held, self._objects = state, {}, OrderedDict()
            if single:
                self._objects[name] = made
                self._objects.move_to_end(name)
                while len(self._objects) > self._kept:
                    self._objects.popitem(last=False)
            else:
                self._held[name] = made
        return made
