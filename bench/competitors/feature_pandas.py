"""The features in pandas, from long rows, the way a data scientist writes them: group-bys, no loop over rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def pandas_features(readings: Path, days: Path) -> pd.DataFrame:
    """The compared features by meter."""
    rows = pd.read_parquet(readings).sort_values(["meter", "day", "slot"])
    facts = pd.read_parquet(days).set_index("day")
    by_meter = rows.groupby("meter")["wh"]
    out = pd.DataFrame({"total_energy": by_meter.sum(), "top": by_meter.max()})
    mean, present = by_meter.mean(), by_meter.count()
    out["load_factor"] = mean / out["top"]
    out["interval_variation"] = by_meter.std(ddof=0) / mean
    out["missing_share"] = 1 - present / by_meter.size()
    out["zero_share"] = rows["wh"].eq(0).groupby(rows["meter"]).sum() / present
    peaks = rows.loc[rows["wh"].eq(by_meter.transform("max"))].groupby("meter").first()
    out["peak_day"] = pd.to_datetime(peaks["day"]).map(lambda day: day.toordinal())
    out["peak_minute"] = peaks["slot"] * 15
    out["peak_power"] = out.pop("top") * 0.004
    _shares(rows, out)
    step = by_meter.diff().abs().groupby(rows["meter"])
    out["mean_ramp"], out["maximum_ramp"] = step.mean() * 0.004, step.max() * 0.004
    night = rows[rows["slot"] < 20].groupby("meter")["wh"]
    out["night_base_load"] = night.quantile(0.1, interpolation="lower") * 0.004
    profile = rows.groupby(["meter", "slot"])["wh"].mean().unstack() * 0.004
    out["mean_profile"] = pd.Series(list(profile.to_numpy()), index=profile.index)
    daily = rows.groupby(["meter", "day"])["wh"].agg(["sum", "count"])
    daily = daily[daily["count"] >= 48]
    _daily_features((daily["sum"] * 96 / daily["count"]).unstack("day"), facts, out)
    return out


def _shares(rows: pd.DataFrame, out: pd.DataFrame) -> None:
    slot = rows["slot"]
    masks = {
        "valley_share": (slot < 28) | (slot >= 92),
        "peak_share": slot.between(32, 43) | slot.between(72, 87),
        "evening_share": slot.between(72, 87),
    }
    for name, mask in masks.items():
        out[name] = rows.loc[mask].groupby("meter")["wh"].sum() / out["total_energy"]
    out["flat_share"] = 1 - out["valley_share"] - out["peak_share"]


def _daily_features(e: pd.DataFrame, facts: pd.DataFrame, out: pd.DataFrame) -> None:
    """`e` is meters × days."""
    facts = facts.reindex(e.columns)
    out["daily_mean"] = e.mean(axis=1)
    out["daily_variation"] = e.std(axis=1, ddof=0) / e.mean(axis=1)
    mild = e.loc[:, facts["season"].isin([1, 3]).to_numpy()].mean(axis=1)
    out["summer_ratio"] = e.loc[:, facts["season"].eq(2).to_numpy()].mean(axis=1) / mild
    out["winter_ratio"] = e.loc[:, facts["season"].eq(0).to_numpy()].mean(axis=1) / mild
    holiday, weekend = facts["holiday"].to_numpy(), facts["weekend"].to_numpy()
    out["weekend_ratio"] = e.loc[:, weekend & ~holiday].mean(axis=1) / e.loc[:, ~weekend & ~holiday].mean(
        axis=1
    )
    out["daily_autocorrelation_1"] = e.T.corrwith(e.T.shift(1))
    out["growth_within_window"] = e.iloc[:, -28:].mean(axis=1) / e.iloc[:, :28].mean(axis=1) - 1
    above, below = 0.0, 0.0
    for at in np.flatnonzero(holiday):
        near = np.arange(max(0, at - 14), min(len(holiday), at + 15))
        ordinary = e.iloc[:, near[~holiday[near]]].mean(axis=1)
        here = e.iloc[:, at]
        above, below = above + here.fillna(0), below + ordinary.where(here.notna(), 0)
    out["holiday_ratio"] = above / below
    slopes = e.apply(lambda row: _slopes(row, facts), axis=1, result_type="expand")
    out["heating_slope"], out["cooling_slope"] = slopes[0], slopes[1]


def _slopes(row: pd.Series, facts: pd.DataFrame) -> tuple[float, float]:
    known = row.notna().to_numpy()
    design = np.column_stack([np.ones(known.sum()), facts.loc[known, ["heating", "cooling"]]])
    solution = np.linalg.lstsq(design, row[known].to_numpy(), rcond=None)[0]
    return float(solution[1]), float(solution[2])
