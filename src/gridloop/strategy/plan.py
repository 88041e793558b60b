"""A plan as documents that are read, compared and approved: who, how, what it is expected to bring, what was learned.

Keys and formulas: docs/methods/playbooks.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gridloop.domain.finding import NotComputable
from gridloop.ledger.canonical import digest
from gridloop.ledger.plans import PlanContent
from gridloop.strategy.experiment import (
    HOLDOUT,
    DesignSettings,
    assign,
    minimum_detectable_effect,
    power_of,
    units_needed,
)
from gridloop.strategy.learning import OFFER, Lesson, Lessons, gain_percent, signed_percent
from gridloop.strategy.playbook.model import Playbook
from gridloop.strategy.recommend import list_digest, selected_rows, strata_bands
from gridloop.strategy.spread import Spread

SMALLEST_HOLDOUT, LARGEST_HOLDOUT = 0.1, 0.5
"""Bounds of a holdout that is sized by what was measured."""

WANTED_POWER = 0.8

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class PlanInputs:
    """What a plan is composed of.

    Attributes:
        play: the playbook.
        rows: table `recommendation`; those of other plays are left alone.
        accounts: accounts of the register, whether the play is for them or not.
        spread: of the primary measure over the selected accounts, or why it is not known.
        lessons: see `learning.learn`.
        manifest: table → snapshot id that it was computed from.
        previous_plan_id: the plan it learned from.
    """

    play: Playbook
    rows: pa.Table
    accounts: int
    spread: Spread | NotComputable
    lessons: Lessons
    manifest: Mapping[str, int]
    previous_plan_id: str | None = None


def compose_plan(given: PlanInputs) -> PlanContent:
    """The plan of a play: equal inputs give an equal plan.

    Args:
        given: see `PlanInputs`; at least one account is selected.
    """
    play = given.play
    rows = given.rows.filter(pc.equal(given.rows["playbook"], play.name))
    selected = selected_rows(rows, play.name)
    share = holdout_share(given, selected.num_rows)
    seed = play.holdout.seed + given.lessons.number
    arms = {OFFER: round(1.0 - share, 6), HOLDOUT: share}
    drawn = Counter(draw(selected, arms, seed)["arm"].to_pylist())
    learned = [lesson.document for lesson in (*given.lessons.said, *_resized(given, share))]
    return PlanContent(
        playbook=play.name,
        version=play.version,
        title=f"{play.title.en} · {play.title.zh}",
        audience={
            "rule": play.audience,
            "accounts": given.accounts,
            "considered": rows.num_rows,
            "excluded": dict(Counter(reason for reason in rows["reason"].to_pylist() if reason is not None)),
            "selected": selected.num_rows,
            "treated": drawn[OFFER],
            "held_out": drawn[HOLDOUT],
            "list_digest": list_digest(rows, play.name),
            "bands": strata_bands(play, selected),
            "as_of": rows["as_of"][0].as_py().isoformat(),
        },
        settings={
            "play": play.model_dump(mode="json"),
            "arms": arms,
            "channels": dict(Counter(selected["channel"].to_pylist())),
            "channel_order": list(given.lessons.channels),
            "seed": seed,
        },
        expectation={
            **_expected_effect(given, share),
            **_expected_money(given, rows, selected, share),
            "learned": learned,
        },
        manifest=dict(given.manifest),
        previous_plan_id=given.previous_plan_id,
    )


def draw(selected: pa.Table, arms: Mapping[str, float], seed: int) -> pa.Table:
    """The random assignment of a plan's list, as its launch draws it: accounts, all of a customer into one arm.

    Args:
        selected: selected rows of table `recommendation`.
        arms: arm to share.
        seed: of the draw.
    """
    units = pa.table(
        {
            "unit_id": selected["account_id"],
            "stratum": selected["stratum"],
            "cluster_id": selected["customer_id"],
        }
    )
    return assign(units, arms, seed=seed)


def content_digest(content: PlanContent) -> str:
    """Digest of what a plan says, whatever snapshots it was computed from: equal for plans that say the same."""
    return digest(asdict(replace(content, manifest=None)))


def design_of(share: float, given: PlanInputs) -> DesignSettings:
    """The design that a plan's power is computed with.

    Customers with several accounts are counted as if their accounts moved as one, which promises too little rather
    than too much; without a known correlation nothing is promised of the adjustment.
    """
    selected = selected_rows(given.rows, given.play.name)
    customers = len(pc.unique(selected["customer_id"])) or 1
    correlation = None if isinstance(given.spread, NotComputable) else given.spread.correlation
    return DesignSettings(
        power=WANTED_POWER,
        treated_share=1.0 - share,
        cluster_size=max(1.0, selected.num_rows / customers),
        intraclass_correlation=1.0,
        covariate_correlation=correlation or 0.0,
    )


def holdout_share(given: PlanInputs, selected: int) -> float:
    """Share that is held out: the play's, or for a measured effect the smallest with 80 % power, within 0.1 and 0.5.

    Never so small that more would be contacted than there is capacity for.

    Args:
        given: see `PlanInputs`.
        selected: accounts selected.
    """
    play, spread = given.play, given.spread
    share = play.holdout.share
    if given.lessons.measured and not isinstance(spread, NotComputable):
        effect = given.lessons.effect.mean * spread.mean / 100.0
        share = LARGEST_HOLDOUT
        for percent in range(round(SMALLEST_HOLDOUT * 100), round(LARGEST_HOLDOUT * 100)):
            design = design_of(percent / 100, given)
            if effect and power_of(effect, spread.units, spread.deviation, design) >= WANTED_POWER:
                share = percent / 100
                break
    capacity = play.contact.capacity
    if capacity is not None and selected * (1.0 - share) > capacity:
        share = min(0.99, round(1.0 - capacity / selected + 0.00005, 4))
    return share


def _resized(given: PlanInputs, share: float) -> tuple[Lesson, ...]:
    """Lesson b: the holdout is sized by what was measured."""
    usual, spread = given.play.holdout.share, given.spread
    if not given.lessons.measured or share == usual or isinstance(spread, NotComputable):
        return ()
    effect = given.lessons.effect.mean
    power = power_of(effect * spread.mean / 100.0, spread.units, spread.deviation, design_of(share, given))
    told, bounds = signed_percent(effect), [f"{bound:.0%}" for bound in (SMALLEST_HOLDOUT, LARGEST_HOLDOUT)]
    return (
        Lesson(
            "holdout_resized",
            f"{share:.0%} are held out instead of {usual:.0%}, within {bounds[0]} and {bounds[1]}: an effect of {told} "
            f"is then found among these accounts with a power of {power:.0%}.",
            f"对照保留组比例由 {usual:.0%} 调整为 {share:.0%}（限 {bounds[0]} 至 {bounds[1]}）："
            f"在这些账户中检出 {told} 效果的功效为 {power:.0%}。",
            {"share": share, "usual_share": usual, "effect_percent": effect, "power": power},
        ),
    )


def _expected_effect(given: PlanInputs, share: float) -> dict[str, Any]:
    """What is assumed, and what could be detected (docs/methods/experiment.md)."""
    belief, spread, measure = given.lessons.effect, given.spread, given.play.success.primary
    said: dict[str, Any] = {
        "measure": measure.name,
        "unit": measure.unit,
        "assumed_effect_percent": belief.mean,
        "low_effect_percent": belief.low,
        "high_effect_percent": belief.high,
        "source": belief.source,
        "assumed_uptake": given.lessons.uptake,
    }
    if isinstance(spread, NotComputable):
        nothing = dict.fromkeys(("mde", "mde_percent", "power", "units_needed"))
        return {**said, **nothing, "not_computable": {"code": spread.code, "reason": spread.reason}}
    design = design_of(share, given)
    effect = belief.mean * spread.mean / 100.0
    smallest = minimum_detectable_effect(spread.units, spread.deviation, design)
    if isinstance(smallest, NotComputable):
        said["not_computable"] = {"code": smallest.code, "reason": smallest.reason}
    found = None if isinstance(smallest, NotComputable) else smallest
    return {
        **said,
        "mde": found,
        "mde_percent": None if found is None or not spread.mean else 100.0 * found / spread.mean,
        "power": power_of(effect, spread.units, spread.deviation, design),
        "units_needed": units_needed(effect, spread.deviation, design) if effect else None,
        "units_measurable": spread.units,
        "mean": spread.mean,
        "deviation": spread.deviation,
        "correlation": spread.correlation,
        "days": {name: [day.isoformat() for day in span] for name, span in _spans(spread)},
    }


def _spans(spread: Spread) -> list[tuple[str, Any]]:
    return [("before", spread.windows.before), ("after", spread.windows.after)]


def _expected_money(given: PlanInputs, rows: pa.Table, selected: pa.Table, share: float) -> dict[str, Any]:
    """Worth and cost of making the offer to those not held out, over the horizon; and the losers left out."""
    play, lessons = given.play, given.lessons
    treated, uptake, value = Decimal(str(1.0 - share)), Decimal(str(lessons.uptake)), play.value
    daily = Decimal(str(round(pc.sum(selected["baseline"]).as_py() or 0.0, 3))) / 1000
    saved = Decimal(pc.sum(selected["saving"]).as_py() or 0)
    contacts = Counter(name for name in selected["channel"].to_pylist() if name is not None)
    cost = {
        "contact": sum((value.contact_cost[n] * count for n, count in contacts.items()), Decimal(0))
        * treated,
        "enrolment": value.enrolment_cost * selected.num_rows * uptake * treated,
        "saving_borne": value.saving_borne * saved * uptake * treated,
    }
    total = sum(cost.values(), Decimal(0))
    lost = rows.filter(pc.fill_null(pc.less(rows["saving"], 0), False))["saving"]
    said: dict[str, Any] = {
        "horizon_days": value.horizon_days,
        "customers_saving": _money(saved * uptake * treated),
        "losers_left_out": len(lost),
        "losers_loss": _money(-Decimal(pc.sum(lost).as_py() or 0)),
        "largest_loss": _money(-Decimal(pc.min(lost).as_py() or 0)),
    }
    known = play.success.primary.kind == "energy"
    if known:
        kwh = {
            name: daily * value.horizon_days * treated * Decimal(str(gain_percent(play, percent))) / 100
            for name, percent in zip(("expected", "one", "other"), _percents(lessons), strict=True)
        }
        ends = sorted(kwh[name] * value.per_kwh - total for name in ("one", "other"))
        said |= {
            "energy_kwh": float(round(kwh["expected"], 1)),
            "energy_value": _money(kwh["expected"] * value.per_kwh),
            "net_low": _money(ends[0]),
            "net_high": _money(ends[1]),
        }
    return {
        "value": said,
        "cost": {**{name: _money(amount) for name, amount in cost.items()}, "total": _money(total)},
        "net_value": _money(kwh["expected"] * value.per_kwh - total) if known else None,
    }


def _percents(lessons: Lessons) -> tuple[float, float, float]:
    return lessons.effect.mean, lessons.effect.low, lessons.effect.high


def _money(amount: Decimal) -> str:
    return str(amount.quantize(_CENT))
