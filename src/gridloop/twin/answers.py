"""The county's people answer messages: what comes back over time, who takes the offer, and how their loads change.

    answers = Answers(county, folder)
    answers.receive("m-1", "sms", "11100000000", now, {"tariff": "tou-evening", "saving": "80.00"})
    answers.events(later)

A person is known by the address of the county's contact file and by nothing else.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.twin.names import draw_contacts
from gridloop.twin.offers import PricedOffer, no_price, priced_offer
from gridloop.twin.premises import NEVER
from gridloop.twin.reactions import (
    CHANNELS,
    Person,
    Reaction,
    Received,
    avoided_share,
    days_on_tariff,
    react,
)
from gridloop.twin.received import MessageFiles
from gridloop.twin.responses import Enrolment, Responses
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import CIVIL

if TYPE_CHECKING:
    from gridloop.twin.county import County


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """Something that came back.

    Attributes:
        event_id: the same whenever it is told again.
        message_id: of the message it answers.
        kind: delivered, bounced, opened, clicked, accepted, declined, unsubscribed or complained.
        at: when, aware.
        details: more, without personal data.
    """

    event_id: str
    message_id: str
    kind: str
    at: datetime
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class _Answered:
    """A message, who got it, and what came of it."""

    message: Received
    person: Person
    reaction: Reaction

    @property
    def accepted(self) -> datetime | None:
        return self.reaction.when("accepted")


class Answers:
    """What became of messages to the county's people.

    Args:
        county: who they are.
        folder: keeps the messages, one small file each, apart from any source file; None keeps them in memory.
    """

    def __init__(self, county: County, folder: Path | str | None = None) -> None:
        self._county = county
        self._files = MessageFiles(None if folder is None else Path(folder))
        self._offers: dict[str | None, PricedOffer] = {}
        self._reactions: dict[str, _Answered] = {}

    def receive(
        self, message_id: str, channel: str, address: str, at: datetime, facts: Mapping[str, object]
    ) -> bool:
        """Take one message; a second one of the same id is the same message.

        Args:
            message_id: any text.
            channel: `app`, `email`, `sms` or `phone`.
            address: e-mail address for `email`, telephone number for the others.
            at: the present, aware.
            facts: `tariff` names what is offered, `saving` the currency a year it promises; both may be absent.

        Returns:
            False when nobody has that address: then nothing was kept.

        Raises:
            UsageError: no such channel, a time without a zone, or an offer that the county can't answer.
        """
        if channel not in CHANNELS:
            raise UsageError(f"There is no channel {channel!r}.", ways_out=did_you_mean(channel, CHANNELS))
        if at.tzinfo is None:
            raise UsageError("The time of a message needs a zone.", evidence={"at": at.isoformat()})
        if address not in self._addresses[channel == "email"]:
            return False
        tariff = facts.get("tariff")
        name = None if tariff is None else str(tariff)
        self._offer(name)
        self._files.keep(Received(message_id, channel, address, at, name, _amount(facts.get("saving"))))
        return True

    def events(self, until: datetime) -> list[AnswerEvent]:
        """All that came back up to an instant, in order of time; what was told once is told again alike."""
        found = [
            AnswerEvent(
                _event_id(each.message.message_id, one.kind), each.message.message_id, one.kind, one.at, one.details
            )
            for answered in self._answered().values()
            for each in answered
            for one in each.reaction.happenings
            if one.at <= until and (one.kind != "accepted" or self._counts(each, answered))
        ]  # fmt: skip
        return sorted(found, key=lambda event: (event.at, event.event_id))

    def responses(self) -> Responses:
        """What the messages so far change, and will change, in the loads of the days after the window."""
        spans: list[tuple[int, int, int, int, float, float, str | None]] = []
        enrolments: dict[int, Enrolment] = {}
        for contract, answered in self._answered().items():
            enrolment = self._enrolment(answered)
            if enrolment is not None:
                enrolments[contract] = enrolment
            spans += self._spans(answered, enrolment)
        spans.sort()
        return self._responses(spans, enrolments)

    def effect_truth(self, hours: Sequence[tuple[int, int]], first_day: date, last_day: date) -> pa.Table:
        """What the messages so far do to those who got one: mean import of a day in some hours, with and without them.

        Args:
            hours: spans [start, end) in minutes after local midnight; none for the whole day.
            first_day, last_day: civil days, both included, among the county's days.

        Returns:
            one row per account that got a message and is open on the first day: customer_id, account_id, contract_id,
            service_point_id (ids of the source files), enrolled (whether on the offered tariff on any of these days),
            without_offer and with_offer in Wh a day. The same is written to `effect_*.parquet` in the folder.

        Raises:
            UsageError: days that the county does not have, or hours that cut an interval.
        """
        from gridloop.twin.effects import effect_table

        county, answered = self._county, self._answered()
        table = effect_table(
            county.simulation, county.contracts, self.responses(), sorted(answered), hours, (first_day, last_day)
        )  # fmt: skip
        spans = "+".join(
            f"{start // 60:02d}{start % 60:02d}-{end // 60:02d}{end % 60:02d}" for start, end in hours
        )
        self._files.write_table(table, f"effect_{first_day}_{last_day}_{spans or 'day'}.parquet")
        return table

    @cached_property
    def _addresses(self) -> tuple[dict[str, int], dict[str, int]]:
        """Contract row by telephone number, and by e-mail address."""
        county, simulation = self._county, self._county.simulation
        contacts = draw_contacts(county.settings, simulation.premises, simulation.network, county.contracts)
        phones = {contact.phone: row for row, contact in enumerate(contacts) if contact.phone}
        mails = {contact.email: row for row, contact in enumerate(contacts) if contact.email}
        return phones, mails

    def _person(self, contract: int) -> Person:
        traits = self._county.simulation.premises.traits
        premise = int(self._county.contracts.premise[contract])
        names = ("contact_receptiveness", "price_elasticity", "tariff_leaving_per_day")
        return Person(contract, premise, *(float(traits.column(name)[premise]) for name in names))

    def _answered(self) -> dict[int, list[_Answered]]:
        """By contract row, the messages in order of time."""
        by_contract: dict[int, list[_Answered]] = defaultdict(list)
        for message in sorted(self._files.messages(), key=lambda each: (each.at, each.message_id)):
            if message.message_id not in self._reactions:
                person = self._person(self._addresses[message.channel == "email"][message.address])
                reaction = react(self._county.settings.seed, person, message)
                self._reactions[message.message_id] = _Answered(message, person, reaction)
            answered = self._reactions[message.message_id]
            by_contract[answered.person.contract].append(answered)
        return by_contract

    def _counts(self, each: _Answered, answered: list[_Answered]) -> bool:
        """Whether an acceptance is the one that counts: the first, of somebody who is still there and on another
        tariff.
        """
        first = min((one for one in answered if one.accepted), key=lambda one: one.accepted or one.message.at)
        return each is first and self._may_enrol(first)

    def _may_enrol(self, each: _Answered) -> bool:
        contracts, contract = self._county.contracts, each.person.contract
        return int(contracts.ends[contract]) > self._since(each.accepted) and (
            contracts.tariff_id[contract] != each.message.tariff
        )

    def _since(self, moment: datetime | None) -> int:
        """Ordinal of the day after an instant, but no day of the window, which has been delivered."""
        assert moment is not None
        return max(_local_day(moment), self._county.settings.end.toordinal()) + 1

    def _enrolment(self, answered: list[_Answered]) -> Enrolment | None:
        counted = next((one for one in answered if one.accepted and self._counts(one, answered)), None)
        if counted is None:
            return None
        since = self._since(counted.accepted)
        stays = days_on_tariff(self._county.settings.seed, counted.person, counted.message)
        return Enrolment(
            counted.person.contract, self._offer(counted.message.tariff), since, min(since + stays, NEVER)
        )

    def _spans(
        self, answered: list[_Answered], enrolment: Enrolment | None
    ) -> list[tuple[int, int, int, int, float, float, str | None]]:
        """Premise, contract, since, until, share avoided, share returned, offer: contacted first, enrolled then."""
        person = answered[0].person
        column = self._county.simulation.premises.traits.column
        returned = float(column("avoided_share_returned")[person.premise])
        head = (person.premise, person.contract)
        ends = int(self._county.contracts.ends[person.contract])
        spans = []
        delivered = next((one for one in answered if one.reaction.when("delivered")), None)
        if delivered is not None:
            since = self._since(delivered.reaction.when("delivered"))
            until = min(ends, NEVER if enrolment is None else enrolment.since)
            share = float(column("contact_saving_share")[person.premise])
            if since < until:
                spans.append((*head, since, until, share, returned, delivered.message.tariff))
        if enrolment is not None:
            raises = bool(column("raises_evening_use")[person.premise])
            share = avoided_share(person.elasticity, enrolment.offer.ratio, raises=raises)
            until = min(ends, enrolment.until)
            spans.append((*head, enrolment.since, until, share, returned, enrolment.offer.name))
        return spans

    def _responses(
        self,
        spans: list[tuple[int, int, int, int, float, float, str | None]],
        enrolments: Mapping[int, Enrolment],
    ) -> Responses:
        names = sorted({span[6] for span in spans}, key=lambda name: name or "")
        premise = np.array([span[0] for span in spans], np.int64)
        return Responses(
            premise=premise,
            contract=np.array([span[1] for span in spans], np.int64),
            span=np.array([span[2:4] for span in spans], np.int64).reshape(-1, 2),
            shares=np.array([span[4:6] for span in spans], np.float64).reshape(-1, 2),
            keys=Stream(self._county.settings.seed, "zeal").bits(premise),
            offer=np.array([names.index(span[6]) for span in spans], np.int64),
            offers=tuple(self._offer(name) for name in names),
            enrolments=enrolments,
        )

    def _offer(self, name: str | None) -> PricedOffer:
        if name not in self._offers:
            calendar, slots = self._county.simulation.calendar, self._county.settings.slots
            self._offers[name] = no_price(calendar) if name is None else priced_offer(name, calendar, slots)
        return self._offers[name]


def _amount(value: object) -> float | None:
    if value is None:
        return None
    try:
        return float(str(value))
    except ValueError:
        raise UsageError("The saving of a message is no number.", ways_out=("Such as '123.45'.",)) from None


def _local_day(moment: datetime) -> int:
    return moment.astimezone(CIVIL).date().toordinal()


def _event_id(message_id: str, kind: str) -> str:
    return f"{hashlib.sha256(message_id.encode()).hexdigest()[:24]}-{kind}"
