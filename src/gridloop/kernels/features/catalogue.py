"""The features of a meter as data: name, formula, unit, tie rule, minimum data, source and labels.

Words of the formulas: v is the energy of an interval (Wh); a *usable* day has at least half of its intervals, and its
total E is the sum of its present values × intervals of the day ÷ present intervals; a *complete* day lacks none. The
window is all days of the state. Every condition beyond days and coverage is in `needs`.
"""

from __future__ import annotations

from dataclasses import replace

from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.table import Label
from gridloop.kernels.features.rules import SEASON_WINDOW_DAYS
from gridloop.kernels.features.specification import FeatureSpec

_TIES = {
    "peak_day": "first in time",
    "peak_minute": "first in time",
    "night_base_load": "nearest rank: the ⌈q·n⌉-th smallest night value",
}
_POSITIVE = "a positive divisor"


def _group(
    source: str, days: int, coverage: float, *rows: tuple[str, str, str, str, str, str]
) -> tuple[FeatureSpec, ...]:
    """Specs of one source and minimum; a row is name, English, Chinese, unit, formula, needs."""
    return tuple(
        FeatureSpec(
            name, Label(en, zh), unit, formula, _TIES.get(name, "none"), days, coverage, source, needs
        )
        for name, en, zh, unit, formula, needs in rows
    )


_VOLUME = _group(
    "sums over the window; usable days as in CalTRACK 2.0",
    0,
    0.0,
    ("total_energy", "total energy", "总用电量", "Wh", "Σ v; a missing interval adds nothing", "one value"),
    ("daily_mean", "mean daily energy", "日均用电量", "Wh", "mean of E over usable days", "one usable day"),
)
_PEAK = _group(
    "maximum demand and its time, as utilities bill it",
    0,
    0.0,
    ("peak_power", "peak power", "最大功率", "kW", "max v × 60 / minutes / 1000", "one value"),
    (
        "peak_day",
        "day of the peak",
        "最大功率出现日",
        "ordinal",
        "proleptic ordinal of the day of max v",
        "one value",
    ),
    (
        "peak_minute",
        "time of the peak",
        "最大功率出现时刻",
        "min",
        "wall-clock start of max v after 00:00",
        "one value",
    ),
    (
        "maximum_demand",
        "maximum hourly demand",
        "最大小时需量",
        "kW",
        "highest energy of a clock hour without a gap / 1000; comparable over interval lengths",
        "one whole hour",
    ),
)
_LOAD = _group(
    "load indices of utility practice (负荷率, 峰谷差率)",
    7,
    0.5,
    ("load_factor", "load factor", "负荷率", "1", "mean v / max v", "max v > 0 and Σ v > 0"),
    (
        "daily_load_factor",
        "mean daily load factor",
        "日负荷率",
        "1",
        "mean over complete days with max v > 0 of (mean v of the day / max v of the day)",
        "7 such days",
    ),
    (
        "daily_peak_valley_rate",
        "mean daily peak-valley rate",
        "日峰谷差率",
        "1",
        "mean over complete days with max v > 0 of (max v − min v) / max v",
        "7 such days",
    ),
    (
        "mean_daily_peak",
        "mean daily peak power",
        "日均最大功率",
        "kW",
        "mean over complete days of max v × 60 / minutes / 1000",
        "7 complete days",
    ),
    (
        "peak_to_valley_ratio",
        "peak-to-valley ratio",
        "峰谷比",
        "1",
        "highest / lowest value of mean_profile",
        "a complete profile with a lowest value > 0",
    ),
)
_TIME_OF_USE = _group(
    "time-of-use settlement: energy by period of the calendar's schedule",
    7,
    0.5,
    ("valley_share", "valley share", "谷段电量占比", "1", "Σ v in valley periods / Σ v", _POSITIVE),
    ("flat_share", "flat share", "平段电量占比", "1", "Σ v in flat periods / Σ v", _POSITIVE),
    ("peak_share", "peak share", "峰段电量占比", "1", "Σ v in peak periods / Σ v", _POSITIVE),
    (
        "critical_share",
        "critical-peak share",
        "尖峰段电量占比",
        "1",
        "Σ v in critical periods / Σ v",
        _POSITIVE,
    ),
    (
        "evening_share",
        "evening share",
        "晚间电量占比",
        "1",
        "Σ v from 18:00 to 22:00 on the wall clock / Σ v",
        _POSITIVE,
    ),
)
_VARIATION = _group(
    "coefficient of variation with divisor n",
    7,
    0.5,
    (
        "interval_variation",
        "variation of interval values",
        "时段用电波动系数",
        "1",
        "σ(v) / mean v",
        "Σ v > 0",
    ),
    ("daily_variation", "variation of daily totals", "日用电波动系数", "1", "σ(E) / mean E", "mean E > 0"),
)
_NIGHT = _group(
    "low quantile of night load; log-linear histogram after DDSketch (Masson 2019), error ≤ 0.8 %",
    7,
    0.5,
    (
        "night_base_load",
        "night base load",
        "夜间基础负荷",
        "kW",
        "10 % quantile of v from 00:00 to 05:00 on the wall clock × 60 / minutes / 1000",
        "7 whole nights' worth of values",
    ),
    (
        "base_load_share",
        "share of base load",
        "基础负荷占比",
        "1",
        "night_base_load / mean power",
        "7 whole nights' worth of values and Σ v > 0",
    ),
)
_SEASON = _group(
    "seasonal change (S109)",
    SEASON_WINDOW_DAYS,
    0.5,
    (
        "summer_ratio",
        "summer ratio",
        "夏季用电比",
        "1",
        "mean E in summer / mean E in spring and autumn",
        "28 usable days on each side",
    ),
    (
        "winter_ratio",
        "winter ratio",
        "冬季用电比",
        "1",
        "mean E in winter / mean E in spring and autumn",
        "28 usable days on each side",
    ),
)
_DAY_KIND = _group(
    "weekend and holiday change (S110)",
    28,
    0.5,
    (
        "weekend_ratio",
        "weekend ratio",
        "周末用电比",
        "1",
        "mean E of weekend days / mean E of workdays; holidays in neither",
        "6 weekend days, 14 workdays",
    ),
    (
        "holiday_ratio",
        "holiday ratio",
        "节假日用电比",
        "1",
        "Σ E of holidays / Σ of the mean E of usable ordinary days at most 14 days away from each",
        "a usable holiday with 7 such days",
    ),
)
_RAMP = _group(
    "absolute steps between neighbouring present intervals, midnight included",
    7,
    0.5,
    ("mean_ramp", "mean ramp", "平均爬坡", "kW", "mean |v[i+1] − v[i]| × 60 / minutes / 1000", "one step"),
    (
        "maximum_ramp",
        "maximum ramp",
        "最大爬坡",
        "kW",
        "max |v[i+1] − v[i]| × 60 / minutes / 1000",
        "one step",
    ),
)
_AUTOCORRELATION = _group(
    "Pearson correlation of pairs of which both are present",
    28,
    0.5,
    (
        "daily_autocorrelation_1",
        "daily autocorrelation, 1 day",
        "日电量自相关（1 天）",
        "1",
        "r(E[d], E[d+1])",
        "21 pairs that vary",
    ),
    (
        "daily_autocorrelation_7",
        "daily autocorrelation, 7 days",
        "日电量自相关（7 天）",
        "1",
        "r(E[d], E[d+7])",
        "21 pairs that vary",
    ),
    (
        "hourly_autocorrelation_24",
        "hourly autocorrelation, 24 hours",
        "小时电量自相关（24 小时）",
        "1",
        "r(h[d], h[d+1]) of gapless clock hours on neighbouring days of 24 hours",
        "500 pairs that vary",
    ),
)
_TEMPERATURE = _group(
    "degree-day regression with fixed balance points, after Fels 1986 (PRISM)",
    30,
    0.5,
    (
        "heating_slope",
        "heating slope",
        "采暖温度敏感度",
        "Wh/K/d",
        "b of least squares E = a + b·HDD + c·CDD; without c when fewer than 10 days have cooling degrees",
        "30 usable days with temperature, 10 of them with heating degrees",
    ),
    (
        "cooling_slope",
        "cooling slope",
        "制冷温度敏感度",
        "Wh/K/d",
        "c of least squares E = a + b·HDD + c·CDD; without b when fewer than 10 days have heating degrees",
        "30 usable days with temperature, 10 of them with cooling degrees",
    ),
    (
        "temperature_fit",
        "fit to temperature",
        "温度拟合优度",
        "1",
        "R² of that regression",
        "either slope, and totals that vary",
    ),
)
_COMPLETENESS = _group(
    "completeness of interval data; runs are cut by the window's ends",
    0,
    0.0,
    ("missing_share", "missing share", "缺失占比", "1", "missing intervals / intervals of the window", ""),
    (
        "longest_missing",
        "longest missing run",
        "最长连续缺失",
        "h",
        "longest run of missing intervals, in hours",
        "",
    ),
    ("zero_share", "zero share", "零值占比", "1", "intervals with v = 0 / present intervals", "one value"),
    (
        "longest_zero",
        "longest zero run",
        "最长连续零值",
        "h",
        "longest run of v = 0, in hours; a missing interval ends it",
        "one value",
    ),
    ("export_share", "export share", "反送电量占比", "1", "−Σ of negative v / Σ |v|", "a value other than 0"),
)
_GROWTH = _group(
    "growth between comparable periods only (S113)",
    0,
    0.5,
    (
        "growth_within_window",
        "growth within the window",
        "时段首尾增长率",
        "1",
        "mean E of the last 28 days / mean E of the first 28 days − 1",
        "a window of 330 days, 21 usable days in each period, middles at most 45 days apart within the year",
    ),
    (
        "growth_year_on_year",
        "growth year on year",
        "同比增长率",
        "1",
        "Σ E[d] / Σ E[d − 364] − 1 over the last 364 days where both are usable",
        "270 such pairs",
    ),
)
_PROFILE = _group(
    "mean load profile by wall-clock slot; a repeated hour counts twice",
    7,
    0.5,
    (
        "mean_profile",
        "mean profile",
        "平均负荷曲线",
        "kW",
        "mean of v by wall-clock slot × 60 / minutes / 1000",
        "a value in every slot",
    ),
    (
        "shape",
        "shape of the profile",
        "归一化负荷曲线",
        "1",
        "mean_profile / Σ mean_profile",
        "a complete profile with Σ > 0",
    ),
)

FEATURES: tuple[FeatureSpec, ...] = (
    *_VOLUME,
    *_PEAK,
    *_LOAD,
    *_TIME_OF_USE,
    *_VARIATION,
    *_NIGHT,
    *_SEASON,
    *_DAY_KIND,
    *_RAMP,
    *_AUTOCORRELATION,
    *_TEMPERATURE,
    *_COMPLETENESS,
    *_GROWTH,
    *(replace(spec, vector=True) for spec in _PROFILE),
)
"""Every feature, in the order of `FeatureTable.values`."""


def feature(name: str) -> FeatureSpec:
    """The feature of that name.

    Raises:
        UsageError: there is none; the ways out name the closest ones.
    """
    for spec in FEATURES:
        if spec.name == name:
            return spec
    known = [spec.name for spec in FEATURES]
    raise UsageError(f"There is no feature {name!r}.", ways_out=did_you_mean(name, known))
