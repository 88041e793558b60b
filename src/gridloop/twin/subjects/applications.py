"""What people asked the utility to build or change: new supplies, more capacity, chargers, another tariff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.archive import known_at
from gridloop.twin.contracts import Contracts
from gridloop.twin.premises import capacity_above, opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, moment

APPLICATION = SourceKind(
    "service/application",
    "APPLICATION_ID CUST_ID SP_ID KIND CAPACITY_KVA SUBMIT_TIME COMPLETE_TIME STATUS UPDATED_AT",
)

_MONTHLY = {
    "capacity_increase": (0.0008, 0.003, 0.003, 0.006, 0.002, 0.002),
    "ev_charger": (0.0010, 0.0006, 0.001, 0.001, 0.0, 0.001),
    "tariff_change": (0.0012, 0.001, 0.001, 0.001, 0.0005, 0.0),
    "suspension": (0.0, 0.0008, 0.0005, 0.003, 0.003, 0.0),
}
"""Applications a month by class of the premise."""

_DAYS = {
    "new_connection": 40,
    "capacity_increase": 35,
    "ev_charger": 18,
    "tariff_change": 6,
    "suspension": 4,
}
"""Days from submission to completion, at most twice as many."""

_CLOSES = {"refused": 0.04, "withdrawn": 0.03}


@dataclass(frozen=True)
class Applications:
    """The county's applications."""

    simulation: Simulation
    contracts: Contracts

    def write(self, month: Month, files: SubjectFiles) -> None:
        """The applications submitted in a month, with every state that they reached."""
        for name, head, kva, days in sorted(
            [*self._connections(month), *self._others(month)], key=lambda each: (each[3][0], each[0])
        ):
            submitted, completed, end = days
            at = moment(submitted, 560)
            customer, point, kind = head
            first = (name, None if kind == "new_connection" else customer, point[0], kind, kva, at)
            files.put(
                APPLICATION,
                submitted,
                (*first, None, "submitted", known_at(date.fromordinal(submitted))),
            )
            middle = (submitted + completed) // 2
            if end == "completed" and completed - submitted > 10:
                known = known_at(date.fromordinal(middle))
                files.put(APPLICATION, middle, (*first, None, "works", known))
            last = (name, customer, point[1], kind, kva, at)
            done = moment(completed, 930) if end == "completed" else None
            files.put(APPLICATION, completed, (*last, done, end, known_at(date.fromordinal(completed))))

    def _connections(self, month: Month) -> Iterator[_Application]:
        """Whoever was connected within the window had asked for it 20 to 60 days before."""
        premises, settings = self.simulation.premises, self.simulation.settings
        new = np.flatnonzero(premises.connected > settings.start.toordinal())
        asked = premises.connected[new] - 20 - (
            Stream(settings.seed, "connection asked").uniform(new) * 40.0
        ).astype(np.int64)  # fmt: skip
        first, end = _span(month)
        names = opaque_ids("", 7, new, settings.seed)
        for name, who, day in zip(names, new.tolist(), asked.tolist(), strict=True):
            if first <= day < end:
                row = int(np.searchsorted(self.contracts.premise, who))
                head = (
                    self.contracts.customer_id[row],
                    (None, premises.service_point_id[who]),
                    "new_connection",
                )
                times = (day, int(premises.connected[who]), "completed")
                yield f"N{month.first:%y%m}{name}", head, float(premises.capacity_kva[who]), times

    def _others(self, month: Month) -> Iterator[_Application]:
        contracts, premises = self.contracts, self.simulation.premises
        first, _ = _span(month)
        number = 2 * contracts.premise + contracts.later
        codes = premises.traits.class_code[contracts.premise]
        for letter, (kind, rates) in zip("CETS", _MONTHLY.items(), strict=True):
            stream = Stream(self.simulation.settings.seed, f"application/{kind}")
            chosen = np.flatnonzero(stream.uniform(number, first, 0) < np.array(rates)[codes])
            for row in chosen.tolist():
                u = stream.uniform(number[row], first, np.arange(1, 4)).tolist()
                day = first + int(u[0] * 28.0)
                if not contracts.begins[row] <= day < contracts.ends[row]:
                    continue
                who = int(contracts.premise[row])
                point = premises.service_point_id[who]
                kva = None
                if kind == "capacity_increase":
                    kva = float(capacity_above(np.array([1.3 * premises.capacity_kva[who]]))[0])
                end = _ending(u[2])
                done = day + _DAYS[kind] // 2 + int(u[1] * 1.5 * _DAYS[kind])
                name = f"{letter}{month.first:%y%m}{contracts.account_id[row][1:]}"
                yield name, (contracts.customer_id[row], (point, point), kind), kva, (day, done, end)


_Application = tuple[str, tuple[str, tuple[str | None, str], str], float | None, tuple[int, int, str]]
"""Name; customer, service point before and after, kind; capacity; submitted, decided, how it ended."""


def _ending(drawn: float) -> str:
    for name, share in _CLOSES.items():
        if drawn < share:
            return name
        drawn -= share
    return "completed"


def _span(month: Month) -> tuple[int, int]:
    """Ordinals [first, end) of the whole calendar month."""
    first = month.first
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first.toordinal(), after.toordinal()


def month_days(month: Month) -> NDArray[np.int64]:
    """Ordinals of the days of the whole calendar month."""
    return np.arange(*_span(month))
