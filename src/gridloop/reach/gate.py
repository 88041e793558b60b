"""The one gate: nothing reaches a channel that it did not clear at that moment (docs/conventions.md §6 and §7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gridloop.domain.errors import GridloopError
from gridloop.ledger.contacts import NOTHING, ContactHistory
from gridloop.ledger.messages import Send
from gridloop.reach.consents import ConsentBook
from gridloop.reach.context import ReachContext
from gridloop.reach.rules import ContactRules, rules_of
from gridloop.strategy.experiment import HOLDOUT


class Standing(StrEnum):
    """What the gate says of a message."""

    CLEARED = "cleared"
    HELD = "held"
    """Not now: it is asked again later."""
    STOPPED = "stopped"
    """Never in this campaign."""


class Reason(StrEnum):
    """Why a message is held or stopped; the code that the outbox keeps."""

    CAMPAIGN_ENDED = "campaign_ended"
    CAMPAIGN_WAITS = "campaign_waits"
    HOLDOUT = "holdout"
    NOT_ASSIGNED = "not_assigned"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    NO_CONSENT = "no_consent"
    BOUNCED = "bounced"
    NO_ADDRESS = "no_address"
    FREQUENCY_CAP = "frequency_cap"
    QUIET_HOURS = "quiet_hours"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the gate says of one customer and channel.

    Attributes:
        standing: see `Standing`.
        reason: why, unless it is cleared.
        until: of one that is held: when to ask again; None when that depends on a person.
    """

    standing: Standing
    reason: Reason | None = None
    until: datetime | None = None


CLEAR = Ruling(Standing.CLEARED)
_SEAL = object()


@dataclass(frozen=True, slots=True)
class Cleared:
    """A message that may go now. Only the gate makes one, and delivery hands nothing over without.

    Attributes:
        send_id, message_id, customer_id, channel: of the message.
        at: when it was cleared.
    """

    send_id: str
    message_id: str
    customer_id: str
    channel: str
    at: datetime
    seal: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise GridloopError("Only the gate clears a message.", evidence={"send": self.send_id})


@dataclass(frozen=True, slots=True)
class Asked:
    """A customer who may be reached by a channel, or not.

    Attributes:
        customer_id, channel: whom and how.
        has_address: whether there is an address of that channel.
    """

    customer_id: str
    channel: str
    has_address: bool


class Gate:
    """The gate of a workspace.

    Args:
        context: records and tables; consents are read once per purpose from its view, everything that the ledger
            keeps is asked for every time.
    """

    def __init__(self, context: ReachContext) -> None:
        self._context = context
        self._rules: dict[str, ContactRules] = {}
        self._consents: dict[str, ConsentBook] = {}

    def rules(self, campaign_id: str) -> ContactRules:
        """The rules of a campaign; assignments never change, so they are read once."""
        if campaign_id not in self._rules:
            ledger = self._context.ledger
            campaign = ledger.campaigns.campaign(campaign_id)
            assignments = ledger.assignments.of(campaign_id)
            self._rules[campaign_id] = rules_of(campaign, assignments, self._context.view, self._context.zone)
        return self._rules[campaign_id]

    def clear(self, send: Send, *, has_address: bool) -> Cleared | Ruling:
        """Say whether a claimed message may go at this moment.

        Args:
            send: in `sending`, so that no other message to the customer is in the air.
            has_address: whether there is an address of its channel.

        Returns:
            what lets it be handed over, or why it must not be.
        """
        ledger = self._context.ledger
        status = ledger.campaigns.status(send.campaign_id)
        if status != "running":
            waits = status in ("scheduled", "paused")
            return (
                Ruling(Standing.HELD, Reason.CAMPAIGN_WAITS)
                if waits
                else Ruling(Standing.STOPPED, Reason.CAMPAIGN_ENDED)
            )
        asked = Asked(send.customer_id, send.channel, has_address)
        (ruling,) = self.look(self.rules(send.campaign_id), [asked], besides=(send.send_id,))
        if ruling.standing is not Standing.CLEARED:
            return ruling
        return Cleared(
            send.send_id, send.message_id, send.customer_id, send.channel, self._context.clock.now(), _SEAL
        )

    def look(
        self, rules: ContactRules, asked: Iterable[Asked], besides: tuple[str, ...] = ()
    ) -> list[Ruling]:
        """What the rules say at this moment, whatever the state of the campaign; it lets nothing be handed over.

        Args:
            rules: of the campaign.
            asked: customers and channels.
            besides: sends that do not count towards the frequency cap.
        """
        listed = list(asked)
        now = self._context.clock.now()
        since = now - timedelta(days=rules.cap.days)
        customers = [one.customer_id for one in listed]
        histories = self._context.ledger.contacts.of(customers, since, besides)
        if rules.purpose not in self._consents:
            self._consents[rules.purpose] = ConsentBook.read(self._context.view, rules.purpose)
        consents = self._consents[rules.purpose]
        return [_rule(rules, one, histories.get(one.customer_id, NOTHING), consents, now) for one in listed]


def _rule(
    rules: ContactRules, asked: Asked, history: ContactHistory, consents: ConsentBook, at: datetime
) -> Ruling:
    """The ruling on one customer and channel: what stops goes before what holds."""
    stopped = _stopped(rules, asked, history, consents, at)
    if stopped is not None:
        return Ruling(Standing.STOPPED, stopped)
    free = rules.free_at(history.contacted, at)
    if free is not None:
        return Ruling(Standing.HELD, Reason.FREQUENCY_CAP, free)
    loud = rules.quiet_until(at)
    return CLEAR if loud is None else Ruling(Standing.HELD, Reason.QUIET_HOURS, loud)


def _stopped(
    rules: ContactRules, asked: Asked, history: ContactHistory, consents: ConsentBook, at: datetime
) -> Reason | None:
    arms = rules.arms(asked.customer_id)
    if HOLDOUT in arms:
        return Reason.HOLDOUT
    if not arms:
        return Reason.NOT_ASSIGNED
    if any(one.covers(asked.channel, rules.purpose) for one in history.unsubscribes):
        return Reason.UNSUBSCRIBED
    if history.complained:
        return Reason.COMPLAINED
    if not consents.granted(asked.customer_id, asked.channel, at):
        return Reason.NO_CONSENT
    if asked.channel in history.bounced:
        return Reason.BOUNCED
    return None if asked.has_address else Reason.NO_ADDRESS
