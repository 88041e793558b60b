"""The effects of a campaign as rows of table `effect` (docs/methods/campaign-effect.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gridloop.domain.finding import NotComputable
from gridloop.domain.tables import table
from gridloop.engine.schema import arrow_schema
from gridloop.evaluation.distributions import holm
from gridloop.evaluation.lift import Lift, difference
from gridloop.evaluation.moments import Moments
from gridloop.evaluation.money import Costs, Money, value_effect
from gridloop.evaluation.outcomes import Observation
from gridloop.evaluation.trust import Trust, check_trust
from gridloop.evaluation.units import Estimate, Units, estimate
from gridloop.strategy.experiment import HOLDOUT
from gridloop.strategy.playbook.model import Measure, Playbook

ALL = "all"
"""Population of the effect that decides: every unit of the arm, reached or not."""
PLANNED_METHOD = "stratified_adjusted"
"""Method of rows that have no number."""


@dataclass(frozen=True)
class CampaignEffects:
    """What a campaign caused, as far as can be told.

    Attributes:
        rows: table `effect`: the one of the primary measure that decides, secondary and exploratory ones, and two that
            mislead, each named so in `checks.role`.
        primary: the effect that decides, by arm; withheld when a trust check failed.
        trust: the checks, by arm.
        money: the effect in money, by arm.
    """

    rows: pa.Table
    primary: Mapping[str, Lift | NotComputable]
    trust: Mapping[str, Trust]
    money: Mapping[str, Money | NotComputable]


def campaign_effects(
    observed: Observation, assignments: pa.Table, play: Playbook, costs: Costs
) -> CampaignEffects:
    """Compare every arm with the holdout, by assignment.

    Before the window is complete the effect is provisional: its numbers are there, `trusted` is not. When a check fails
    the numbers are withheld and `reason` has the check's code. What naive comparisons would have said stands beside it,
    never trusted.

    Args:
        observed: outcomes and how much of the window has been seen.
        assignments: unit_id, arm; optional: stratum (such as `baseline=2,saving=3`) and channel, fixed before the draw,
            whose parts are populations of their own; customer_id, whose accounts were drawn together; contacted and
            enrolled (bool).
        play: measures, prices.
        costs: of the campaign.
    """
    rows: list[_Row] = []
    primary: dict[str, Lift | NotComputable] = {}
    trust: dict[str, Trust] = {}
    money: dict[str, Money | NotComputable] = {}
    for arm in sorted(set(assignments.column("arm").to_pylist()) - {HOLDOUT}):
        judged = _Arm.of(arm, observed, assignments, play)
        trust[arm] = judged.trust
        primary[arm] = judged.verdict(judged.estimates[play.success.primary.name].lift)
        assigned = assignments.column("arm").to_pylist().count(arm)
        money[arm] = value_effect(primary[arm], play.success.primary, play.value, assigned, costs)
        rows += judged.rows(money[arm])
    return CampaignEffects(_tabled(rows), primary, trust, money)


@dataclass(frozen=True)
class _Row:
    """A row of table `effect` that is being made; `checks` is its document."""

    columns: dict[str, object]
    checks: dict[str, object]


@dataclass(frozen=True)
class _Arm:
    """One arm against the holdout."""

    name: str
    observed: Observation
    play: Playbook
    columns: Mapping[str, Sequence[object]]
    units: Mapping[str, Units]
    estimates: Mapping[str, Estimate]
    trust: Trust

    @classmethod
    def of(cls, name: str, observed: Observation, assignments: pa.Table, play: Playbook) -> _Arm:
        arms = np.array(assignments.column("arm").to_pylist(), object)
        chosen = assignments.filter(pa.array((arms == name) | (arms == HOLDOUT)))
        columns = {column: chosen.column(column).to_pylist() for column in chosen.column_names}
        measures = (play.success.primary, *play.success.secondary)
        units = {m.name: _units(observed.outcomes, m, columns, name) for m in measures}
        joined = {measure: _joined(part, columns) for measure, part in units.items()}
        contacted = columns.get("contacted", ())
        trust = check_trust(
            joined[play.success.primary.name],
            name,
            holdout_contacted=sum(
                arm == HOLDOUT and bool(was) for arm, was in zip(columns["arm"], contacted, strict=False)
            ),
            days_seen=observed.days_seen,
            days_planned=observed.windows.judged_days,
        )
        estimates = {measure: estimate(part) for measure, part in joined.items()}
        return cls(name, observed, play, columns, units, estimates, trust)

    def verdict(self, lift: Lift | NotComputable) -> Lift | NotComputable:
        """The lift unless a check forbids it, or nothing of the window has been seen."""
        if not self.observed.days_seen:
            return NotComputable(
                "window_not_begun", "No day of the window has arrived yet.", {"days_seen": 0}
            )
        failed = self.trust.failed
        return lift if failed is None or isinstance(lift, NotComputable) else failed

    def rows(self, money: Money | NotComputable) -> list[_Row]:
        """All rows of the arm."""
        measure, *others = self.play.success.primary, *self.play.success.secondary
        first = self._row(measure, self.estimates[measure.name], ALL, "primary")
        first.checks.update({"money": _document(money)} | self.trust.document())
        secondary = [self._row(m, self.estimates[m.name], ALL, "secondary") for m in others]
        exploratory = [
            self._row(measure, estimate(_joined(part, self.columns, mask)), population, "exploratory")
            for population, mask in self._groups()
            for part in (self.units[measure.name].where(mask),)
        ]
        for family in (secondary, exploratory):
            _adjust(family)
        return [first, *secondary, *exploratory, *self._misleading(measure)]

    def _groups(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Populations known before the draw and their units: the parts of the strata, and the channels."""
        parts = [_parts(stratum) for stratum in self.columns.get("stratum", ())]
        channels = [f"channel={name}" if name else "" for name in self.columns.get("channel", ())]
        found = {name for one in parts for name in one} | {name for name in channels if name}
        for name in sorted(found):
            inside = [name in one for one in parts] if parts else [False] * len(channels)
            if name.startswith("channel="):
                inside = [name == channel for channel in channels]
            mask = np.array(inside, np.bool_)
            if not mask.all():
                yield name, mask

    def _row(self, measure: Measure, found: Estimate, population: str, role: str) -> _Row:
        told = self.verdict(found.lift)
        checks: dict[str, object] = {
            "role": role,
            "control_mean": found.control_mean if np.isfinite(found.control_mean) else None,
            "strata": found.strata,
            "without_before": found.without_before,
        }
        if isinstance(told, Lift):
            checks |= {"p_value": told.p_value, "standard_error": told.standard_error, "df": told.df}
            checks |= _percent(told, found.control_mean)
        failed = self.trust.failed
        problems = [] if failed is None else [failed.code]
        checks["failed"] = problems if self.trust.complete else [*problems, "window_incomplete"]
        trusted = isinstance(told, Lift) and not checks["failed"]
        common = self._common(measure, told, (found.treated, found.control), population, HOLDOUT)
        return _Row(common | {"trusted": trusted}, checks)

    def _common(
        self,
        measure: Measure,
        told: Lift | NotComputable,
        units: tuple[int, int],
        population: str,
        contrast: str,
    ) -> dict[str, object]:
        return {
            "population": population,
            "measure": measure.name,
            "arm": self.name,
            "contrast": contrast,
            "method": told.estimator if isinstance(told, Lift) else PLANNED_METHOD,
            "value": told.value if isinstance(told, Lift) else None,
            "ci_low": told.ci_low if isinstance(told, Lift) else None,
            "ci_high": told.ci_high if isinstance(told, Lift) else None,
            "mde": told.mde if isinstance(told, Lift) else None,
            "unit": measure.unit,
            "units_treated": units[0],
            "units_control": units[1],
            "reason": told.code if isinstance(told, NotComputable) else None,
            **self._window(),
        }

    def _window(self) -> dict[str, object]:
        outcomes = self.observed.outcomes
        end = outcomes.column("window_end")[0].as_py() if outcomes.num_rows else self.observed.windows.last
        return {
            "campaign_id": outcomes.column("campaign_id")[0].as_py() if outcomes.num_rows else None,
            "window_start": self.observed.windows.first,
            "window_end": end,
            "planned_end": self.observed.windows.last,
        }

    def _misleading(self, measure: Measure) -> list[_Row]:
        """What a comparison without a holdout would have said."""
        if "contacted" not in self.columns:
            return []
        units = self.units[measure.name]
        contacted = units.where(units.treated & np.array(self.columns["contacted"], np.bool_))
        enrolled = np.array(self.columns.get("enrolled", [False] * len(units.value)), np.bool_)
        change = contacted.value - contacted.before
        naive = {
            ("contacted", "before", "naive_before_after"): _against_zero(change),
            ("enrolled", "not_enrolled", "naive_enrolled"): difference(
                Moments.of(units.value[units.treated & enrolled]),
                Moments.of(units.value[units.treated & ~enrolled]),
            ),
        }
        rows = []
        for (population, contrast, method), told in naive.items():
            told = told if self.observed.days_seen else self.verdict(told)
            counts = (told.units_treated, told.units_control) if isinstance(told, Lift) else (0, 0)
            row = self._common(measure, told, counts, population, contrast)
            row |= {"method": method, "mde": None, "trusted": False}
            rows.append(_Row(row, {"role": "misleading", "failed": [method]}))
        return rows


def _units(outcomes: pa.Table, measure: Measure, columns: Mapping[str, Sequence[object]], arm: str) -> Units:
    rows = outcomes.filter(pc.equal(outcomes.column("measure"), measure.name)).select(
        ["unit_id", "value", "before"]
    )
    found = {row["unit_id"]: (row["value"], row["before"]) for row in rows.to_pylist()}
    pairs = [found.get(unit, (None, None)) for unit in columns["unit_id"]]
    strata = columns.get("stratum", [None] * len(pairs))
    return Units(
        np.array([value for value, _ in pairs], np.float64),
        np.array([before for _, before in pairs], np.float64),
        np.array([one == arm for one in columns["arm"]], np.bool_),
        np.array(["" if one is None else one for one in strata], object),
    )


def _parts(stratum: object) -> tuple[str, ...]:
    """`baseline=2,saving=3` as `baseline=2` and `saving=3`; a stratum of one name as `stratum=name`."""
    if not stratum:
        return ()
    return tuple(part if "=" in part else f"stratum={part}" for part in str(stratum).split(","))


def _joined(
    units: Units, columns: Mapping[str, Sequence[object]], mask: NDArray[np.bool_] | None = None
) -> Units:
    """Accounts of one customer made one unit, because they were drawn together."""
    if "customer_id" not in columns:
        return units
    names = np.array(columns["customer_id"], object)
    return units.joined((names if mask is None else names[mask]).tolist())


def _against_zero(change: NDArray[np.float64]) -> Lift | NotComputable:
    """The mean change of units with both values; the other group stands still at 0."""
    known = change[np.isfinite(change)]
    told = difference(Moments.of(known), Moments(n=max(len(known), 2)))
    if isinstance(told, NotComputable):
        return told
    return Lift(**{name: getattr(told, name) for name in Lift.__dataclass_fields__} | {"units_control": 0})


def _percent(lift: Lift, control_mean: float) -> dict[str, object]:
    """The effect in percent of the holdout's mean, which is taken as known."""
    if not control_mean > 0:
        return {"percent": None, "mde_percent": None}
    scale = 100.0 / control_mean
    return {
        "percent": {name: number * scale for name, number in lift.interval.items()},
        "mde_percent": lift.mde * scale,
    }


def _adjust(family: Sequence[_Row]) -> None:
    """Write Holm's p-values into the rows of a family that have one."""
    told = [(row, p_value) for row in family if isinstance(p_value := row.checks.get("p_value"), float)]
    adjusted = holm([p_value for _, p_value in told])
    for (row, _), p_value in zip(told, adjusted, strict=True):
        row.checks.update(p_holm=p_value, family=len(told))


def _document(money: Money | NotComputable) -> dict[str, object]:
    return money.document() if isinstance(money, Money) else {"reason": money.code}


def effect_id(row: Mapping[str, object]) -> str:
    """The stable key of an effect: SHA-256 of campaign, population, measure, arm, method and planned window."""
    names = ("campaign_id", "population", "measure", "arm", "method", "window_start", "planned_end")
    parts = [str(row[name]) for name in names]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return f"effect-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _tabled(rows: Iterable[_Row]) -> pa.Table:
    schema = arrow_schema(table("effect"))
    written = [
        row.columns | {"effect_id": effect_id(row.columns), "checks": json.dumps(row.checks, sort_keys=True)}
        for row in rows
    ]
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in written], schema)
