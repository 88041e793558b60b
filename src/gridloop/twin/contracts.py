"""Who holds which premises when: customers, accounts and contracts, one of each per occupation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.premises import NEVER, Premises, opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings

TARIFF_OF_CLASS = ("RES-TIER", "GEN-TOU", "GEN-TOU", "GEN-TOU", "AGR-FLAT", "GEN-TOU")
TWO_PART_KVA = 315.0
"""Industry from this capacity on pays the two-part tariff."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Contracts:
    """All occupations, ordered by premise and then by time; days are ordinals, `ends` NEVER while open.

    Attributes:
        premise: int64 index of the premise.
        later: int64, 1 for whoever moved in after a vacancy.
        begins, ends: validity [begins, ends).
        tariff_id, customer_id, account_id, contract_id: identifiers.
    """

    premise: Ints
    later: Ints
    begins: Ints
    ends: Ints
    tariff_id: list[str]
    customer_id: list[str]
    account_id: list[str]
    contract_id: list[str]

    def __len__(self) -> int:
        return len(self.premise)

    def rows_of(self, block: slice) -> range:
        """Positions of the contracts of a block of premises."""
        begin, end = np.searchsorted(self.premise, [block.start, block.stop]).tolist()
        return range(begin, end)


def draw_contracts(settings: TwinSettings, premises: Premises) -> Contracts:
    """The occupations of all premises within living memory: the present one, or the one before a move and the
    one after.
    """
    who = np.arange(len(premises))
    again = np.flatnonzero(premises.vacant_until < NEVER)
    premise = np.concatenate([who, again])
    later = np.concatenate([np.zeros(len(who), dtype=np.int64), np.ones(len(again), dtype=np.int64)])
    order = np.lexsort((later, premise))
    premise, later = premise[order], later[order]
    begins = np.where(later == 1, premises.vacant_until[premise], premises.connected[premise])
    ends = np.where(later == 1, NEVER, premises.vacant_from[premise])
    numbers = 2 * premise + later
    tariffs = _tariff_names(settings, premises)
    return Contracts(
        premise=premise,
        later=later,
        begins=begins,
        ends=ends,
        tariff_id=[tariffs[index] for index in premise.tolist()],
        customer_id=opaque_ids("61", 8, numbers, settings.seed),
        account_id=opaque_ids("A", 9, numbers, settings.seed),
        contract_id=opaque_ids("K", 9, numbers, settings.seed),
    )


def _tariff_names(settings: TwinSettings, premises: Premises) -> list[str]:
    """Tariff of each premise: a quarter of homes chose time-of-use, large industry pays by capacity or by demand."""
    class_code = premises.traits.class_code
    names = [TARIFF_OF_CLASS[code] for code in class_code.tolist()]
    drawn = Stream(settings.seed, "tariff").uniform(np.arange(len(premises)))
    for index in np.flatnonzero((class_code == 0) & (drawn < 0.25)).tolist():
        names[index] = "RES-TOU"
    for index in np.flatnonzero((class_code == 3) & (premises.capacity_kva >= TWO_PART_KVA)).tolist():
        names[index] = "IND-CAP" if drawn[index] < 0.6 else "IND-DEM"
    return names
