"""Each customer's own past year priced under a present and an offered tariff: who saves, who loses, by how much.

Method, rule for missing readings and its uncertainty: docs/methods/tariff-bills.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from gridloop.domain.errors import UsageError
from gridloop.domain.finding import NotComputable
from gridloop.domain.interval import CivilDay
from gridloop.domain.reading import Channel
from gridloop.domain.tables import table
from gridloop.engine.readings import ReadingUnit, reading_span, reading_units
from gridloop.engine.schema import arrow_schema
from gridloop.strategy.holdings import Holding, Stay, holdings
from gridloop.strategy.metered_use import Held, MeteredUse, ReadingRules, metered_use
from gridloop.strategy.price_maps import PriceMaps, price_maps
from gridloop.strategy.tariff.bill import Bills, Use, month_parts, price_use, year_ending
from gridloop.strategy.tariff.model import Tariff

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView

NORMAL_95 = 1.96
"""Standard deviations on either side that hold 95 % of a normal distribution."""

REASONS: Mapping[str, NotComputable] = {
    code: NotComputable(code, text)
    for code, text in {
        "other_tariff": "The contract is on another tariff than the one that is compared.",
        "net_metered": "The meter records net energy, whose price net-metering rules decide; not supported yet.",
        "too_few_days": "The customer was not at this place for the whole year.",
        "low_coverage": "Too few days of the year have half of their readings.",
        "gap_too_long": "A gap is so long that the month has no readings at that time of day to fill it from.",
        "no_price": "The price series of an event-priced tariff does not cover the year.",
        "no_capacity": "A tariff charges contracted capacity, and the contract states none.",
    }.items()
}
"""Why a year cannot be priced, in the order in which it is checked."""


class RepricingSettings(BaseModel):
    """What repricing may be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_coverage: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Share of the year's days that must be usable (CalTRACK: 37 of 365 may be missing).",
    )
    usable_day_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of its intervals that makes a day usable (CalTRACK: half).",
    )
    least_donors: int = Field(
        default=3, ge=2, description="Readings at the same time of day that filling a missing one needs."
    )
    use_suspects: bool = Field(
        default=False,
        description="Whether suspect values are priced as they are instead of filled like gaps.",
    )
    assume_base: bool = Field(
        default=False,
        description="Price contracts on another or no known tariff as if they were on the base.",
    )


@dataclass(frozen=True)
class Repricing:
    """What an offer would have meant to each customer.

    Attributes:
        rows: table `offer_value`, one row a customer and service point; amounts null where `reason` says why.
        months: contract_id, month (its first day in the window), energy_wh, bill_now, bill_offered, saving.
        support: contract_id, coverage (share of intervals read), filled_intervals, filled_wh and `saving_margin`: half
            the width of the 95 % interval that filling gives the saving, in the currency.
        winners, losers, unchanged: contracts whose saving is above, below and exactly zero.
        undecided: winners and losers whose margin reaches across zero.
        reasons: contracts not computed, by reason.
        largest_loser: contract and its saving, the most negative; None when nobody loses.
        total_saving: sum over all that were computed.
    """

    rows: pa.Table
    months: pa.Table
    support: pa.Table
    winners: int
    losers: int
    unchanged: int
    undecided: int
    reasons: Mapping[str, int]
    largest_loser: tuple[str, Decimal] | None
    total_saving: Decimal

    @property
    def computed(self) -> int:
        """Contracts with a saving."""
        return self.winners + self.losers + self.unchanged


@dataclass(frozen=True)
class _Year:
    """Everything that pricing needs besides the settings."""

    base: Tariff
    offer: Tariff
    rules: ReadingRules
    maps: Mapping[int, PriceMaps]
    held: Sequence[Holding]
    stays: Sequence[Stay]

    def with_channel(self, channel: Channel) -> frozenset[int]:
        """Holdings with a meter that records this channel."""
        return frozenset(stay.holding for stay in self.stays if channel.value in stay.channels)

    @property
    def start(self) -> date:
        return self.rules.months[0].first

    @property
    def last(self) -> date:
        return self.start + timedelta(days=self.rules.days - 1)


def reprice(
    view: LakeView,
    base: Tariff,
    offer: Tariff,
    settings: RepricingSettings | None = None,
    *,
    threads: int = 2,
    progress: Callable[[str, int, int], None] | None = None,
) -> Repricing:
    """Price every customer's last year under both tariffs, use unchanged.

    The year ends with the last day that has a reading in the tariffs' zone: 365 days, or 366 where it holds a
    29 February. A customer is priced at each service point for all meters that stood there.

    Args:
        view: readings, contracts, calendar and price series, as known at its point of knowledge.
        base: the present tariff.
        offer: the offered one.
        settings: see `RepricingSettings`.
        threads: buckets read at once.
        progress: told (which channel is read, buckets done, buckets in all).

    Raises:
        UsageError: the tariffs differ in currency, zone or tax, their currency is not the workspace's, there are no
            readings in their zone, or see `price_map`.
    """
    chosen = settings or RepricingSettings()
    _check_comparable(view, base, offer)
    units = [u for u in reading_units(view, Channel.IMPORT_WH) if u.zone == base.zone]
    if not units:
        raise _no_readings(base)
    year = _year(view, base, offer, chosen, units)
    net = year.with_channel(Channel.NET_WH)
    reasons = [_reason_before(year, h, place in net, chosen) for place, h in enumerate(year.held)]
    wanted = Held([stay for stay in year.stays if reasons[stay.holding] is None], len(year.held))

    def measure(channel: Channel, maps: Mapping[int, PriceMaps]) -> MeteredUse:
        told = None if progress is None else partial(progress, channel.value)
        return metered_use(view, channel, wanted, maps, year.rules, threads=threads, progress=told)

    taken = measure(Channel.IMPORT_WH, year.maps)
    fed = None
    if base.export is not None or offer.export is not None:
        gap = abs(_export_rate(base) - _export_rate(offer))
        fed = measure(Channel.EXPORT_WH, {m: each.flat(float(gap)) for m, each in year.maps.items()})
    exporters = year.with_channel(Channel.EXPORT_WH)
    for place, reason in enumerate(reasons):
        measured = [taken, fed] if fed is not None and place in exporters else [taken]
        reasons[place] = reason or _reason_after(measured, place, year, chosen)
    exported = None if fed is None else fed.wh[0][:, :, 0]
    capacity = np.array([round((h.capacity_kva or 0) * 1000) for h in year.held], np.int64)
    now, offered = (
        price_use(tariff, Use(year.rules.months, wh, exported, capacity))
        for tariff, wh in zip((base, offer), taken.wh, strict=True)
    )
    return _tabled(year, reasons, now, offered, [taken] if fed is None else [taken, fed])


def offer_values(priced: Sequence[Repricing]) -> pa.Table:
    """Rows of table `offer_value` of several repricings, one a contract and offer.

    Where an offer was priced in place of several base tariffs, a contract keeps the row of the tariff that it is on.
    """
    rows = pa.concat_tables([arrow_schema(table("offer_value")).empty_table(), *(p.rows for p in priced)])
    # what was computed goes before what was not, and any other reason before `other_tariff`
    elsewhere = pc.fill_null(pc.equal(rows["reason"], "other_tariff"), False)
    rank = pc.add(pc.is_valid(rows["reason"]).cast(pa.int8()), elsewhere.cast(pa.int8()))
    place = pa.array(np.arange(rows.num_rows))
    ranked = pa.table(
        {"contract_id": rows["contract_id"], "offer_id": rows["offer_id"], "rank": rank, "place": place}
    ).sort_by([("rank", "ascending"), ("place", "ascending")])
    first = ranked.group_by(["contract_id", "offer_id"], use_threads=False).aggregate([("place", "first")])
    return rows.take(first["place_first"].sort())


def _check_comparable(view: LakeView, base: Tariff, offer: Tariff) -> None:
    for name in ("currency", "zone", "tax"):
        if getattr(base, name) != getattr(offer, name):
            raise UsageError(
                f"Tariffs {base.name!r} and {offer.name!r} cannot be compared: their {name} differs.",
                evidence={base.name: getattr(base, name), offer.name: getattr(offer, name)},
            )
    currency = view.lake.workspace.config.currency
    if base.currency != currency:
        raise UsageError(
            f"Tariff {base.name!r} is not in the currency of this workspace.",
            evidence={"tariff": base.currency, "workspace": currency},
        )


def _year(
    view: LakeView, base: Tariff, offer: Tariff, settings: RepricingSettings, units: Sequence[ReadingUnit]
) -> _Year:
    measures = {unit.interval_minutes: unit for unit in units}
    spans = [span for unit in measures.values() if (span := reading_span(view, unit)) is not None]
    if not spans:
        raise _no_readings(base)
    last = max(span[1] for span in spans)
    start = year_ending(last)
    days = (last - start).days + 1
    rules = ReadingRules(
        month_parts(start, days), settings.usable_day_share, settings.least_donors, settings.use_suspects
    )
    held, stays = holdings(view, start, days)
    return _Year(base, offer, rules, price_maps(view, (base, offer), start, days, measures), held, stays)


def _no_readings(base: Tariff) -> UsageError:
    return UsageError(
        "There are no readings to price.",
        evidence={"channel": Channel.IMPORT_WH.value, "zone of the tariffs": base.zone},
        ways_out=("Import readings.", "Choose tariffs of the readings' zone."),
    )


def _reason_before(
    year: _Year, holding: Holding, net_metered: bool, settings: RepricingSettings
) -> str | None:
    """Why a holding cannot be priced, as far as it shows before anything is read."""
    if not settings.assume_base and not year.base.is_assigned(holding.tariff_id):
        return "other_tariff"
    if net_metered:
        return "net_metered"
    if holding.days < year.rules.days:
        return "too_few_days"
    if (year.base.capacity or year.offer.capacity) and not holding.capacity_kva:
        return "no_capacity"
    return "no_price" if any(each.unpriced for each in year.maps.values()) else None


def _reason_after(
    measured: Sequence[MeteredUse], place: int, year: _Year, settings: RepricingSettings
) -> str | None:
    """Why a holding cannot be priced, as the readings show."""
    usable = np.logical_and.reduce([use.usable[place] for use in measured])
    if usable.sum() < settings.minimum_coverage * year.rules.days:
        return "low_coverage"
    return "gap_too_long" if any(use.unfilled[place] for use in measured) else None


def _export_rate(tariff: Tariff) -> Decimal:
    return Decimal(0) if tariff.export is None else tariff.export.rate


def _tabled(
    year: _Year, reasons: Sequence[str | None], now: Bills, offered: Bills, measured: Sequence[MeteredUse]
) -> Repricing:
    """The results as tables and counts."""
    done = np.array([reason is None for reason in reasons], np.bool_)
    paid, other = _micro(now), _micro(offered)
    saving = (paid - other).sum(axis=1)
    margin = np.where(done, NORMAL_95 * np.sqrt(np.sum([use.variance for use in measured], axis=0)), np.nan)
    decided = done & (np.abs(saving) / 1e6 > margin)
    worst = int(np.argmin(np.where(done, saving, 0))) if done.any() else 0
    loses = bool(done.any() and saving[worst] < 0)
    return Repricing(
        rows=_offer_rows(year, reasons, done, paid.sum(axis=1), other.sum(axis=1), measured),
        months=_month_rows(year, done, paid, other, now.energy_wh),
        support=_support_rows(year, margin, measured),
        winners=int((done & (saving > 0)).sum()),
        losers=int((done & (saving < 0)).sum()),
        unchanged=int((done & (saving == 0)).sum()),
        undecided=int((done & (saving != 0) & ~decided).sum()),
        reasons=dict(Counter(reason for reason in reasons if reason is not None)),
        largest_loser=(year.held[worst].contract_id, _decimal(saving[worst])) if loses else None,
        total_saving=_decimal(saving[done].sum()),
    )


def _offer_rows(
    year: _Year,
    reasons: Sequence[str | None],
    done: NDArray[np.bool_],
    paid: NDArray[np.int64],
    other: NDArray[np.int64],
    measured: Sequence[MeteredUse],
) -> pa.Table:
    """Rows of table `offer_value`."""
    size = len(year.held)
    known = max(use.known_us for use in measured)
    as_of = pa.scalar(known, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    if known < 0:
        as_of = pa.scalar(CivilDay(year.last, year.base.zone).end, pa.timestamp("us", tz="UTC"))
    columns = {
        "contract_id": pa.array([h.contract_id for h in year.held], pa.string()),
        "customer_id": pa.array([h.customer_id for h in year.held], pa.string()),
        "offer_id": pa.repeat(pa.scalar(year.offer.name), size),
        "window_start": pa.repeat(pa.scalar(year.start, pa.date32()), size),
        "window_end": pa.repeat(pa.scalar(year.last, pa.date32()), size),
        "as_of": pa.repeat(as_of, size),
        "bill_now": _money(paid, done),
        "bill_offered": _money(other, done),
        "saving": _money(paid - other, done),
        "utility_value": pa.nulls(size, pa.decimal128(18, 6)),
        "days_used": pa.array(measured[0].usable.sum(axis=1).astype(np.int32)),
        "reason": pa.array(list(reasons), pa.string()),
    }
    return pa.table(columns).cast(arrow_schema(table("offer_value")))


def _month_rows(
    year: _Year,
    done: NDArray[np.bool_],
    paid: NDArray[np.int64],
    other: NDArray[np.int64],
    energy_wh: NDArray[np.int64],
) -> pa.Table:
    """The months of the contracts that could be priced."""
    months = year.rules.months
    names = [h.contract_id for h, computed in zip(year.held, done, strict=True) if computed]
    paid, other = paid[done].ravel(), other[done].ravel()
    everything = np.ones(paid.shape, np.bool_)
    return pa.table(
        {
            "contract_id": pa.array(np.repeat(np.array(names, object), len(months)), pa.string()),
            "month": pa.array([part.first for part in months] * len(names), pa.date32()),
            "energy_wh": pa.array(energy_wh[done].ravel()),
            "bill_now": _money(paid, everything),
            "bill_offered": _money(other, everything),
            "saving": _money(paid - other, everything),
        }
    )


def _support_rows(year: _Year, margin: NDArray[np.float64], measured: Sequence[MeteredUse]) -> pa.Table:
    """What each contract's numbers rest on."""
    taken = measured[0]
    share = np.divide(
        taken.present, taken.expected, out=np.full(len(year.held), np.nan), where=taken.expected > 0
    )
    return pa.table(
        {
            "contract_id": pa.array([h.contract_id for h in year.held], pa.string()),
            "days_held": pa.array([h.days for h in year.held], pa.int32()),
            "coverage": pa.array(share, from_pandas=True),
            "filled_intervals": pa.array(sum(use.filled for use in measured)),
            "filled_wh": pa.array(taken.filled_wh),
            "saving_margin": pa.array(margin, from_pandas=True),
        }
    )


def _micro(bills: Bills) -> NDArray[np.int64]:
    """int64[holdings, months] in millionths of the currency."""
    return bills.monthly * int(bills.tariff.rounding.to * 1_000_000)


def _decimal(micro: int | np.int64) -> Decimal:
    return Decimal(int(micro)).scaleb(-6)


def _money(micro: NDArray[np.int64], valid: NDArray[np.bool_]) -> pa.Array:
    """decimal(18, 6) from millionths, null where not valid: two's complement, low half first, as Arrow keeps it."""
    halves = np.stack([micro, micro >> 63], axis=-1).astype("<i8")
    bitmap = pa.array(valid).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(18, 6), len(micro), [bitmap, pa.py_buffer(halves.tobytes())])
