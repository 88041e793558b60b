"""The rules of contact of one campaign: its purpose, quiet hours, frequency cap, and who is in which arm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gridloop.domain.errors import UsageError
from gridloop.ledger.campaigns import Assignment, Campaign
from gridloop.strategy.experiment import HOLDOUT
from gridloop.strategy.playbook.model import FrequencyCap, Playbook, QuietHours

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

_QUARTER = timedelta(minutes=15)
_QUARTERS_OF_TWO_DAYS = 192

Units = Mapping[str, Mapping[str, str]]
"""Customer → unit of randomisation → arm."""


@dataclass(frozen=True)
class ContactRules:
    """What a campaign's play allows.

    Attributes:
        play: the playbook as it was approved.
        units: of everyone who is assigned.
        zone: local time of the quiet hours.
    """

    play: Playbook
    units: Units
    zone: str

    @property
    def purpose(self) -> str:
        """The consent that a message needs."""
        return self.play.contact.purpose

    @property
    def cap(self) -> FrequencyCap:
        """How often one customer may be contacted."""
        return self.play.contact.cap

    def arms(self, customer_id: str) -> frozenset[str]:
        """The arms of a customer's units; empty for one who is not part of the campaign."""
        return frozenset(self.units.get(customer_id, {}).values())

    def treated_units(self, customer_id: str) -> list[str]:
        """The customer's units that are not held out."""
        return sorted(unit for unit, arm in self.units.get(customer_id, {}).items() if arm != HOLDOUT)

    def quiet_until(self, at: datetime) -> datetime | None:
        """The end of the quiet hours that an instant lies in; None when it lies in none."""
        return quiet_until(self.play.contact.quiet_hours, at, self.zone)

    def free_at(self, contacted: Iterable[datetime], at: datetime) -> datetime | None:
        """The instant from which one more contact is within the cap; None when it is already.

        Args:
            contacted: instants of earlier contacts, in order.
            at: the present.
        """
        span = timedelta(days=self.cap.days)
        within = [one for one in contacted if one > at - span]
        if len(within) < self.cap.messages:
            return None
        return within[len(within) - self.cap.messages] + span


def rules_of(
    campaign: Campaign, assignments: Iterable[Assignment], view: LakeView, zone: str
) -> ContactRules:
    """The rules of a campaign that was launched.

    Raises:
        UsageError: its unit of randomisation is none whose customers can be told.
    """
    play = Playbook.model_validate(campaign.settings["play"])
    return ContactRules(play, units_of(campaign.unit_kind, assignments, view), zone)


def units_of(unit_kind: str, assignments: Iterable[Assignment], view: LakeView) -> Units:
    """Whose the assigned units are now: an account's customer may have changed since it was drawn.

    Args:
        unit_kind: account, customer or household.
        assignments: of one campaign.
        view: table account.

    Raises:
        UsageError: another kind of unit.
    """
    arms = {one.unit_id: one.arm for one in assignments}
    if unit_kind in ("customer", "household"):
        return {unit: {unit: arm} for unit, arm in arms.items()}
    if unit_kind != "account":
        raise UsageError(
            f"Campaigns that draw by {unit_kind} cannot be sent yet.",
            ways_out=("Draw by account or by customer.",),
        )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    rows = view.arrow("account", columns=("account_id", "customer_id"))
    for account, customer in zip(
        rows["account_id"].to_pylist(), rows["customer_id"].to_pylist(), strict=True
    ):
        if account in arms:
            found[customer][account] = arms[account]
    return dict(found)


def quiet_until(quiet: QuietHours, at: datetime, zone: str) -> datetime | None:
    """The first instant from `at` on that lies outside the quiet hours; None when `at` itself does.

    What counts is what a clock on the wall shows, on days when the clocks change too. Zones lie whole quarters of an
    hour from UTC and the hours are on quarters, so that only quarters have to be looked at.

    Args:
        quiet: local times; equal ones mean no quiet hours.
        at: aware instant.
        zone: IANA name.

    Raises:
        UsageError: the whole day is quiet.
    """
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (quiet.start, quiet.end))
    wall = ZoneInfo(zone)

    def is_quiet(instant: datetime) -> bool:
        local = instant.astimezone(wall)
        minute = local.hour * 60 + local.minute
        return first <= minute < last if first <= last else minute >= first or minute < last

    if not is_quiet(at):
        return None
    seconds = int(at.timestamp()) // 900 * 900
    quarter = datetime.fromtimestamp(seconds, UTC)
    for _ in range(_QUARTERS_OF_TWO_DAYS):
        quarter += _QUARTER
        if not is_quiet(quarter):
            return quarter
    raise UsageError(
        "The quiet hours leave no time of the day in which anything could be sent.",
        evidence={"start": quiet.start, "end": quiet.end},
        ways_out=("Shorten `quiet_hours` in the playbook.",),
    )
