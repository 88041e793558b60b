"""What people did in the app, on the web, at the counter and on the telephone, as the channels recorded it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.contracts import Contracts
from gridloop.twin.premises import opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.simulation import Month, Simulation
from gridloop.twin.subjects.applications import month_days
from gridloop.twin.subjects.files import SourceKind, SubjectFiles, moment

INTERACTION = SourceKind(
    "channel/interaction", "EVENT_ID CUST_ID CHANNEL ACTION EVENT_TIME DURATION_S DETAILS UPDATED_AT"
)

APP_USERS, WEB_USERS = 0.55, 0.12
"""Share of customers who use the app, or the web."""

_APP = (("login", "view_bill", "view_use", "pay", "view_tariff"), (0.42, 0.25, 0.18, 0.11, 0.04))
_WEB = (("visit", "view_bill", "download_bill", "view_tariff"), (0.5, 0.3, 0.12, 0.08))
_RARE = {("call_centre", "call"): 0.012, ("hall", "visit"): 0.006}
_MOST = 12


@dataclass(frozen=True)
class Interactions:
    """The county's interactions; receptive people come more often."""

    simulation: Simulation
    contracts: Contracts

    def write(self, month: Month, files: SubjectFiles) -> None:
        """The interactions of a month, channel by channel."""
        for letter, channel, users, rate in (("A", "app", APP_USERS, 2.2), ("W", "web", WEB_USERS, 1.2)):
            self._write_visits(month, (letter, channel), (users, rate), files)
        for letter, ((channel, action), rate) in zip("CH", _RARE.items(), strict=True):
            self._write_rare(month, (letter, channel, action), rate, files)

    def _write_visits(
        self, month: Month, name: tuple[str, str], habit: tuple[float, float], files: SubjectFiles
    ) -> None:
        letter, channel = name
        days, seed = month_days(month), self.simulation.settings.seed
        stream = Stream(seed, f"interaction/{channel}")
        users = np.flatnonzero(Stream(seed, f"user/{channel}").uniform(self._number) < habit[0])
        mean = habit[1] * (0.4 + 1.6 * self._receptive[users])
        counts = _poisson(stream.uniform(self._number[users], int(days[0]), 99), mean)
        rows, again = np.repeat(users, counts), _ranks(counts)
        if not len(rows):
            return
        u = stream.uniform(self._number[rows][:, None], int(days[0]), again[:, None], np.arange(4))
        actions, shares = _APP if channel == "app" else _WEB
        edges = np.cumsum(shares)[:-1]
        day = days[0] + (u[:, 0] * len(days)).astype(np.int64)
        minute = 1440.0 * _hour_of_day(u[:, 1])
        chosen = np.searchsorted(edges, u[:, 2], side="right")
        seconds = np.round(15.0 * np.exp(2.2 * u[:, 3]))
        for index in np.lexsort((rows, minute, day)).tolist():
            row, at = int(rows[index]), int(day[index])
            if self._is_customer(row, at):
                event = f"{letter}{month.first:%y%m}{self._names[row]}{again[index]:02d}"
                head = (event, self.contracts.customer_id[row], channel, actions[int(chosen[index])])
                time = moment(at, minute[index])
                files.put(
                    INTERACTION, at, (*head, time, int(seconds[index]), None, moment(at, minute[index] + 5))
                )

    def _write_rare(self, month: Month, name: tuple[str, str, str], rate: float, files: SubjectFiles) -> None:
        letter, channel, action = name
        days = month_days(month)
        stream = Stream(self.simulation.settings.seed, f"interaction/{channel}")
        chosen = np.flatnonzero(stream.uniform(self._number, int(days[0]), 0) < rate)
        for row in chosen.tolist():
            u = stream.uniform(self._number[row], int(days[0]), np.arange(1, 5)).tolist()
            at, minute = int(days[0]) + int(u[0] * len(days)), 480.0 + 540.0 * u[1]
            if self._is_customer(row, at):
                event = f"{letter}{month.first:%y%m}{self._names[row]}00"
                topic = ("bill", "tariff", "account", "supply")[int(u[2] * 4.0)]
                seconds = int(90 + 500 * u[3] ** 2)
                head = (event, self.contracts.customer_id[row], channel, action, moment(at, minute), seconds)
                files.put(
                    INTERACTION,
                    at,
                    (*head, json.dumps({"topic": topic}), moment(at, minute + seconds // 60 + 1)),
                )

    def _is_customer(self, row: int, day: int) -> bool:
        return bool(self.contracts.begins[row] <= day < self.contracts.ends[row])

    @cached_property
    def _number(self) -> NDArray[np.int64]:
        return 2 * self.contracts.premise + self.contracts.later

    @cached_property
    def _names(self) -> list[str]:
        return opaque_ids("", 9, self._number, self.simulation.settings.seed)

    @cached_property
    def _receptive(self) -> NDArray[np.float64]:
        return self.simulation.premises.traits.column("contact_receptiveness")[self.contracts.premise]


def _poisson(u: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts of that mean from uniform draws, at most twelve."""
    counts = np.zeros(len(u), dtype=np.int64)
    term = np.exp(-mean)
    reached = term.copy()
    for number in range(1, _MOST + 1):
        counts += u >= reached
        term = term * mean / number
        reached += term
    return counts


def _ranks(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … within each group of that many."""
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(int(counts.sum())) - starts


def _hour_of_day(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the day: few between midnight and seven, most in the evening."""
    result: NDArray[np.float64] = np.interp(u, [0.0, 0.04, 0.5, 0.9, 1.0], [0.0, 0.29, 0.74, 0.94, 1.0])
    return result * 0.9999
