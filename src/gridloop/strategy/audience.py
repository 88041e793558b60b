"""Whom a play is for: each account that its rule names, selected or left out with the first reason that applies.

Reasons and their meaning: docs/methods/playbooks.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.insight.segments.contactable import consents_at
from gridloop.insight.tags.rule_evaluate import compile_rule
from gridloop.strategy.facts import LedgerFacts
from gridloop.strategy.playbook.model import Exclusion
from gridloop.strategy.playbook.store import CheckedPlay

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

Flags = NDArray[np.bool_]

NO_CHANNEL = "no_channel"
"""Reason of whom no exclusion of the play leaves out but no channel may reach; the last one of all."""

MONEY = pa.decimal128(18, 6)


def select_audience(
    view: LakeView,
    play: CheckedPlay,
    facts: LedgerFacts,
    customers: pa.Table,
    at: datetime,
    channels: Sequence[str] = (),
) -> pa.Table:
    """One row for each account whose customer meets the play's rule.

    Args:
        view: tables account, contract, customer, tariff_assignment, consent, offer_value.
        play: see `playbook.store.check_play`.
        facts: what the ledger knows at `at`.
        customers: one row a customer with the columns that rules name: `insight.tags.build.Tags.customers`.
        at: the present, aware; its civil day in the workspace's zone is the day that checks speak of.
        channels: those of the play in another order of preference; the play's own when not given.

    Returns:
        by account_id: account_id, customer_id, region_id, saving (decimal, a year, over the account's contracts in
        force; null when not all are priced), channel (the first that may be used; null when none), reason (null: it is
        selected).
    """
    accounts = _considered(view, play, customers)
    checks = _Checks(view, play, facts, accounts, at)
    reasons = np.full(accounts.num_rows, None, object)
    for name, leaves_out in checks.in_order():
        reasons[leaves_out & (reasons == None)] = name  # noqa: E711 - element-wise
    channel = np.full(accounts.num_rows, None, object)
    for name in reversed(channels or play.playbook.contact.channels):
        channel[checks.usable[name]] = name
    reasons[(channel == None) & (reasons == None)] = NO_CHANNEL  # noqa: E711 - element-wise
    return pa.table(
        {
            "account_id": accounts["account_id"],
            "customer_id": accounts["customer_id"],
            "region_id": accounts["region_id"],
            "saving": checks.saving,
            "channel": pa.array(channel, pa.string()),
            "reason": pa.array(reasons, pa.string()),
        }
    )


def _considered(view: LakeView, play: CheckedPlay, customers: pa.Table) -> pa.Table:
    """The accounts whose customer meets the rule, by id, each with what the play's other rules say of the customer."""
    import ibis

    known = ibis.memtable(customers)
    said = {f"rule_{name}": compile_rule(rule, known) for name, rule in play.rules.items()}
    asked = known.select("customer_id", **said).to_pyarrow()
    register = view.arrow("customer", columns=("customer_id", "region_id", "since"))
    accounts = view.arrow("account", columns=("account_id", "customer_id", "opened", "closed"))
    place = pc.index_in(accounts["customer_id"].combine_chunks(), asked["customer_id"].combine_chunks())
    for name in said:
        accounts = accounts.append_column(name, pc.fill_null(asked[name].take(place), False))
    place = pc.index_in(accounts["customer_id"].combine_chunks(), register["customer_id"].combine_chunks())
    for name in ("region_id", "since"):
        accounts = accounts.append_column(name, register[name].take(place))
    return accounts.filter(accounts["rule_audience"]).sort_by("account_id").combine_chunks()


@dataclass(frozen=True)
class _Checks:
    """Who each check leaves out: bool[accounts], in the order of `accounts`."""

    view: LakeView
    play: CheckedPlay
    facts: LedgerFacts
    accounts: pa.Table
    at: datetime

    def in_order(self) -> Iterator[tuple[str, Flags]]:
        """Name and flags of every exclusion of the play."""
        for exclusion in self.play.playbook.exclusions:
            if exclusion.rule is not None:
                yield exclusion.name, _flags(self.accounts[f"rule_{exclusion.name}"])
            else:
                check: Any = getattr(self, f"_{exclusion.check}")
                yield exclusion.name, check(exclusion)

    @cached_property
    def day(self) -> date:
        """The civil day of the present."""
        return self.at.astimezone(ZoneInfo(self.view.lake.workspace.config.zone)).date()

    @cached_property
    def contracts(self) -> pa.Table:
        """Contracts of the accounts that are in force on the day, with `place` of their account."""
        names = ("contract_id", "account_id", "service_point_id", "valid_from", "valid_to", "tariff_id")
        rows = self.view.arrow("contract", columns=names)
        rows = rows.filter(_in_force(rows, self.day))
        rows = rows.append_column("place", pc.index_in(rows["account_id"], self._ids("account_id")))
        rows = rows.filter(pc.is_valid(rows["place"]))
        # a renewal does not always close what it renews: the latest of an account at a service point counts
        rows = rows.sort_by([("valid_from", "descending"), ("contract_id", "descending")])
        where = pc.binary_join_element_wise(
            rows["account_id"], rows["service_point_id"], "/"
        ).combine_chunks()
        first = pc.equal(pc.index_in(where, where), pa.array(np.arange(len(where)), pa.int32()))
        return rows.filter(first).combine_chunks()

    @cached_property
    def saving(self) -> pa.Array:
        """What each account would save a year: the sum over its contracts in force; null when one is not priced."""
        offers = self.view.arrow(
            "offer_value", columns=("contract_id", "offer_id", "window_end", "as_of", "saving")
        )
        offers = offers.filter(pc.equal(offers["offer_id"], self.play.playbook.offer.tariff))
        newest = offers.sort_by([("window_end", "descending"), ("as_of", "descending")])
        # index_in answers with the first place, which is the newest row
        place = pc.index_in(self.contracts["contract_id"], newest["contract_id"].combine_chunks())
        priced = pa.table({"place": self.contracts["place"], "saving": newest["saving"].take(place)})
        sums = priced.group_by("place").aggregate(
            [("saving", "sum"), ("saving", "count"), ("place", "count")]
        )
        sums = sums.filter(pc.equal(sums["saving_count"], sums["place_count"]))
        every = pa.array(np.arange(self.accounts.num_rows), pa.int32())
        place = pc.index_in(every, sums["place"].combine_chunks())
        return sums["saving_sum"].combine_chunks().take(place).cast(MONEY)

    @cached_property
    def consented(self) -> dict[str, Flags]:
        """Who has consented to the purpose, by channel of the play."""
        contact = self.play.playbook.contact
        consents = consents_at(self.view, contact.purpose, self.at)
        granted = {} if isinstance(consents, NotComputable) else consents.by_channel
        return {
            name: self._customer_in(pa.array(sorted(granted.get(name, ())), pa.string()))
            for name in contact.channels
        }

    @cached_property
    def refused(self) -> dict[str, Flags]:
        """Who has unsubscribed from the purpose, by channel of the play."""
        contact, rows = self.play.playbook.contact, self.facts.unsubscribes
        rows = rows.filter(pc.fill_null(pc.equal(rows["purpose"], contact.purpose), True))
        found: dict[str, Flags] = {}
        for name in contact.channels:
            of_it = rows.filter(pc.fill_null(pc.equal(rows["channel"], name), True))
            found[name] = self._customer_in(of_it["customer_id"])
        return found

    @cached_property
    def usable(self) -> dict[str, Flags]:
        """Who may be reached, by channel: consented, not unsubscribed, nothing came back."""
        rows = self.facts.bounces
        return {
            name: self.consented[name]
            & ~self.refused[name]
            & ~self._customer_in(rows.filter(pc.equal(rows["channel"], name))["customer_id"])
            for name in self.play.playbook.contact.channels
        }

    def _account_closed(self, _: Exclusion) -> Flags:
        closed = _flags(pc.fill_null(pc.less_equal(self.accounts["closed"], self.day), False))
        return closed | ~self._with_contract(np.ones(self.contracts.num_rows, np.bool_))

    def _short_tenure(self, exclusion: Exclusion) -> Flags:
        first = self.view.arrow("contract", columns=("account_id", "valid_from"))
        first = first.group_by("account_id").aggregate([("valid_from", "min")]).combine_chunks()
        place = pc.index_in(self._ids("account_id"), first["account_id"].combine_chunks())
        began = pc.coalesce(
            self.accounts["opened"], first["valid_from_min"].take(place), self.accounts["since"]
        )
        limit = self.day - timedelta(days=exclusion.days or 0)
        return _flags(pc.fill_null(pc.greater(began, limit), True))

    def _other_tariff(self, _: Exclusion) -> Flags:
        assigned = self.view.arrow(
            "tariff_assignment", columns=("contract_id", "tariff_id", "valid_from", "valid_to")
        )
        assigned = assigned.filter(_in_force(assigned, self.day)).sort_by([("valid_from", "descending")])
        place = pc.index_in(self.contracts["contract_id"], assigned["contract_id"].combine_chunks())
        present = pc.coalesce(assigned["tariff_id"].take(place), self.contracts["tariff_id"])
        away = [not self.play.base.is_assigned(tariff) for tariff in present.to_pylist()]
        taken_up = self.facts.enrolments
        elsewhere = pc.not_equal(taken_up["tariff_id"], self.play.playbook.offer.base)
        taken_up = taken_up.filter(pc.fill_null(elsewhere, False))
        enrolled = _flags(pc.is_in(self._ids("account_id"), taken_up["account_id"].combine_chunks()))
        return self._with_contract(np.array(away, np.bool_)) | enrolled

    def _not_priced(self, _: Exclusion) -> Flags:
        return _flags(pc.is_null(self.saving))

    def _saving_too_small(self, _: Exclusion) -> Flags:
        least = pa.scalar(self.play.playbook.offer.minimum_saving, MONEY)
        return _flags(pc.fill_null(pc.less(self.saving, least), False))

    def _no_consent(self, _: Exclusion) -> Flags:
        return np.asarray(~np.logical_or.reduce(list(self.consented.values())))

    def _unsubscribed(self, _: Exclusion) -> Flags:
        some = np.logical_or.reduce(list(self.refused.values()))
        left = [self.consented[name] & ~self.refused[name] for name in self.consented]
        return np.asarray(some & ~np.logical_or.reduce(left))

    def _contacted_lately(self, exclusion: Exclusion) -> Flags:
        rows = self.facts.contacts
        since = pa.scalar(self.at - timedelta(days=exclusion.days or 0), rows["at"].type)
        return self._customer_in(rows.filter(pc.greater(rows["at"], since))["customer_id"])

    def _in_running_campaign(self, _: Exclusion) -> Flags:
        return _flags(pc.is_in(self._ids("account_id"), self.facts.running["account_id"].combine_chunks()))

    def _ids(self, column: str) -> pa.Array:
        return self.accounts[column].combine_chunks()

    def _customer_in(self, ids: pa.Array | pa.ChunkedArray) -> Flags:
        values = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        return _flags(pc.is_in(self._ids("customer_id"), values))

    def _with_contract(self, flags: Flags) -> Flags:
        """Accounts that have a contract in force with the flag."""
        found = np.zeros(self.accounts.num_rows, np.bool_)
        found[self.contracts["place"].to_numpy()[flags]] = True
        return found


def _in_force(rows: pa.Table, day: date) -> pa.ChunkedArray:
    began = pc.less_equal(rows["valid_from"], day)
    return pc.and_(began, pc.fill_null(pc.greater(rows["valid_to"], day), True))


def _flags(values: pa.Array | pa.ChunkedArray) -> Flags:
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return np.asarray(flat.to_numpy(zero_copy_only=False), np.bool_)
