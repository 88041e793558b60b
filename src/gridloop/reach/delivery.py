"""Delivering a channel: claim, ask the gate, hand over, record; the one place that does (docs/guides/reach.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from gridloop import __version__
from gridloop.domain.errors import GridloopError, ServiceMissing
from gridloop.domain.finding import Finding
from gridloop.domain.table import Stage
from gridloop.ledger.messages import Send, Settled
from gridloop.ledger.sends import delivery_job
from gridloop.reach.channels.channel import Channel, Handover, Message, Verdict
from gridloop.reach.compose import Composer
from gridloop.reach.content.render import ValueMissing
from gridloop.reach.context import ReachContext
from gridloop.reach.gate import Cleared, Gate, Ruling, Standing
from gridloop.reach.guardrails import pause_beyond_limits

if TYPE_CHECKING:
    from gridloop.security.vault import Vault

ADDRESS_FIELDS: Mapping[str, str] = {"email": "email", "sms": "phone", "phone": "phone", "app": "phone"}
"""Channel → personal field that holds its address; the app knows its users by their telephone number."""

Progress = Callable[[str, int, int], None]


class DeliverySettings(BaseModel):
    """How a delivery goes about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(
        default=10,
        ge=1,
        le=400,
        description="Messages claimed and recorded at a time; as many at most are undecided after a kill.",
    )
    retry_minutes: int = Field(
        default=15, ge=1, description="Wait after a channel deferred a message; doubled with every attempt."
    )
    most_attempts: int = Field(
        default=6, ge=1, description="Attempts after which a deferred message has failed."
    )
    judge_every: int = Field(
        default=50, ge=1, description="Messages between two looks at the guardrails of the play."
    )


DEFAULT = DeliverySettings()


@dataclass(frozen=True)
class DeliveryReport:
    """What a delivery did.

    Attributes:
        channel: its channel.
        outcomes: sent, failed, unknown, planned (put back) and cancelled → messages.
        reasons: why messages were put back, given up or refused → messages.
        undecided: messages that an earlier delivery left, and that wait for a receipt or a decision.
        findings: what a person should know.
    """

    channel: str
    outcomes: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    undecided: int = 0
    findings: tuple[Finding, ...] = ()


def addresses(vault: Vault, customer_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Customer → channels of which the vault holds an address; the addresses themselves stay here."""
    return {
        customer: frozenset(channel for channel, name in ADDRESS_FIELDS.items() if person.get(name))
        for customer, person in vault.people(customer_ids)
    }


def deliver(
    context: ReachContext,
    channel: Channel,
    *,
    campaign_id: str | None = None,
    settings: DeliverySettings = DEFAULT,
    progress: Progress | None = None,
) -> DeliveryReport:
    """Deliver what is due of a channel; may be killed at any moment and started again.

    Args:
        context: see `ReachContext`.
        channel: where to; one delivery per channel at a time.
        campaign_id: of this campaign only.
        settings: see `DeliverySettings`.
        progress: told what is done and how many there are.

    Raises:
        LedgerConflict: another delivery of this channel is at work.
        ServiceMissing: the other side does not answer; what was claimed went back.
        UsageError: a setting, template or tariff that it needs is not there.
    """
    ledger = context.ledger
    given = settings.model_dump()
    run_id = ledger.runs.start(delivery_job(channel.name), Stage.REACH, "delivery", __version__, given)
    try:
        ledger.sends.recover()
        if channel.exactly_once:
            ledger.sends.again(channel.name)
        delivery = _Delivery(context, channel, run_id, settings)
        with channel.open():
            delivery.carry_out(campaign_id, progress or _silent)
        report = delivery.report()
        ledger.runs.succeed(run_id, {}, {**report.outcomes, "undecided": report.undecided})
    except BaseException as error:
        told = error.what if isinstance(error, GridloopError) else type(error).__name__
        ledger.runs.fail(run_id, type(error).__name__, told)
        raise
    return report


def _silent(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


class _Delivery:
    """One delivery at work."""

    def __init__(
        self, context: ReachContext, channel: Channel, run_id: str, settings: DeliverySettings
    ) -> None:
        self._context = context
        self._channel = channel
        self._run_id = run_id
        self._settings = settings
        self._gate = Gate(context)
        self._composer = Composer(context, self._gate)
        self._in_hand: str | None = None
        self._outcomes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._findings: list[Finding] = []

    def carry_out(self, campaign_id: str | None, progress: Progress) -> None:
        """Claim and deliver until nothing is due any more."""
        sends, step = self._context.ledger.sends, f"sending by {self._channel.name}"
        total = sends.due(campaign_id).get(self._channel.name, 0)
        unjudged: Counter[str] = Counter()
        while batch := sends.claim(self._run_id, self._settings.batch, campaign_id):
            self._deliver_batch(batch)
            progress(step, self._outcomes.total(), max(total, self._outcomes.total()))
            unjudged.update(send.campaign_id for send in batch)
            if unjudged.total() >= self._settings.judge_every:
                self._judge(unjudged)
                self._context.ledger.runs.heartbeat(self._run_id)
        self._judge(unjudged)

    def _judge(self, campaigns: Counter[str]) -> None:
        for campaign_id in campaigns:
            self._findings += pause_beyond_limits(self._context, campaign_id)
        campaigns.clear()

    def _deliver_batch(self, batch: list[Send]) -> None:
        """Deliver what was claimed; whatever happens, each message is recorded as what is known of it."""
        people = dict(self._context.vault.people([send.customer_id for send in batch]))
        done: list[Settled] = []
        try:
            for send in batch:
                done.append(self._deliver_one(send, people.get(send.customer_id, {})))
        finally:
            told = {one.send_id for one in done}
            done += [self._left(send) for send in batch if send.send_id not in told]
            self._context.ledger.sends.settle(done)
            self._outcomes.update(one.status for one in done)
            self._reasons.update(one.error for one in done if one.error is not None)

    def _left(self, send: Send) -> Settled:
        """A message that the delivery did not come to, or was in the midst of."""
        if send.send_id == self._in_hand:
            return Settled(send.send_id, "unknown", "interrupted while it was handed over")
        return Settled(send.send_id, "planned", None, not_before=send.not_before, attempted=False)

    def _deliver_one(self, send: Send, person: Mapping[str, object]) -> Settled:
        address = str(person.get(ADDRESS_FIELDS[send.channel]) or "")
        said = self._gate.clear(send, has_address=bool(address))
        if isinstance(said, Ruling):
            return _not_cleared(send, said)
        try:
            message = self._composer.compose(send, address, person)
        except ValueMissing as error:
            return Settled(send.send_id, "cancelled", f"no value for {error.name}", attempted=False)
        return self._settled(send, self._hand_over(said, message))

    def _hand_over(self, cleared: Cleared, message: Message) -> Handover:
        if (cleared.message_id, cleared.channel) != (message.message_id, message.channel):
            raise GridloopError("A message was cleared, and another one would have gone out.")
        self._in_hand = cleared.send_id
        try:
            handover = self._channel.hand_over(message)
        except ServiceMissing:  # by the channel's word nothing of the message was taken
            self._in_hand = None
            raise
        self._in_hand = None
        return handover

    def _settled(self, send: Send, handover: Handover) -> Settled:
        if handover.verdict is Verdict.ACCEPTED:
            return Settled(send.send_id, "sent", cost=handover.cost)
        if handover.verdict is Verdict.UNKNOWN:
            return Settled(send.send_id, "unknown", handover.error)
        if handover.verdict is Verdict.REFUSED or send.attempts >= self._settings.most_attempts:
            return Settled(send.send_id, "failed", handover.error)
        wait = timedelta(minutes=self._settings.retry_minutes * 2 ** (send.attempts - 1))
        return Settled(send.send_id, "planned", handover.error, not_before=self._context.clock.now() + wait)

    def report(self) -> DeliveryReport:
        """What it did."""
        waiting = [one for one in self._context.ledger.sends.undecided() if one.channel == self._channel.name]
        return DeliveryReport(
            self._channel.name,
            dict(sorted(self._outcomes.items())),
            dict(sorted(self._reasons.items())),
            len(waiting),
            tuple(self._findings),
        )


def _not_cleared(send: Send, ruling: Ruling) -> Settled:
    status = "planned" if ruling.standing is Standing.HELD else "cancelled"
    reason = None if ruling.reason is None else ruling.reason.value
    return Settled(send.send_id, status, reason, not_before=ruling.until, attempted=False)
