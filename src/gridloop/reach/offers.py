"""What a campaign offers each customer: as the list said when it was launched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from gridloop.domain.errors import GridloopError
from gridloop.reach.rules import ContactRules

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView
    from gridloop.ledger.campaigns import Campaign

TABLE = "recommendation"


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """The offer to one customer.

    Attributes:
        tariff: its name.
        saving: of all the customer's accounts that are offered it, a year, in the workspace's currency; None when the
            list does not say.
    """

    tariff: str
    saving: Decimal | None


def offers_of(campaign: Campaign, rules: ContactRules, view: LakeView) -> Mapping[str, OfferFacts]:
    """Customer → the offer, of everyone who is not held out.

    The list is read as it was when the campaign was launched. Where that snapshot was purged since (an erasure does
    that), it is read as it is now, and an account that it no longer names has no saving.

    Args:
        campaign: launched; its settings name the snapshot of the list.
        rules: of the campaign.
        view: table recommendation.
    """
    rows = list_of(view, snapshot_of(campaign), ("playbook", "account_id", "saving"))
    mine = rows.filter(pc.equal(rows["playbook"], rules.play.name)).to_pylist()
    listed = {row["account_id"]: row for row in mine}
    savings: dict[str, list[Decimal | None]] = defaultdict(list)
    for customer in rules.units:
        for unit in rules.treated_units(customer):
            savings[customer].append(listed[unit]["saving"] if unit in listed else None)
    return {customer: OfferFacts(rules.play.offer.tariff, _sum(parts)) for customer, parts in savings.items()}


def _sum(parts: list[Decimal | None]) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None


def snapshot_of(campaign: Campaign) -> int | None:
    """The snapshot of the list that a campaign was launched from."""
    snapshots = campaign.settings.get("snapshots")
    found = snapshots.get(TABLE) if isinstance(snapshots, Mapping) else None
    return None if found is None else int(found)


def list_of(view: LakeView, snapshot: int | None, columns: Sequence[str] | None = None) -> pa.Table:
    """The list at a snapshot; as it is published now when the snapshot is gone or None."""
    if snapshot is not None and snapshot != view.snapshots.get(TABLE):
        launched = view.lake.view({TABLE: snapshot})
        try:
            return launched.arrow(TABLE, columns=columns)
        except GridloopError:  # purged
            pass
        finally:
            launched.close()
    return view.arrow(TABLE, columns=columns)
