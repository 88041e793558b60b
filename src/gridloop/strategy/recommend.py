"""Who of an audience is worth contacting, in which order, and by which stratum the holdout is drawn.

Formulas and limits: docs/methods/playbooks.md.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.strategy.learning import Band, Lessons, gain_percent
from gridloop.strategy.playbook.model import Playbook

Float64 = NDArray[np.float64]
Texts = NDArray[np.object_]

LOSING_BAND, NO_VALUE, OVER_CAPACITY = "losing_band", "no_value", "over_capacity"
"""Reasons besides those of the play: a band that moved the wrong way, costs above worth, no room."""

LISTED = ("account_id", "customer_id", "stratum", "channel", "offer_id", "saving", "rank")
"""What a plan's list is: the columns that its digest covers."""

_CENT = Decimal("0.000001")


def recommend(
    play: Playbook, audience: pa.Table, baseline: pa.Table, lessons: Lessons, as_of: datetime
) -> pa.Table:
    """Rows of table `recommendation` of one play.

    Args:
        play: the play.
        audience: see `audience.select_audience`.
        baseline: see `measure.measure_accounts`, of the primary measure; an account that it lacks has no baseline.
        lessons: see `learning.learn`.
        as_of: the newest knowledge that it rests on.

    Returns:
        a row for each account of the audience, by account_id.
    """
    count = audience.num_rows
    place = pc.index_in(audience["account_id"].combine_chunks(), baseline["account_id"].combine_chunks())
    before = baseline["value"].combine_chunks().take(place)
    value = account_values(play, before, audience["saving"], audience["channel"], lessons)
    reasons = np.array(audience["reason"].to_pylist(), object)
    _leave_out(reasons, LOSING_BAND, _in_bands(lessons.dropped, audience["saving"], before))
    _leave_out(reasons, NO_VALUE, [worth is not None and worth < 0 for worth in value])
    order = _best_first(audience, value, reasons)
    most = (
        count
        if play.contact.capacity is None
        else contacts_to_units(play.contact.capacity, play.holdout.share)
    )
    reasons[order[most:]] = OVER_CAPACITY
    rank = np.full(count, None, object)
    rank[order[:most]] = range(1, len(order[:most]) + 1)
    selected = reasons == None  # noqa: E711 - element-wise
    strata = np.full(count, None, object)
    strata[selected] = draw_strata(
        play, audience.filter(pa.array(selected)), before.filter(pa.array(selected))
    )
    columns = {
        "playbook": pa.repeat(pa.scalar(play.name), count),
        "account_id": audience["account_id"],
        "customer_id": audience["customer_id"],
        "as_of": pa.repeat(pa.scalar(as_of, pa.timestamp("us", tz="UTC")), count),
        "decision": pa.array(np.where(selected, "selected", "excluded"), pa.string()),
        "reason": pa.array(reasons, pa.string()),
        "offer_id": pa.repeat(pa.scalar(play.offer.tariff), count),
        "saving": audience["saving"],
        "value": pa.array(value, pa.decimal128(18, 6)),
        "baseline": before,
        "unit": pa.repeat(pa.scalar(play.success.primary.unit), count),
        "stratum": pa.array(strata, pa.string()),
        "channel": audience["channel"],
        "rank": pa.array(rank, pa.int32()),
    }
    return pa.table(columns).cast(arrow_schema(table("recommendation")))


def account_values(
    play: Playbook,
    baseline: pa.Array,
    saving: pa.Array | pa.ChunkedArray,
    channel: pa.Array | pa.ChunkedArray,
    lessons: Lessons,
) -> list[Decimal | None]:
    """Expected net value to the utility of making the offer to each account, in the currency.

    Formula: per_kwh · baseline/1000 · horizon_days · gain/100 − contact_cost − (enrolment_cost + saving_borne · saving)
    · uptake, with the gain of `gain_percent`; None where the baseline is not known or the measure is no energy.

    Args:
        play: what success is worth and what trying costs.
        baseline: mean Wh a day before.
        saving: of the customer, a year.
        channel: that the offer would go by.
        lessons: effect and uptake that are expected.
    """
    if play.success.primary.kind != "energy":
        return [None] * len(baseline)
    kwh = play.value.horizon_days * gain_percent(play, lessons.effect.mean) / 100_000
    uptake = Decimal(str(lessons.uptake))
    found: list[Decimal | None] = []
    for wh, saved, name in zip(baseline.to_pylist(), saving.to_pylist(), channel.to_pylist(), strict=True):
        if wh is None:
            found.append(None)
            continue
        worth = play.value.per_kwh * Decimal(str(round(wh * kwh, 6)))
        contact = play.value.contact_cost[name] if name else Decimal(0)
        enrolled = play.value.enrolment_cost + play.value.saving_borne * (saved or Decimal(0))
        found.append((worth - contact - enrolled * uptake).quantize(_CENT))
    return found


def contacts_to_units(capacity: int, share: float) -> int:
    """Units to select so that those not held out are at most `capacity`: ⌊capacity / (1 − share)⌋."""
    return math.floor(capacity / (1.0 - share) + 1e-9)


def draw_strata(play: Playbook, audience: pa.Table, baseline: pa.Array) -> list[str | None]:
    """The stratum of each selected account, such as `baseline=2,saving=3`; alike for all accounts of a customer.

    Customers are cut into thirds by the sum over their selected accounts, because they are drawn as one.

    Args:
        play: says what the draw is balanced on.
        audience: selected accounts.
        baseline: of the same accounts.
    """
    owner, customers = _owners(audience)
    parts: list[Texts] = []
    for by in play.holdout.strata:
        if by == "region":
            first = np.full(customers, None, object)
            first[owner[::-1]] = audience["region_id"].to_pylist()[::-1]
            labels = np.array([name or "none" for name in first], object)
        else:
            labels = thirds(_customer_sums(by, audience, baseline))
        parts.append(np.array([f"{by}={label}" for label in labels], object))
    if not parts:
        return [None] * audience.num_rows
    joined = [",".join(labels) for labels in zip(*parts, strict=True)]
    return [joined[customer] for customer in owner]


def strata_bands(play: Playbook, selected: pa.Table) -> dict[str, list[float | None]]:
    """Smallest value of the second and of the third third, by what the draw was balanced on; None for an empty third.

    Args:
        play: as for `draw_strata`.
        selected: rows of `recommendation` that are selected.
    """
    found: dict[str, list[float | None]] = {}
    for by in play.holdout.strata:
        if by != "region":
            values = _customer_sums(by, selected, selected["baseline"].combine_chunks())
            labels = thirds(values)
            inside = [values[labels == str(third)] for third in (2, 3)]
            found[by] = [float(part.min()) if len(part) else None for part in inside]
    return found


def thirds(values: Float64) -> Texts:
    """`1` to `3` by 1 + ⌊3 · (known values that are smaller) / n⌋: equal values lie together; `none` for NaN."""
    labels = np.full(len(values), "none", object)
    known = np.flatnonzero(~np.isnan(values))
    smaller = np.searchsorted(np.sort(values[known]), values[known], side="left")
    labels[known] = [str(1 + 3 * int(below) // len(known)) for below in smaller]
    return labels


def list_digest(rows: pa.Table, playbook: str) -> str:
    """SHA-256 of the list that a plan stands for; equal for equal lists in any order.

    Each selected row of the play is one line: the columns `LISTED` in this order as text, absent ones empty, a saving
    with six decimals, with a tabulator between them; lines are sorted and end with a line feed (UTF-8).

    Args:
        rows: table `recommendation`.
        playbook: name of the play.
    """
    chosen = selected_rows(rows, playbook).select(LISTED).to_pylist()
    lines = sorted("\t".join(_text(row[name]) for name in LISTED) for row in chosen)
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def selected_rows(rows: pa.Table, playbook: str) -> pa.Table:
    """The rows of a play that are selected, best first."""
    wanted = pc.and_(pc.equal(rows["playbook"], playbook), pc.equal(rows["decision"], "selected"))
    return rows.filter(wanted).sort_by("rank")


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.6f}"
    return "" if value is None else str(value)


def _leave_out(reasons: Texts, name: str, flags: Iterable[bool]) -> None:
    reasons[np.fromiter(flags, np.bool_, len(reasons)) & (reasons == None)] = name  # noqa: E711 - element-wise


def _in_bands(bands: Iterable[Band], saving: pa.ChunkedArray, baseline: pa.Array) -> NDArray[np.bool_]:
    values: Mapping[str, Float64] = {"saving": _numbers(saving), "baseline": _numbers(baseline)}
    inside = np.zeros(len(baseline), np.bool_)
    for band in bands:
        column = values[band.by]
        low = -np.inf if band.low is None else band.low
        high = np.inf if band.high is None else band.high
        inside |= (column >= low) & (column < high)
    return inside


def _best_first(audience: pa.Table, value: list[Decimal | None], reasons: Texts) -> NDArray[np.int64]:
    """Places of those not left out, greatest value first, without a value last, equal ones by account."""
    names = audience["account_id"].to_pylist()
    chosen = [place for place, reason in enumerate(reasons) if reason is None]

    def place_in_list(place: int) -> tuple[bool, Decimal, str]:
        worth = value[place]
        return worth is None, -(worth or Decimal(0)), names[place]

    return np.array(sorted(chosen, key=place_in_list), np.int64)


def _owners(accounts: pa.Table) -> tuple[NDArray[np.int64], int]:
    """Place of each account's customer among the customers, and how many there are."""
    coded = accounts["customer_id"].combine_chunks().dictionary_encode()
    return coded.indices.to_numpy().astype(np.int64), len(coded.dictionary)


def _customer_sums(by: str, accounts: pa.Table, baseline: pa.Array) -> Float64:
    """Saving or baseline of each customer over their accounts; NaN where one is not known."""
    owner, count = _owners(accounts)
    values = _numbers(accounts["saving"] if by == "saving" else baseline)
    return np.bincount(owner, values, count).astype(np.float64)


def _numbers(values: pa.Array | pa.ChunkedArray) -> Float64:
    flat: Any = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return np.asarray(
        pc.fill_null(flat.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False), np.float64
    )
