"""What messages changed in the county: spans of days on which premises use less in dear hours, and who enrolled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.offers import PricedOffer
from gridloop.twin.shifting import shift_loads

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A contract that went over to an offered tariff.

    Attributes:
        contract: its row.
        offer: the tariff.
        since, until: ordinals [since, until); until NEVER where nobody left.
    """

    contract: int
    offer: PricedOffer
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Responses:
    """All spans, ordered by premise; two spans of one premise share no day.

    Attributes:
        premise: int64 [spans] index.
        contract: int64 [spans] row of who lives there.
        span: int64 [spans, 2] ordinals [since, until).
        shares: float64 [spans, 2] share of the dear hours' import avoided, and of that the share that returns.
        keys: uint64 [spans] random key of the premise's daily zeal.
        offer: int64 [spans] index into `offers`.
        offers: what was offered.
        enrolments: by contract row.
    """

    premise: Ints
    contract: Ints
    span: Ints
    shares: NDArray[np.float64]
    keys: NDArray[np.uint64]
    offer: Ints
    offers: tuple[PricedOffer, ...]
    enrolments: Mapping[int, Enrolment]

    def apply(self, net: NDArray[np.int32], members: Ints, ordinals: NDArray[np.int32], days: slice) -> None:
        """Change clean loads in place.

        Args:
            net: int32 [premises, days, 96] Wh per quarter of an hour, import positive.
            members: int64 [premises] their indices, ascending.
            ordinals: of all the county's days.
            days: positions of the days of `net` among them.
        """
        if not len(self.premise) or not len(members):
            return
        place = np.minimum(np.searchsorted(members, self.premise), len(members) - 1)
        mine = np.flatnonzero(members[place] == self.premise)
        if len(mine):
            appeal = np.stack([offer.appeal[days] for offer in self.offers])
            shift_loads(
                net, place[mine], self.span[mine], self.shares[mine], self.keys[mine], self.offer[mine], appeal,
                ordinals[days],
            )  # fmt: skip
