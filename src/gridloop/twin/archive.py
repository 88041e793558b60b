"""The archives of the utility: customers, accounts, contracts, meters and the network, as change logs with their dirt.

A record that changed appears once per state, each with the UPDATED_AT at which the utility knew it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.archetypes import CLASSES
from gridloop.twin.contracts import Contracts
from gridloop.twin.names import CONTACT_COLUMNS, draw_contacts
from gridloop.twin.network import Network
from gridloop.twin.premises import CHANNEL_SETS, NEVER, Premises
from gridloop.twin.responses import Enrolment
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings

Row = tuple[Any, ...]

INDUSTRY_CODES = {"shop": "F52", "office": "L72", "industry": "C33", "farm": "A01", "public": "S92"}
"""Division codes of GB/T 4754 that the archive gives each class."""


@dataclass(frozen=True, slots=True)
class ArchiveFault:
    """One wrong thing in an archive: which table, record and column, what kind, and the true value."""

    table: str
    record: str
    column: str
    kind: str
    true_value: str


def write_csv(path: Path, columns: str, rows: Iterable[Row]) -> None:
    """Write rows as CSV under the `columns`, names apart by blanks; None is empty, quotes only where needed."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns.split())
        writer.writerows(rows)


def known_at(day: date, days_later: int = 1) -> str:
    """The instant at which the night run of a later day put a record into the archive."""
    return f"{day + timedelta(days=days_later)}T02:10:00+08:00"


@dataclass(frozen=True, slots=True)
class Archive:
    """Writes the archives; `write` returns what is wrong in them.

    `enrolments`, by contract row, are those that the archive knows of.
    """

    settings: TwinSettings
    premises: Premises
    network: Network
    contracts: Contracts
    enrolments: Mapping[int, Enrolment] = field(default_factory=dict)

    def write(self, archive: Path, personal: Path) -> list[ArchiveFault]:
        """Write all archive files and the contacts."""
        faults: list[ArchiveFault] = []
        self._service_points(archive, faults)
        self._customers(archive, faults)
        self._accounts(archive)
        self._contracts(archive)
        self._meters(archive)
        self._meter_history(archive)
        self._contacts(personal)
        return faults

    def _chance(self, what: str, rate: float, count: int) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = (
            Stream(self.settings.seed, f"archive/{what}").uniform(np.arange(count)) < rate
        )
        return result

    def _service_points(self, archive: Path, faults: list[ArchiveFault]) -> None:
        premises, network, dirt = self.premises, self.network, self.settings.dirt
        nowhere = self._chance("position", dirt.position_missing, len(premises))
        loose = self._chance("transformer", dirt.transformer_missing, len(premises))
        feeders, regions = network.feeder_of_premise().tolist(), network.region_of_premise()
        rows: list[Row] = []
        for who, name in enumerate(premises.service_point_id):
            transformer: str | None = network.transformer_id[int(network.transformer_of_premise[who])]
            latitude, longitude = network.premise_position[who].tolist()
            if nowhere[who]:
                faults.append(
                    ArchiveFault("service_point", name, "LAT,LON", "missing", f"{latitude},{longitude}")
                )
                latitude = longitude = None
            if loose[who]:
                faults.append(ArchiveFault("service_point", name, "TG_ID", "missing", str(transformer)))
                transformer = None
            capacity = float(premises.capacity_kva[who])
            connected = date.fromordinal(int(premises.connected[who]))
            feeder, level = network.feeder_id[feeders[who]], voltage_level(capacity)
            place = (regions[who], transformer, feeder, latitude, longitude)
            rows.append((name, *place, level, capacity, known_at(connected, 0)))
        columns = "SP_ID REGION_ID TG_ID LINE_ID LAT LON VOLT_LEVEL CAPACITY_KVA UPDATED_AT"
        write_csv(archive / "service_point.csv", columns, rows)

    def _customers(self, archive: Path, faults: list[ArchiveFault]) -> None:
        contracts, seed, dirt = self.contracts, self.settings.seed, self.settings.dirt
        number = 2 * contracts.premise + contracts.later
        drawn = Stream(seed, "archive/class").uniform(number)
        other = Stream(seed, "archive/other class").choice([1] * (len(CLASSES) - 1), number)
        twice = Stream(seed, "archive/twice").uniform(number) < dirt.customer_duplicate
        care = (Stream(seed, "archive/care").uniform(number) < 0.03).tolist()
        uncoded = (Stream(seed, "archive/uncoded").uniform(number) < 0.05).tolist()
        regions = self.network.region_of_premise()
        rows: list[Row] = []
        for row, name in enumerate(contracts.customer_id):
            premise = int(contracts.premise[row])
            code = int(self.premises.traits.class_code[premise])
            said: str | None = CLASSES[code]
            if drawn[row] < dirt.class_missing:
                faults.append(ArchiveFault("customer", name, "CUST_CLASS", "missing", CLASSES[code]))
                said = None
            elif drawn[row] < dirt.class_missing + dirt.class_wrong:
                faults.append(ArchiveFault("customer", name, "CUST_CLASS", "wrong", CLASSES[code]))
                said = CLASSES[(code + 1 + int(other[row])) % len(CLASSES)]
            industry = None if uncoded[row] else INDUSTRY_CODES.get(CLASSES[code])
            opened = date.fromordinal(int(contracts.begins[row]))
            vulnerable = ("Y" if care[row] else "N") if code == 0 else None
            record = (name, said, industry, regions[premise], opened, vulnerable, None, known_at(opened))
            rows.append(record)
            if twice[row]:
                faults.append(ArchiveFault("customer", name, "", "duplicate", ""))
                rows.append(record)
        columns = "CUST_ID CUST_CLASS INDUSTRY_CODE REGION_ID OPEN_DATE SPECIAL_CARE SOURCE_GROUP UPDATED_AT"
        write_csv(archive / "customer.csv", columns, rows)

    def _accounts(self, archive: Path) -> None:
        contracts, rows = self.contracts, list[Row]()
        for row, account in enumerate(contracts.account_id):
            opened, closed = self._validity(row)
            head = (account, contracts.customer_id[row], opened)
            rows.append((*head, None, "active", known_at(opened)))
            if closed is not None:
                rows.append((*head, closed, "closed", known_at(closed)))
        write_csv(
            archive / "account.csv",
            "ACCT_ID CUST_ID OPEN_DATE CLOSE_DATE STATUS UPDATED_AT",
            rows,
        )

    def _contracts(self, archive: Path) -> None:
        contracts = self.contracts
        rows, assigned = list[Row](), list[Row]()
        for row, contract in enumerate(contracts.contract_id):
            begins, ends = self._validity(row)
            premise, tariff = int(contracts.premise[row]), contracts.tariff_id[row]
            point, kva = self.premises.service_point_id[premise], float(self.premises.capacity_kva[premise])
            head = (contract, contracts.account_id[row], point, begins)
            for until, updated in ((None, begins), *(((ends, ends),) if ends is not None else ())):
                rows.append((*head, until, tariff, kva, known_at(updated)))
                assigned.append((contract, tariff, begins, until, known_at(updated)))
            for day, name, closed in self._changes(row, begins):
                rows.append((*head, None, name, kva, known_at(day)))
                assigned.append((contract, *closed, day, known_at(day)))
                assigned.append((contract, name, day, None, known_at(day)))
        columns = "CONTRACT_ID ACCT_ID SP_ID BEGIN_DATE END_DATE TARIFF_ID CAPACITY_KVA UPDATED_AT"
        write_csv(archive / "contract.csv", columns, rows)
        write_csv(
            archive / "tariff_assignment.csv",
            "CONTRACT_ID TARIFF_ID BEGIN_DATE END_DATE UPDATED_AT",
            assigned,
        )

    def _changes(self, row: int, begins: date) -> Iterator[tuple[date, str, tuple[str, date]]]:
        """Changes of tariff: the day, the new tariff, and the assignment (tariff, begin) that ends that day."""
        enrolment = self.enrolments.get(row)
        if enrolment is None or enrolment.offer.name is None:
            return
        own, offered, since = self.contracts.tariff_id[row], enrolment.offer.name, enrolment.since
        if since <= self.settings.last_day.toordinal():
            yield date.fromordinal(since), offered, (own, begins)
        if enrolment.until <= self.settings.last_day.toordinal():
            yield date.fromordinal(enrolment.until), own, (offered, date.fromordinal(since))

    def _validity(self, row: int) -> tuple[date, date | None]:
        ends = int(self.contracts.ends[row])
        begins = date.fromordinal(int(self.contracts.begins[row]))
        return begins, None if ends == NEVER else date.fromordinal(ends)

    def _meters(self, archive: Path) -> None:
        columns = "METER_ID SP_ID CHANNELS INTERVAL_MIN CT_RATIO PT_RATIO INSTALL_DATE UPDATED_AT"
        rows = (row for who in range(len(self.premises)) for row in self._meter_states(who))
        write_csv(archive / "meter.csv", columns, rows)

    def _meter_states(self, who: int) -> Iterator[Row]:
        """A premise's meter as installed, the one that took over, and the one whose current transformers changed."""
        premises, minutes = self.premises, self.settings.interval_minutes
        channels = ",".join(CHANNEL_SETS[int(premises.channels[who])])
        pt_ratio = 100.0 if voltage_level(float(premises.capacity_kva[who])) == "10kV" else None
        connected, exchanged, changed = (
            int(d[who]) for d in (premises.connected, premises.exchanged, premises.ct_changed)
        )
        for since, day, late in (
            (connected, connected, 0),
            (exchanged, exchanged, self._paper_days(who)),
            (exchanged if changed >= exchanged else connected, changed, 40),
        ):
            if day < NEVER:
                head = (self._meter_on(who, day), premises.service_point_id[who], channels, minutes)
                ratio, installed = self._ratio_on(who, day), date.fromordinal(since)
                yield (*head, ratio, pt_ratio, installed, known_at(date.fromordinal(day), late))

    def _meter_history(self, archive: Path) -> None:
        rows: list[Row] = []
        for who, point in enumerate(self.premises.service_point_id):
            events = self._events(who)
            for index, (day, reason) in enumerate(events):
                late = self._paper_days(who) if reason == "exchanged" else 1
                begins, ratio = date.fromordinal(day), self._ratio_on(who, day)
                head = (self._meter_on(who, day), point, begins)
                rows.append((*head, None, reason, ratio, known_at(begins, late)))
                if index + 1 < len(events):
                    ends = date.fromordinal(events[index + 1][0])
                    rows.append(
                        (*head, ends, reason, ratio, known_at(max(ends, begins + timedelta(days=late)), 1))
                    )
        columns = "METER_ID SP_ID BEGIN_DATE END_DATE REASON CT_RATIO UPDATED_AT"
        write_csv(archive / "meter_history.csv", columns, rows)

    def _events(self, who: int) -> list[tuple[int, str]]:
        """What happened at a premise, by day; of two events on one day the first of this list counts."""
        premises = self.premises
        dated = {int(premises.connected[who]): "installed"}
        for days, reason in (
            (premises.exchanged, "exchanged"),
            (premises.vacant_from, "move_out"),
            (premises.vacant_until, "move_in"),
            (premises.ct_changed, "ct_change"),
        ):
            if days[who] < NEVER:
                dated.setdefault(int(days[who]), reason)
        return sorted(dated.items())

    def _meter_on(self, who: int, day: int) -> str:
        after = day >= int(self.premises.exchanged[who])
        return self.premises.second_meter_id[who] if after else self.premises.meter_id[who]

    def _ratio_on(self, who: int, day: int) -> float | None:
        after = day >= int(self.premises.ct_changed[who])
        return _number((self.premises.ct_ratio_after if after else self.premises.ct_ratio)[who])

    def _paper_days(self, who: int) -> int:
        """Days until an exchange reaches the archive: the paper form travels."""
        return 1 + int(Stream(self.settings.seed, "exchange form").uniform(who)[0] * 30.0)

    def _contacts(self, personal: Path) -> None:
        contacts = draw_contacts(self.settings, self.premises, self.network, self.contracts)
        rows: list[Row] = []
        for row, contact in enumerate(contacts):
            opened, _ = self._validity(row)
            how = (contact.name, contact.phone, contact.email, contact.address, contact.language)
            rows.append((self.contracts.customer_id[row], *how, known_at(opened)))
        write_csv(personal / "contact.csv", CONTACT_COLUMNS, rows)


def voltage_level(capacity_kva: float) -> str:
    """The level a capacity is connected at."""
    if capacity_kva >= 100.0:
        return "10kV"
    return "0.38kV" if capacity_kva > 16.0 else "0.22kV"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
