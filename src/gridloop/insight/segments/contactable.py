"""Who may be contacted and by which channel, by the consents in effect (docs/conventions.md §7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from gridloop.domain.finding import NotComputable

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView


@dataclass(frozen=True, slots=True)
class Consents:
    """Customers who have consented to a purpose, by channel.

    Attributes:
        purpose: what they consented to.
        at: the instant at which the consents are in effect.
        by_channel: customer ids by channel.
    """

    purpose: str
    at: datetime
    by_channel: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Reachable:
    """How many members may be contacted.

    Attributes:
        purpose: for what.
        customers: by any channel.
        by_channel: customers by channel; one customer may count in several.
    """

    purpose: str
    customers: int
    by_channel: Mapping[str, int]


def consents_at(view: LakeView, purpose: str, at: datetime) -> Consents | NotComputable:
    """The consents to a purpose that are in effect at an instant.

    Of each customer and channel the row that began last decides: a withdrawal is a later row that does not grant.
    Unsubscriptions that are not yet folded into the consents, frequency caps and quiet hours are the gate's matter.

    Args:
        view: table `consent`.
        purpose: such as `marketing`.
        at: aware instant.
    """
    if not view.exists("consent"):
        return NotComputable(
            "no_consents", "There is no table of consents, so nobody is known to be reachable."
        )
    rows = view.arrow(
        "consent", columns=("customer_id", "channel", "purpose", "granted", "valid_from", "valid_to")
    )
    rows = rows.filter(pc.and_(pc.equal(rows["purpose"], purpose), pc.less_equal(rows["valid_from"], at)))
    newest = rows.group_by(["customer_id", "channel"]).aggregate([("valid_from", "max")])
    rows = rows.join(newest, ["customer_id", "channel"])
    rows = rows.filter(pc.equal(rows["valid_from"], rows["valid_from_max"]))
    open_end = pc.fill_null(pc.greater(rows["valid_to"], at), True)
    rows = rows.filter(pc.and_(rows["granted"], open_end))
    channels = sorted(pc.unique(rows["channel"]).to_pylist())
    return Consents(
        purpose,
        at,
        {
            channel: frozenset(rows.filter(pc.equal(rows["channel"], channel))["customer_id"].to_pylist())
            for channel in channels
        },
    )


def reachable(members: frozenset[str], consents: Consents) -> Reachable:
    """How many of the members have consented, by any channel and by each."""
    by_channel = {channel: members & granted for channel, granted in consents.by_channel.items()}
    anyone = frozenset().union(*by_channel.values())
    counts = {channel: len(found) for channel, found in by_channel.items() if found}
    return Reachable(consents.purpose, len(anyone), counts)
