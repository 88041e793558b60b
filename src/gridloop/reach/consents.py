"""Consents to one purpose, for any instant: the gate asks again at the moment of handing over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Self

import pyarrow.compute as pc

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


class Consent(NamedTuple):
    """A consent, or its withdrawal, from `begins` on; no end when `ends` is None."""

    begins: datetime
    ends: datetime | None
    granted: bool


class ConsentBook:
    """Consents to one purpose by customer and channel.

    Of a customer and channel the row that began last decides, as in `insight.segments.contactable.consents_at`: a
    withdrawal is a later row that does not grant.

    Args:
        rows: any order.
    """

    def __init__(self, rows: Mapping[tuple[str, str], Iterable[Consent]]) -> None:
        # Of rows that began at one instant the one that does not grant comes last, and so decides.
        self._rows = {
            key: sorted(found, key=lambda one: (one.begins, not one.granted)) for key, found in rows.items()
        }

    @classmethod
    def read(cls, view: LakeView, purpose: str) -> Self:
        """The consents to a purpose as published; nobody has consented where there is no table."""
        found: dict[tuple[str, str], list[Consent]] = defaultdict(list)
        if view.exists("consent"):
            names = ("customer_id", "channel", "purpose", "granted", "valid_from", "valid_to")
            rows = view.arrow("consent", columns=names)
            rows = rows.filter(pc.equal(rows["purpose"], purpose))
            listed = (rows[name].to_pylist() for name in names if name != "purpose")
            for customer, channel, granted, begins, ends in zip(*listed, strict=True):
                found[customer, channel].append(Consent(begins, ends, granted))
        return cls(found)

    def granted(self, customer_id: str, channel: str, at: datetime) -> bool:
        """Whether the customer may be contacted by that channel at an instant."""
        begun = [one for one in self._rows.get((customer_id, channel), ()) if one.begins <= at]
        if not begun:
            return False
        latest = begun[-1]
        return latest.granted and (latest.ends is None or latest.ends > at)
