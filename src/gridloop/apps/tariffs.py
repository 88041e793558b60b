"""What the `tariff` commands and pages answer: tariffs in words, and what an offer would mean to every customer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.strategy.repricing import Repricing
    from gridloop.strategy.tariff import Tariff
    from gridloop.strategy.tariff.model import ScheduleEntry

MOST_BARS = 12
"""Bars of a histogram beside the two open ones."""

_STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))


def tariff_rows(session: Session) -> list[dict[str, Any]]:
    """Every tariff that can be priced, with how many contracts are on it."""
    from gridloop.strategy.tariff import list_tariffs

    assigned = _contracts(session)
    return [
        {
            "tariff": tariff.name,
            "title": tariff.title.en,
            "title_zh": tariff.title.zh,
            "currency": tariff.currency,
            "zone": tariff.zone,
            "prices": ", ".join(f"{period} {rate}" for period, rate in tariff.energy.rates.items()),
            "blocks": None if tariff.tiers is None else f"{len(tariff.tiers.blocks)} a {tariff.tiers.per}",
            "contracts": sum(n for name, n in assigned.items() if tariff.is_assigned(name)),
            "invented": tariff.example,
        }
        for tariff in list_tariffs(session.workspace.root)
    ]


def _contracts(session: Session) -> dict[str | None, int]:
    """Contracts by the tariff that they name."""
    with closing(session.published()) as view:
        if not view.exists("contract"):
            return {}
        rows = view.table("contract")
        counted = rows.group_by("tariff_id").aggregate(n=rows.count()).to_pyarrow().to_pylist()
    return {row["tariff_id"]: row["n"] for row in counted}


def period_rows(tariff: Tariff) -> list[dict[str, Any]]:
    """Every period of a tariff with its price a kWh and when it holds, in words."""
    rows = []
    for period, rate in tariff.energy.rates.items():
        spans = [text for entry in tariff.energy.schedule if (text := _when(entry, period))]
        if period == tariff.energy.base_period:
            spans.append("all other time" if tariff.energy.schedule else "always")
        called = tariff.energy.events
        if called is not None:
            spans += [f"called as {label}" for label, named in called.labels.items() if named == period]
        rows.append({"period": period, "per_kwh": rate, "when": "; ".join(spans)})
    return rows


def _when(entry: ScheduleEntry, period: str) -> str:
    """When a period holds by one entry of the schedule; empty when the entry does not name it."""
    from gridloop.strategy.tariff.model import DayKind

    spans = [f"{_clock(b.start)}–{_clock(b.end)}" for b in entry.bands if b.period == period]
    if not spans:
        return ""
    limits = (
        [] if len(entry.days) == len(DayKind) else [" and ".join(f"{kind.value}s" for kind in entry.days)]
    )
    limits += [] if len(entry.months) == 12 else [f"months {', '.join(map(str, entry.months))}"]
    return ", ".join(spans) + (f" ({', '.join(limits)})" if limits else "")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def compare_tariffs(
    session: Session,
    base: str,
    offer: str,
    *,
    assume_base: bool = False,
    threads: int = 2,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Every customer's own past year under two tariffs, use unchanged: who would save, who would lose, by how much.

    Args:
        session: the workspace.
        base: the tariff that customers are on.
        offer: the one they would be offered.
        assume_base: price contracts on another or no known tariff too.
        threads: for kernels.
        progress: told (which channel is read, parts done, parts in all).

    Raises:
        UsageError: see `load_tariff` and `reprice`.
    """
    from gridloop.strategy.repricing import RepricingSettings, reprice
    from gridloop.strategy.tariff import load_tariff

    root = session.workspace.root
    now, offered = load_tariff(base, root), load_tariff(offer, root)
    settings = RepricingSettings(assume_base=assume_base)
    with closing(session.published()) as view:
        found = reprice(view, now, offered, settings, threads=threads, progress=progress)
    return _summary(found, now, offered) | {"contracts": contract_rows(found)}


def _summary(found: Repricing, base: Tariff, offer: Tariff) -> dict[str, Any]:
    from gridloop.strategy.repricing import REASONS

    savings = sorted(value for value in found.rows["saving"].to_pylist() if value is not None)
    spans = found.rows.select(["window_start", "window_end"]).slice(0, 1).to_pylist()
    return {
        "base": base.name,
        "offer": offer.name,
        "currency": offer.currency,
        "invented_prices": base.example or offer.example,
        **(spans[0] if spans else {"window_start": None, "window_end": None}),
        "computed": found.computed,
        "winners": found.winners,
        "losers": found.losers,
        "unchanged": found.unchanged,
        "undecided": found.undecided,
        "total_saving": found.total_saving if found.computed else None,
        "median_saving": savings[(len(savings) - 1) // 2] if savings else None,
        "largest_saving": savings[-1] if savings and savings[-1] > 0 else None,
        "largest_loss": None if found.largest_loser is None else -found.largest_loser[1],
        "largest_loser": None if found.largest_loser is None else found.largest_loser[0],
        "histogram": histogram(savings),
        "not_computable": [
            {"reason": code, "contracts": found.reasons[code], "because": why.reason}
            for code, why in REASONS.items()
            if code in found.reasons
        ],
    }


def contract_rows(found: Repricing) -> list[dict[str, Any]]:
    """What the offer would mean to each contract; largest loss first, those not computed last."""
    support = {row["contract_id"]: row for row in found.support.to_pylist()}
    rows = [
        {name: row[name] for name in ("contract_id", "customer_id", "bill_now", "bill_offered", "saving")}
        | {"saving_margin": support[row["contract_id"]]["saving_margin"]}
        | {name: row[name] for name in ("days_used", "reason")}
        for row in found.rows.to_pylist()
    ]
    return sorted(rows, key=lambda row: (row["saving"] is None, row["saving"] or 0, row["contract_id"]))


def histogram(savings: Sequence[Decimal]) -> list[dict[str, Any]]:
    """Savings counted in bars of equal, round width, of which zero is an edge; the first and last are open.

    Bars cover the middle 95 % of the savings, at most `MOST_BARS` of them.

    Args:
        savings: in the currency, ascending.

    Returns:
        `above` < saving ≤ `up_to`, None where open, and `contracts`.
    """
    if not savings:
        return []
    tail = len(savings) // 40
    low, high = min(savings[tail], Decimal(0)), max(savings[-1 - tail], Decimal(0))
    width = _round_width((high - low) / (MOST_BARS - 1))
    # Decimal's own // cuts towards zero
    first = int((low / width).to_integral_value(ROUND_FLOOR))
    last = int((high / width).to_integral_value(ROUND_CEILING))
    edges = [width * number for number in range(first, max(last, first + 1) + 1)]
    bars: list[dict[str, Any]] = []
    for above, up_to in zip([None, *edges], [*edges, None], strict=True):
        count = sum((above is None or s > above) and (up_to is None or s <= up_to) for s in savings)
        bars.append({"above": above, "up_to": up_to, "contracts": count})
    return bars


def _round_width(least: Decimal) -> Decimal:
    """The smallest of 1, 2, 5 times a power of ten that is not below `least`; at least 0.01."""
    if least <= Decimal("0.01"):
        return Decimal("0.01")
    scale = Decimal(1).scaleb(least.adjusted())
    width = next(step * scale for step in _STEPS if step * scale >= least)
    return width.quantize(Decimal(1)) if width >= 1 else width
