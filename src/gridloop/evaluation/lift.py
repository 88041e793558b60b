"""What a campaign caused: treated minus holdout by assignment, with an interval (docs/methods/lift.md).

Everything takes `Moments` of the units of randomisation, by the arm they were assigned to, whether reached or not
(docs/conventions.md §6). What cannot be computed is `NotComputable` (docs/conventions.md §9).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gridloop.domain.finding import NotComputable
from gridloop.evaluation.distributions import student_t_cdf, student_t_quantile
from gridloop.evaluation.moments import Moments
from gridloop.strategy.experiment import SplitCheck

CONFIDENCE = 0.95
MDE_POWER = 0.8


@dataclass(frozen=True, slots=True)
class Lift:
    """An effect with its interval.

    Attributes:
        value, ci_low, ci_high: in the unit of the outcome, or in percent where `unit` says so.
        p_value: two-sided, of no effect.
        standard_error: of the value, on the scale on which the interval is symmetric.
        df: degrees of freedom of Student's t.
        mde: smallest effect found with 80 % power at this standard error.
        units_treated, units_control: units with an outcome.
        estimator: `difference`, `adjusted`, `stratified`, `stratified_adjusted`, `ratio` or `relative`.
        confidence: of the interval.
    """

    value: float
    ci_low: float
    ci_high: float
    p_value: float
    standard_error: float
    df: float
    mde: float
    units_treated: int
    units_control: int
    estimator: str
    confidence: float = CONFIDENCE

    @property
    def interval(self) -> dict[str, float]:
        """`{value, ci_low, ci_high}`."""
        return {"value": self.value, "ci_low": self.ci_low, "ci_high": self.ci_high}


@dataclass(frozen=True, slots=True)
class _Part:
    """Variance of one arm's mean, and its degrees of freedom."""

    variance: float
    df: float


def difference(treated: Moments, control: Moments, *, confidence: float = CONFIDENCE) -> Lift | NotComputable:
    """Intention to treat: mean of the treated arm minus mean of the control arm, interval by Welch (1947).

    Returns:
        the lift in the unit of x; `too_few_units` below two units an arm, `no_variation` when neither arm varies.
    """
    return _adjusted(treated, control, 0.0, "difference", confidence)


def adjusted_difference(
    treated: Moments, control: Moments, *, confidence: float = CONFIDENCE
) -> Lift | NotComputable:
    """The difference adjusted for the covariate y, usually the same measure before the campaign (CUPED).

    Formula: (x̄₁ − x̄₀) − θ (ȳ₁ − ȳ₀) with θ = ΣSxy / ΣSyy pooled within the arms, which is the slope of the analysis
    of covariance; variance of each arm from its residuals about θ, with one degree of freedom shared for θ (Deng, Xu,
    Kohavi and Walker 2013; Lin 2013 on why it does not bias a randomised comparison).

    Returns:
        the lift; besides the reasons of `difference`, `no_covariate` when y does not vary within the arms.
    """
    spread = treated.syy + control.syy
    if treated.n >= 2 and control.n >= 2 and spread <= 0:
        return NotComputable("no_covariate", "The covariate does not vary; nothing can be adjusted for.")
    theta = (treated.sxy + control.sxy) / spread if spread > 0 else 0.0
    return _adjusted(treated, control, theta, "adjusted", confidence)


def _adjusted(
    treated: Moments, control: Moments, theta: float, estimator: str, confidence: float
) -> Lift | NotComputable:
    """Welch on x − θ·y; with θ estimated, half a degree of freedom is taken from each arm."""
    cost = 0.5 if estimator == "adjusted" else 0.0
    short = _too_few(treated, control)
    if short is not None:
        return short
    parts = [_mean_part(arm, theta, cost) for arm in (treated, control)]
    value = (treated.mean_x - control.mean_x) - theta * (treated.mean_y - control.mean_y)
    return _lift(value, parts, (treated.n, control.n), estimator, confidence)


def _mean_part(arm: Moments, theta: float, cost: float = 0.0) -> _Part:
    df = arm.n - 1 - cost
    squares = max(arm.sxx - 2.0 * theta * arm.sxy + theta * theta * arm.syy, 0.0)
    return _Part(squares / df / arm.n, df)


def _too_few(treated: Moments, control: Moments) -> NotComputable | None:
    if min(treated.n, control.n) >= 2:
        return None
    return NotComputable(
        "too_few_units",
        "An effect needs two units or more with an outcome in either arm.",
        {"units_treated": treated.n, "units_control": control.n},
    )


def _lift(
    value: float, parts: list[_Part], units: tuple[int, int], estimator: str, confidence: float
) -> Lift | NotComputable:
    """Interval and test by Student's t with Satterthwaite's (1946) degrees of freedom over the parts."""
    variance = math.fsum(part.variance for part in parts)
    if not variance > 0 or not math.isfinite(value):
        return NotComputable(
            "no_variation",
            "The outcome does not vary between units; chance cannot be judged.",
            {"units_treated": units[0], "units_control": units[1]},
        )
    df = variance**2 / math.fsum(part.variance**2 / part.df for part in parts)
    error = math.sqrt(variance)
    reach = student_t_quantile(0.5 + confidence / 2, df)
    p_value = 2.0 * student_t_cdf(-abs(value) / error, df)
    mde = (reach + student_t_quantile(MDE_POWER, df)) * error
    low, high = value - reach * error, value + reach * error
    return Lift(value, low, high, p_value, error, df, mde, *units, estimator, confidence)


def stratified_difference(
    strata: Mapping[str, tuple[Moments, Moments]], *, adjust: bool = False, confidence: float = CONFIDENCE
) -> Lift | NotComputable:
    """The differences within strata, weighted by the strata's units.

    Formula: Σ wₛ (x̄₁ₛ − x̄₀ₛ), wₛ = nₛ / n; variance Σ wₛ² (s²₁ₛ/n₁ₛ + s²₀ₛ/n₀ₛ) (Imbens and Rubin 2015, ch. 9).

    Args:
        strata: stratum to (treated, control).
        adjust: take off θ · (ȳ₁ₛ − ȳ₀ₛ) too, with one θ from all strata.
        confidence: of the interval.

    Returns:
        the lift; `stratum_too_small` names how many strata have fewer than two units in an arm: merge them first.
    """
    pairs = [pair for pair in strata.values() if pair[0].n + pair[1].n > 0]
    small = sum(min(one.n, other.n) < 2 for one, other in pairs)
    if small or not pairs:
        return NotComputable(
            "stratum_too_small",
            "A stratum has fewer than two units with an outcome in an arm.",
            {"strata": len(pairs), "too_small": small},
        )
    theta = 0.0
    if adjust:
        spread = math.fsum(arm.syy for pair in pairs for arm in pair)
        if spread <= 0:
            return NotComputable("no_covariate", "The covariate does not vary; nothing can be adjusted for.")
        theta = math.fsum(arm.sxy for pair in pairs for arm in pair) / spread
    units = sum(one.n + other.n for one, other in pairs)
    value, parts = 0.0, []
    for one, other in pairs:
        weight = (one.n + other.n) / units
        value += weight * ((one.mean_x - other.mean_x) - theta * (one.mean_y - other.mean_y))
        for arm in (one, other):
            part = _mean_part(arm, theta, 0.5 / len(pairs) if adjust else 0.0)
            parts.append(replace(part, variance=part.variance * weight**2))
    counts = (sum(one.n for one, _ in pairs), sum(other.n for _, other in pairs))
    return _lift(value, parts, counts, "stratified_adjusted" if adjust else "stratified", confidence)


def ratio_difference(
    treated: Moments, control: Moments, *, confidence: float = CONFIDENCE
) -> Lift | NotComputable:
    """Difference of Σx / Σy between the arms, such as money per kWh, or a mean over units drawn in clusters.

    Formula: variance of R = Σx/Σy by the delta method, (Sxx − 2R·Sxy + R²·Syy) / ((n − 1) · n · ȳ²) (Cochran 1977).

    Returns:
        the lift; `no_denominator` when Σy is not above 0 in an arm.
    """
    short = _too_few(treated, control)
    if short is not None:
        return short
    if min(treated.mean_y, control.mean_y) <= 0:
        return NotComputable("no_denominator", "The denominator of the ratio is not above 0 in an arm.")
    ratios = [arm.mean_x / arm.mean_y for arm in (treated, control)]
    parts = []
    for arm, ratio in zip((treated, control), ratios, strict=True):
        part = _mean_part(arm, ratio)
        parts.append(replace(part, variance=part.variance / arm.mean_y**2))
    return _lift(ratios[0] - ratios[1], parts, (treated.n, control.n), "ratio", confidence)


def relative_difference(
    treated: Moments, control: Moments, *, confidence: float = CONFIDENCE
) -> Lift | NotComputable:
    """The difference in percent of the control mean, 100 · (x̄₁ / x̄₀ − 1).

    Formula: interval of log(x̄₁ / x̄₀), variance s²₁/(n₁ x̄₁²) + s²₀/(n₀ x̄₀²) by the delta method, taken back to percent;
    `standard_error` is that of the logarithm.

    Returns:
        the lift in percent; `not_positive` when a mean is not above 0.
    """
    short = _too_few(treated, control)
    if short is not None:
        return short
    if min(treated.mean_x, control.mean_x) <= 0:
        return NotComputable("not_positive", "A share needs means above 0 in both arms.")
    parts = []
    for arm in (treated, control):
        part = _mean_part(arm, 0.0)
        parts.append(replace(part, variance=part.variance / arm.mean_x**2))
    value = math.log(treated.mean_x / control.mean_x)
    lift = _lift(value, parts, (treated.n, control.n), "relative", confidence)
    if isinstance(lift, NotComputable):
        return lift
    return replace(
        lift,
        value=100.0 * math.expm1(lift.value),
        ci_low=100.0 * math.expm1(lift.ci_low),
        ci_high=100.0 * math.expm1(lift.ci_high),
        mde=100.0 * math.expm1(lift.mde),
    )


def verdict(lift: Lift | NotComputable, split: SplitCheck | NotComputable) -> Lift | NotComputable:
    """The lift if its split can be trusted; otherwise the verdict is withheld, whatever the numbers say.

    Args:
        lift: computed by assignment.
        split: units with an outcome against units assigned.

    Returns:
        the lift itself; `split_failed` when units were lost from the arms unevenly, `split_unchecked` when that could
        not be checked.
    """
    if isinstance(lift, NotComputable):
        return lift
    if isinstance(split, NotComputable):
        return NotComputable(
            "split_unchecked", f"The split could not be checked: {split.reason}", split.evidence
        )
    if not split.passed:
        return NotComputable(
            "split_failed",
            "The arms are not split as they were assigned; the verdict is withheld until the loss is explained.",
            {"observed": dict(split.observed), "p_value": split.p_value},
        )
    return lift
