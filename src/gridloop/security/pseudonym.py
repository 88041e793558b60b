"""Pseudonyms: the same source id always has the same one in a workspace, and another one in every other workspace.

pseudonym = prefix + Crockford base32 of the first 80 bits of HMAC-SHA256(key of workspace and kind, source id).
Source: RFC 2104 (HMAC), Crockford base32 (lower case; no i, l, o, u). At 10 million ids the chance of any collision
is below 5e-11; one that happens is refused, never merged.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Sequence

from gridloop.domain.errors import InvalidId, UsageError, did_you_mean
from gridloop.security.envelope import Purpose
from gridloop.security.errors import PseudonymCollision, PseudonymUnknown
from gridloop.security.vault import Vault

PREFIXES = {"customer": "c-", "account": "a-", "contract": "k-", "service_point": "s-", "meter": "m-"}
"""Prefix of the pseudonyms of each kind of thing."""

LENGTH = 16
_DIGEST_BYTES = 10
_STANDARD, _CROCKFORD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz"
_TO_CROCKFORD = bytes.maketrans(_STANDARD, _CROCKFORD)
_CACHE_LIMIT = 2_000_000


class Pseudonyms:
    """Pseudonyms of one kind of thing in one workspace.

    Args:
        vault: keeps the key and, encrypted, the way back to the source id.
        kind: `customer`, `account`, `contract`, `service_point` or `meter`.

    Raises:
        UsageError: no such kind.
    """

    def __init__(self, vault: Vault, kind: str) -> None:
        if kind not in PREFIXES:
            raise UsageError(f"There are no pseudonyms for {kind!r}.", ways_out=did_you_mean(kind, PREFIXES))
        self.kind = kind
        self.prefix = PREFIXES[kind]
        self._vault = vault
        self._key = hmac.digest(vault.secret(Purpose.PSEUDONYM), f"kind/{kind}".encode(), "sha256")
        self._known: dict[str, str] = {}

    @property
    def record_kind(self) -> str:
        """Kind of the vault's records that lead back to source ids."""
        return record_kind(self.kind)

    def of(self, source_id: str) -> str:
        """The pseudonym of one source id; see `of_many`."""
        return self.of_many([source_id])[0]

    def of_many(self, source_ids: Sequence[str]) -> list[str]:
        """The pseudonym of each source id, in order; the way back is stored in the vault before they are returned.

        Raises:
            InvalidId: a source id is empty or not a text.
            PseudonymCollision: two source ids share a pseudonym; nothing was stored.
        """
        fresh = [source for source in dict.fromkeys(source_ids) if source not in self._known]
        if fresh:
            names = self.derive(fresh)
            self._remember(dict(zip(names, fresh, strict=True)), fresh)
            if len(self._known) + len(fresh) > _CACHE_LIMIT:
                self._known = {s: self._known[s] for s in dict.fromkeys(source_ids) if s in self._known}
            self._known.update(zip(fresh, names, strict=True))
        return [self._known[source] for source in source_ids]

    def derive(self, source_ids: Sequence[str]) -> list[str]:
        """The pseudonyms without storing anything; for looking a person up.

        Raises:
            InvalidId: a source id is empty or not a text.
        """
        wrong = next((s for s in source_ids if not isinstance(s, str) or not s), None)
        if wrong is not None or any(s is None for s in source_ids):
            raise InvalidId(
                f"A {self.kind} without an id cannot have a pseudonym.",
                evidence={"found": "an empty text" if wrong == "" else type(wrong).__name__},
                ways_out=("Quarantine rows without an id before pseudonyms are made.",),
            )
        joined = b"".join(hmac.digest(self._key, s.encode(), "sha256")[:_DIGEST_BYTES] for s in source_ids)
        text = base64.b32encode(joined).translate(_TO_CROCKFORD).decode()
        return [self.prefix + text[at : at + LENGTH] for at in range(0, len(text), LENGTH)]

    def reveal(self, pseudonym: str) -> str:
        """The source id behind a pseudonym.

        Raises:
            PseudonymUnknown: there is none: erased, or of another workspace or kind.
        """
        return self.reveal_many([pseudonym])[0]

    def reveal_many(self, pseudonyms: Sequence[str]) -> list[str]:
        """The source ids behind pseudonyms, in order.

        Raises:
            PseudonymUnknown: at least one of them has none.
        """
        found = self._vault.records.fetch(self.record_kind, pseudonyms)
        unknown = [name for name in pseudonyms if name not in found]
        if unknown:
            raise PseudonymUnknown(
                f"The vault knows no {self.kind} behind {unknown[0]!r}.",
                evidence={"unknown": len(unknown), "asked for": len(pseudonyms)},
                ways_out=("The person may have been erased: see the tombstones of the workspace.",),
            )
        return [found[name].decode() for name in pseudonyms]

    def known(self, pseudonyms: Iterable[str]) -> dict[str, str]:
        """Pseudonym to source id, of those that the vault knows."""
        found = self._vault.records.fetch(self.record_kind, pseudonyms)
        return {name: source.decode() for name, source in found.items()}

    def forget(self, pseudonyms: Iterable[str]) -> int:
        """Cut the way back to the source ids for good; returns how many there were."""
        gone = set(pseudonyms)
        count = self._vault.records.remove(self.record_kind, gone)
        self._vault.database.sweep()
        self._known = {source: name for source, name in self._known.items() if name not in gone}
        return count

    def _remember(self, sources: dict[str, str], fresh: list[str]) -> None:
        if len(sources) < len(fresh):
            raise self._collision(len(fresh) - len(sources))
        with self._vault.database.transaction():
            stored = self._vault.records.fetch(self.record_kind, sources)
            other = sum(sources[name].encode() != source for name, source in stored.items())
            if other:
                raise self._collision(other)
            new = {name: source.encode() for name, source in sources.items() if name not in stored}
            self._vault.records.put(self.record_kind, new)

    def _collision(self, count: int) -> PseudonymCollision:
        return PseudonymCollision(
            f"Two different {self.kind} ids have the same pseudonym; nothing was stored.",
            evidence={"collisions": count},
            ways_out=("Import into a new workspace: its pseudonyms are drawn with another key.",),
        )


def record_kind(kind: str) -> str:
    """Kind of the vault's records that lead from pseudonyms of `kind` back to source ids."""
    return f"pseudonym/{kind}"


def kind_of(pseudonym: str) -> str | None:
    """The kind of thing a text is a pseudonym of, by its form; None when it has not the form of one."""
    kind = next((kind for kind, prefix in PREFIXES.items() if pseudonym.startswith(prefix)), None)
    body = pseudonym[2:]
    return kind if kind and len(body) == LENGTH and set(body.encode()) <= set(_CROCKFORD) else None
