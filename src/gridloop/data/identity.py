"""Whose ids enter the lake: pseudonyms for personal ids, personal columns to the vault (docs/conventions.md §4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import pyarrow as pa

from gridloop.data.parse import plain
from gridloop.data.recipe import Recipe
from gridloop.domain.errors import KeyLost


class Names(Protocol):
    """What gives pseudonyms of one kind; `gridloop.security.pseudonym.Pseudonyms` does."""

    def of_many(self, names: list[str]) -> list[str]:
        """The pseudonym of each name, the same one each time."""
        ...


class People(Protocol):
    """Where personal columns are kept; `gridloop.security.vault.Vault` does."""

    def put_people(self, people: Iterable[Mapping[str, object]]) -> object:
        """Keep or renew the personal data of these customers."""
        ...


class Identities:
    """Replaces the ids of a personal source; leaves those of a pseudonymous one.

    Args:
        recipe: says which columns hold personal ids and of what kind.
        names_of: gives the pseudonyms of a kind; needed for a personal source.

    Raises:
        KeyLost: the source is personal and no vault was given.
    """

    def __init__(self, recipe: Recipe, names_of: Callable[[str], Names] | None) -> None:
        self._kinds: Mapping[str, str] = recipe.identity.pseudonymise
        self._names_of = names_of
        self._names: dict[str, Names] = {}
        self._known: dict[str, dict[str, str]] = {}
        if self._kinds and names_of is None:
            raise KeyLost(
                f"Recipe {recipe.name!r} holds personal ids, and there is no vault to give them pseudonyms.",
                ways_out=("Run `gridloop doctor` to see why the vault cannot be opened.",),
            )

    def replaces(self, column: str) -> bool:
        """Whether values of this canonical column become pseudonyms."""
        return column in self._kinds

    def of_list(self, column: str, ids: list[str]) -> list[str]:
        """The id that enters the lake for each source id of a canonical column."""
        kind = self._kinds.get(column)
        if kind is None or self._names_of is None:
            return ids
        known = self._known.setdefault(kind, {})
        fresh = sorted({one for one in ids if one not in known})
        if fresh:
            if kind not in self._names:
                self._names[kind] = self._names_of(kind)
            known.update(zip(fresh, self._names[kind].of_many(fresh), strict=True))
        return [known[one] for one in ids]

    def of_column(self, column: str, ids: pa.Array) -> pa.Array:
        """The same for a string array; null stays null."""
        if not self.replaces(column):
            return ids
        encoded = plain(ids).dictionary_encode()
        words = pa.array(self.of_list(column, encoded.dictionary.to_pylist()), pa.string())
        return words.take(encoded.indices)
