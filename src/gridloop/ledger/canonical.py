"""One spelling of a value, so that equal values have equal digests on every machine (docs/conventions.md §5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from gridloop.domain.errors import UsageError


def canonical_json(value: object) -> str:
    """The value as JSON in ASCII: keys sorted, no blanks, no NaN or infinity.

    Raises:
        UsageError: the value holds something that JSON cannot.
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(
            "The ledger keeps documents of text, whole and finite numbers, true, false, null, lists and maps.",
            evidence={"reason": str(error)},
            ways_out=("Write instants as ISO 8601 text, money as text and a missing number as null.",),
        ) from error


def document(value: Mapping[str, object]) -> dict[str, object]:
    """The value as it will be read back from a JSON column.

    Raises:
        UsageError: the value is not a map, or holds something that JSON cannot.
    """
    plain = json.loads(canonical_json(value))
    if not isinstance(plain, dict):
        raise UsageError("A document of the ledger is a map.", evidence={"type": type(value).__name__})
    return plain


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON of the value, 64 hexadecimal digits."""
    return sha256(canonical_json(value).encode("ascii")).hexdigest()
