"""Who is judged and who is learned from: by a hash of the customer, or by time; never both at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from gridloop.domain.errors import LookAhead, UsageError
from gridloop.insight.learning.columns import Bools, Ints


def folds_of(ids: Sequence[object], folds: int, salt: str = "fold") -> Ints:
    """int64[n], fold of each customer: SHA-256 of salt and id, modulo `folds`; it does not depend on who else is there.

    Raises:
        UsageError: fewer than two folds.
    """
    if folds < 2:
        raise UsageError("Cross-validation needs at least two folds.", evidence={"folds": folds})
    digests = (hashlib.sha256(f"{salt}:{one}".encode()).digest()[:8] for one in ids)
    return np.array([int.from_bytes(digest, "big") % folds for digest in digests], np.int64)


def no_customer_twice(train: Sequence[object], test: Sequence[object]) -> None:
    """Refuse a split that shares customers, or a list that has one twice.

    Raises:
        LookAhead: the judged customers would be known.
    """
    shared = set(train) & set(test)
    doubled = len(train) - len(set(train)) + len(test) - len(set(test))
    if shared or doubled:
        raise LookAhead(
            "Train and test are not apart: a customer is in both, or is listed twice.",
            evidence={"customers_in_both": len(shared), "listed_twice": doubled},
            ways_out=("Split by customer, and give each customer one row.",),
        )


def split_by_time(known_at: Ints, label_until: Ints, at: int) -> tuple[Bools, Bools]:
    """Train and test rows of an out-of-time test.

    Args:
        known_at: int64[n], when each row's features were known (any unit).
        label_until: int64[n], when its label was final, same unit.
        at: boundary: learned from where the label was final before it, judged where features are no older.

    Raises:
        LookAhead: a label was final before its features were known.
    """
    if (label_until < known_at).any():
        raise LookAhead(
            "A label is older than the features that are to predict it.",
            evidence={"rows": int((label_until < known_at).sum())},
        )
    return np.asarray(label_until < at, np.bool_), np.asarray(known_at >= at, np.bool_)
