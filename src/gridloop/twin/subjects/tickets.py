"""Tickets and call summaries: after outages, dear bills, broken meters and missed payments, and out of the blue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gridloop.twin.billing import DAYS_TO_PAY, IssuedBill
from gridloop.twin.contracts import Contracts
from gridloop.twin.names import Contact, draw_contacts
from gridloop.twin.network import TOWNS
from gridloop.twin.premises import NEVER, opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.applications import month_days
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, TruthKind, moment
from gridloop.twin.subjects.outages import Outage
from gridloop.twin.subjects.texts import FAMILIES, RESOLUTIONS, family_name, is_for_tests

TICKET = SourceKind(
    "service/ticket",
    "TICKET_ID CUST_ID SP_ID CHANNEL OPEN_TIME CLOSE_TIME CATEGORY LANG CONTENT RESOLUTION SATISFACTION UPDATED_AT",
)
TOLD = TruthKind(
    "ticket",
    pa.schema(
        [
            ("ticket_id", pa.string()),
            ("true_intent", pa.string()),
            ("text_family", pa.string()),
            ("split", pa.string()),
        ]
    ),
)
"""ticket.parquet: what each ticket is about, and whether its family of texts is for `train` or `test`."""

CALLS_AFTER_OUTAGE = 0.012
"""Share of the premises hit by a fault that call; works that were announced bring a quarter."""

SHOCK_RATIO, SHOCK_CNY, CALLS_AFTER_SHOCK = 1.5, 60.0, 0.10
"""A bill shocks when it is so many times the last one a day, and so much more; that share then complains."""

CALLS_BEFORE_EXCHANGE = 0.6
"""Share of exchanged meters that somebody had reported 3 to 20 days before."""

_BY_CHANCE = {"tariff_question": 0.0035, "moving": 0.0012, "app_trouble": 0.0025, "payment": 0.0015}
_CATEGORY = {
    "outage": "停电报修",
    "bill_high": "电费异议",
    "meter_fault": "计量异常",
    "payment": "缴费咨询",
    "tariff_question": "电价咨询",
    "moving": "业务办理",
    "app_trouble": "渠道问题",
}
_CHANNELS = (("hotline", "app", "hall", "web"), (0.55, 0.28, 0.09, 0.08))
ENGLISH_SHARE = 0.2
"""Of the tickets of those who prefer Chinese: one desk of the hotline writes English."""


@dataclass(frozen=True, slots=True)
class _Occasion:
    """Why a contract's holder calls: the day, the minute after midnight, the intent and what the text needs."""

    contract: int
    day: int
    minute: float
    intent: str
    amount: str = "86.40"


@dataclass
class Tickets:
    """The county's tickets; call `add` with the bills of a month, then `write`.

    What a bill is compared with is remembered from the month before, two numbers a contract.
    """

    simulation: Simulation
    contracts: Contracts
    _occasions: list[_Occasion] = field(default_factory=list)

    def add(self, month: Month, bills: list[IssuedBill]) -> None:
        """Complaints about the bills of a block, on the days after their issue."""
        first = month.first.toordinal()
        if not bills:
            return
        rows = np.array([each.contract for each in bills])
        stream = Stream(self.simulation.settings.seed, "bill ticket")
        drawn = stream.uniform(self._number[rows][:, None], first, np.arange(4))
        for each, u in zip(bills, drawn.tolist(), strict=True):
            amount, before = float(each.bill.amount), float(self._last[each.contract])
            a_day = amount / (each.ends - each.begins)
            shocked = a_day > SHOCK_RATIO * before and amount - before * (each.ends - each.begins) > SHOCK_CNY
            issued = each.issued.toordinal()
            if before > 0.0 and shocked and u[0] < CALLS_AFTER_SHOCK:
                day = issued + 1 + int(u[1] * 9.0)
                self._occasions.append(
                    _Occasion(each.contract, day, 480 + 720 * u[2], "bill_high", f"{amount:.2f}")
                )
            elif u[3] < 0.004 and amount > 0.0:
                day = issued + DAYS_TO_PAY + 3 + int(u[1] * 20.0)
                self._occasions.append(
                    _Occasion(each.contract, day, 480 + 720 * u[2], "payment", f"{amount:.2f}")
                )
            self._last[each.contract] = a_day

    def write(self, month: Month, outages: list[Outage], files: SubjectFiles) -> None:
        """The tickets that come of a month, in order of time."""
        found = [
            *self._occasions,
            *self._after_outages(month, outages),
            *self._before_exchanges(month),
            *self._by_chance(month),
        ]
        self._occasions = []
        found = [each for each in found if self._holds(each)]
        found.sort(key=lambda each: (each.day, each.minute, each.contract, each.intent))
        counts: dict[tuple[int, str], int] = {}
        for each in found:
            again = counts[each.contract, each.intent] = counts.get((each.contract, each.intent), 0) + 1
            if again <= 9:
                self._put(each, month, again, files)

    def _holds(self, each: _Occasion) -> bool:
        return bool(
            self.contracts.begins[each.contract] <= each.day < self.contracts.ends[each.contract] + 60
        )

    def _put(self, each: _Occasion, month: Month, again: int, files: SubjectFiles) -> None:
        row, place = each.contract, list(FAMILIES).index(each.intent)
        stream = Stream(self.simulation.settings.seed, "ticket")
        u = stream.uniform(self._number[row], each.day, 10 * place + again, np.arange(10)).tolist()
        contact = self._contacts[row]
        language = "en" if contact.language == "en" or u[0] < ENGLISH_SHARE else "zh"
        families = FAMILIES[each.intent][language]
        index = int(u[1] * len(families))
        text = self._filled(families[index], each, contact, u[2])
        name = f"T{month.first:%y%m}{self._names[row]}{place}{again}"
        wrong = list(_CATEGORY.values())[int(u[3] * 100.0) % len(_CATEGORY)]
        category = None if u[3] < 0.08 else wrong if u[3] < 0.16 else _CATEGORY[each.intent]
        channel = _CHANNELS[0][int(np.searchsorted(np.cumsum(_CHANNELS[1])[:-1], u[4], side="right"))]
        customer = None if u[5] < 0.04 else self.contracts.customer_id[row]
        point = self.simulation.premises.service_point_id[int(self.contracts.premise[row])]
        opened = moment(each.day, each.minute)
        head = (name, customer, point, channel, opened)
        files.put(
            TICKET,
            each.day,
            (*head, None, category, language, text, None, None, moment(each.day, each.minute + 2)),
        )
        minutes = each.minute + 10 + 4000.0 * u[6] ** 4
        closed = each.day + int(minutes) // 1440
        resolution = RESOLUTIONS[each.intent][language == "en"]
        rating = None if u[7] < 0.7 else 1 + min(int(5.0 * u[8] ** (0.5 if minutes < 600 else 1.2)), 4)
        done = moment(each.day, minutes)
        files.put(
            TICKET,
            closed,
            (*head, done, category, language, text, resolution, rating, moment(each.day, minutes + 1)),
        )
        split = "test" if is_for_tests(each.intent, language, index) else "train"
        files.tell(TOLD, (name, each.intent, family_name(each.intent, language, index), split))

    def _filled(self, template: str, each: _Occasion, contact: Contact, drawn: float) -> str:
        town = TOWNS[int(self._town[each.contract])]
        day = date.fromordinal(each.day)
        return template.format(
            name=contact.name,
            phone=contact.phone or "",
            day=f"{day:%m-%d}",
            town=town,
            amount=each.amount,
            hours=1 + int(drawn * 5.0),
        )

    def _after_outages(self, month: Month, outages: list[Outage]) -> Iterator[_Occasion]:
        stream = Stream(self.simulation.settings.seed, "outage ticket")
        for number, each in enumerate(outages):
            rate = CALLS_AFTER_OUTAGE * (0.25 if each.kind == "planned" else 1.0)
            rate *= 4.0 if each.transformer is not None else 1.0
            u = stream.uniform(each.premises, each.day, number, 0) if len(each.premises) else np.zeros(0)
            for who in each.premises[u < rate].tolist():
                row = self._holder(who, each.day)
                if row is not None:
                    wait = float(stream.uniform(who, each.day, number, 1)[0]) * (each.ends - each.begins)
                    yield _Occasion(row, each.day, each.begins + wait, "outage")

    def _before_exchanges(self, month: Month) -> Iterator[_Occasion]:
        premises, days = self.simulation.premises, month_days(month)
        stream = Stream(self.simulation.settings.seed, "meter ticket")
        for who in np.flatnonzero(premises.exchanged < NEVER).tolist():
            u = stream.uniform(who, np.arange(3)).tolist()
            day = int(premises.exchanged[who]) - 3 - int(17.0 * u[1])
            row = self._holder(who, day)
            if u[0] < CALLS_BEFORE_EXCHANGE and days[0] <= day <= days[-1] and row is not None:
                yield _Occasion(row, day, 480 + 660 * u[2], "meter_fault")

    def _by_chance(self, month: Month) -> Iterator[_Occasion]:
        days = month_days(month)
        for intent, rate in _BY_CHANCE.items():
            stream = Stream(self.simulation.settings.seed, f"ticket/{intent}")
            chosen = np.flatnonzero(stream.uniform(self._number, int(days[0]), 0) < rate)
            for row in chosen.tolist():
                u = stream.uniform(self._number[row], int(days[0]), np.arange(1, 3)).tolist()
                yield _Occasion(row, int(days[0]) + int(u[0] * len(days)), 480 + 720 * u[1], intent)

    def _holder(self, premise: int, day: int) -> int | None:
        rows = self.contracts.rows_of(slice(premise, premise + 1))
        held = [row for row in rows if self.contracts.begins[row] <= day < self.contracts.ends[row]]
        return held[0] if held else None

    @cached_property
    def _number(self) -> NDArray[np.int64]:
        return 2 * self.contracts.premise + self.contracts.later

    @cached_property
    def _names(self) -> list[str]:
        return opaque_ids("", 9, self._number, self.simulation.settings.seed)

    @cached_property
    def _last(self) -> NDArray[np.float64]:
        return np.zeros(len(self.contracts))

    @cached_property
    def _town(self) -> NDArray[np.int64]:
        network = self.simulation.network
        towns: NDArray[np.int64] = network.town_of_feeder[network.feeder_of_premise()][self.contracts.premise]
        return towns

    @cached_property
    def _contacts(self) -> list[Contact]:
        simulation = self.simulation
        return draw_contacts(simulation.settings, simulation.premises, simulation.network, self.contracts)
