"""The features of one meter, told a second time: plain Python and numpy over float64, no code of the kernels.

Every definition is taken from docs/methods/features.md. Nothing here is fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

Answer = tuple[float | list[float], str]
NAN = float("nan")


@dataclass
class Window:
    """One meter: per day the values in order (NaN missing), and the facts of the day."""

    first: date
    zone: str
    minutes: int
    days: list[list[float]]
    holidays: set[date]
    worked: set[date]
    temperature: list[float]
    periods: dict[int, str]  # wall-clock minute of a slot's start -> period name, the same in all seasons

    def day(self, index: int) -> date:
        return self.first + timedelta(days=index)


def wall_minutes(day: date, zone: str, minutes: int) -> list[int]:
    """Wall-clock minute of each interval of a civil day, walked through in UTC."""
    info = ZoneInfo(zone)
    now = datetime(day.year, day.month, day.day, tzinfo=info).astimezone(UTC)
    walls = []
    while now.astimezone(info).date() == day:
        wall = now.astimezone(info)
        walls.append(wall.hour * 60 + wall.minute)
        now += timedelta(minutes=minutes)
    return walls


def pearson(pairs: list[tuple[float, float]], floor: float) -> tuple[float, str]:
    x, y = np.array(pairs).T
    if np.var(x) <= floor or np.var(y) <= floor:
        return NAN, "constant"
    return float(np.mean((x - x.mean()) * (y - y.mean())) / np.std(x) / np.std(y)), "computed"


def longest(flags: list[bool]) -> int:
    best = now = 0
    for flag in flags:
        now = now + 1 if flag else 0
        best = max(best, now)
    return best


def reference(window: Window) -> dict[str, Answer]:
    """Every feature by name: its value and the code of the reason."""
    return Reference(window).answers()


class Reference:
    def __init__(self, window: Window) -> None:
        self.w = window
        self.walls = [
            wall_minutes(window.day(d), window.zone, window.minutes) for d in range(len(window.days))
        ]
        for values, walls in zip(window.days, self.walls, strict=True):
            assert len(values) == len(walls)
        self.flat = [v for values in window.days for v in values]
        self.present = [v for v in self.flat if not math.isnan(v)]
        self.kilowatt = 60 / window.minutes / 1000
        self.total = math.fsum(self.present)
        self.daily: dict[int, float] = {}
        for d, values in enumerate(window.days):
            here = [v for v in values if not math.isnan(v)]
            if here and len(here) >= len(values) / 2:
                self.daily[d] = math.fsum(here) * len(values) / len(here)
        self.coverage = len(self.present) / len(self.flat)
        self.out: dict[str, Answer] = {}

    def put(self, name: str, days: int, coverage: float, answer: Answer) -> None:
        if not self.present:
            answer = (NAN, "no_data")
        elif len(self.daily) < days:
            answer = (NAN, "too_few_days")
        elif self.coverage < coverage:
            answer = (NAN, "low_coverage")
        self.out[name] = answer

    def answers(self) -> dict[str, Answer]:
        missing = [math.isnan(v) for v in self.flat]
        hours = self.w.minutes / 60
        self.out["missing_share"] = (1 - self.coverage, "computed")
        self.out["longest_missing"] = (longest(missing) * hours, "computed")
        self.volume()
        self.load()
        self.time_of_use()
        self.dynamics()
        self.night()
        self.groups()
        self.temperature()
        self.growth()
        self.profile()
        return self.out

    def mean(self, days: list[int]) -> float:
        return math.fsum(self.daily[d] for d in days) / len(days)

    def volume(self) -> None:
        mean = self.mean(list(self.daily)) if self.daily else NAN
        self.put("total_energy", 0, 0, (self.total, "computed"))
        self.put("daily_mean", 0, 0, (mean, "computed" if self.daily else "too_few_days"))
        peak, at = -math.inf, (0, 0)
        hour_peak = -math.inf
        per_hour = 60 // self.w.minutes
        for d, values in enumerate(self.w.days):
            for i, v in enumerate(values):
                if not math.isnan(v) and v > peak:
                    peak, at = v, (d, i)
            for i in range(0, len(values) - per_hour + 1, per_hour):
                hour = sum(values[i : i + per_hour])
                if not math.isnan(hour):
                    hour_peak = max(hour_peak, hour)
        self.peak = peak
        self.put("peak_power", 0, 0, (peak * self.kilowatt, "computed"))
        self.put("peak_day", 0, 0, (float(self.w.day(at[0]).toordinal()), "computed"))
        minute = self.walls[at[0]][at[1]] if self.walls[at[0]] else 0
        self.put("peak_minute", 0, 0, (float(minute), "computed"))
        known = hour_peak > -math.inf
        self.put(
            "maximum_demand",
            0,
            0,
            (hour_peak / 1000 if known else NAN, "computed" if known else "low_coverage"),
        )
        zeros = [v == 0 for v in self.flat]
        self.put("zero_share", 0, 0, (sum(zeros) / max(1, len(self.present)), "computed"))
        self.put("longest_zero", 0, 0, (longest(zeros) * self.w.minutes / 60, "computed"))
        absolute = math.fsum(abs(v) for v in self.present)
        exported = -math.fsum(v for v in self.present if v < 0)
        self.put(
            "export_share", 0, 0, (exported / absolute, "computed") if absolute > 0 else (NAN, "zero_energy")
        )

    def load(self) -> None:
        fine = self.total > 0 and self.peak > 0
        factor = (self.total / len(self.present) / self.peak, "computed") if fine else (NAN, "zero_energy")
        self.put("load_factor", 7, 0.5, factor)
        complete = [v for v in self.w.days if v and not any(math.isnan(x) for x in v)]
        loaded = [v for v in complete if max(v) > 0]
        if len(complete) < 7:
            answers: list[Answer] = [(NAN, "too_few_days")] * 3
        else:
            peak = (sum(max(v) for v in complete) / len(complete) * self.kilowatt, "computed")
            if len(loaded) < 7:
                answers = [(NAN, "zero_energy"), (NAN, "zero_energy"), peak]
            else:
                factors = [sum(v) / len(v) / max(v) for v in loaded]
                rates = [(max(v) - min(v)) / max(v) for v in loaded]
                answers = [(float(np.mean(factors)), "computed"), (float(np.mean(rates)), "computed"), peak]
        for name, answer in zip(
            ("daily_load_factor", "daily_peak_valley_rate", "mean_daily_peak"), answers, strict=True
        ):
            self.put(name, 7, 0.5, answer)

    def time_of_use(self) -> None:
        energy = dict.fromkeys(("valley", "flat", "peak", "critical"), 0.0)
        evening = 0.0
        known = {self.w.periods[m] for walls in self.walls for m in walls}
        for values, walls in zip(self.w.days, self.walls, strict=True):
            for v, minute in zip(values, walls, strict=True):
                if math.isnan(v):
                    continue
                energy[self.w.periods[minute]] += v
                evening += v if 18 * 60 <= minute < 22 * 60 else 0
        for name, part in {**energy, "evening": evening}.items():
            answer: Answer = (part / self.total, "computed") if self.total > 0 else (NAN, "zero_energy")
            if name != "evening" and name not in known:
                answer = (NAN, "no_such_period")
            self.put(f"{name}_share", 7, 0.5, answer)

    def dynamics(self) -> None:
        fine = self.total > 0
        variation = (
            (float(np.std(self.present) / np.mean(self.present)), "computed")
            if fine
            else (NAN, "zero_energy")
        )
        self.put("interval_variation", 7, 0.5, variation)
        totals = list(self.daily.values())
        mean = float(np.mean(totals)) if totals else 0.0
        daily = (float(np.std(totals)) / mean, "computed") if mean > 0 else (NAN, "zero_energy")
        self.put("daily_variation", 7, 0.5, daily)
        steps = [abs(b - a) for a, b in zip(self.flat, self.flat[1:], strict=False)]
        steps = [s for s in steps if not math.isnan(s)]
        ramp = (np.mean(steps), max(steps)) if steps else (NAN, NAN)
        reason = "computed" if steps else "low_coverage"
        self.put("mean_ramp", 7, 0.5, (float(ramp[0]) * self.kilowatt, reason))
        self.put("maximum_ramp", 7, 0.5, (float(ramp[1]) * self.kilowatt, reason))
        for lag in (1, 7):
            pairs = [(e, self.daily[d + lag]) for d, e in self.daily.items() if d + lag in self.daily]
            answer = pearson(pairs, 1e-10 * mean**2) if len(pairs) >= 21 else (NAN, "too_few_days")
            self.put(f"daily_autocorrelation_{lag}", 28, 0.5, answer)
        self.put("hourly_autocorrelation_24", 28, 0.5, self.hourly())

    def hourly(self) -> Answer:
        per_hour = 60 // self.w.minutes
        pairs = []
        for before, after in zip(self.w.days, self.w.days[1:], strict=False):
            if len(before) != 24 * per_hour or len(after) != 24 * per_hour:
                continue
            for h in range(24):
                cut = slice(h * per_hour, (h + 1) * per_hour)
                x, y = sum(before[cut]), sum(after[cut])
                if not math.isnan(x + y):
                    pairs.append((x, y))
        if len(pairs) < 500:
            return NAN, "too_few_days"
        x, y = np.array(pairs).T
        if np.var(x) <= 1e-10 * x.mean() ** 2 or np.var(y) <= 1e-10 * y.mean() ** 2:
            return NAN, "constant"
        return pearson(pairs, 0.0)

    def night(self) -> None:
        values = []
        for day, walls in zip(self.w.days, self.walls, strict=True):
            values += [v for v, m in zip(day, walls, strict=True) if m < 300 and not math.isnan(v)]
        if len(values) < 7 * 5 * 60 // self.w.minutes:
            answers: tuple[Answer, Answer] = ((NAN, "too_few_nights"), (NAN, "too_few_nights"))
        else:
            base = sorted(values)[math.ceil(len(values) / 10) - 1]
            share = base / (self.total / len(self.present)) if self.total > 0 else NAN
            answers = (
                (base * self.kilowatt, "computed"),
                (share, "computed" if self.total > 0 else "zero_energy"),
            )
        self.put("night_base_load", 7, 0.5, answers[0])
        self.put("base_load_share", 7, 0.5, answers[1])

    def groups(self) -> None:
        month = {d: self.w.day(d).month for d in self.daily}
        mild = [d for d, m in month.items() if m in (3, 4, 5, 9, 10, 11)]
        for name, months in (("summer", (6, 7, 8)), ("winter", (12, 1, 2))):
            days = [d for d, m in month.items() if m in months]
            self.put(
                f"{name}_ratio", 270, 0.5, self.ratio(days, mild, 28, 28, f"no_{name}_days", "no_mild_days")
            )
        off = {d: self.w.day(d) in self.w.holidays for d in self.daily}
        free = {d: self.w.day(d).weekday() >= 5 and self.w.day(d) not in self.w.worked for d in self.daily}
        weekend = [d for d in self.daily if free[d] and not off[d]]
        work = [d for d in self.daily if not free[d] and not off[d]]
        self.put("weekend_ratio", 28, 0.5, self.ratio(weekend, work, 6, 14, "no_weekend_days", "no_workdays"))
        above = below = 0.0
        found = False
        for d in self.daily:
            near = [o for o in self.daily if not off[o] and abs(o - d) <= 14]
            if off[d] and len(near) >= 7:
                found, above, below = True, above + self.daily[d], below + self.mean(near)
        answer: Answer = (NAN, "no_holidays")
        if found:
            answer = (above / below, "computed") if below > 0 else (NAN, "zero_energy")
        self.put("holiday_ratio", 28, 0.5, answer)

    def ratio(
        self, days: list[int], others: list[int], need: int, need_others: int, few: str, few_others: str
    ) -> Answer:
        if len(days) < need:
            return NAN, few
        if len(others) < need_others:
            return NAN, few_others
        divisor = self.mean(others)
        return (self.mean(days) / divisor, "computed") if divisor > 0 else (NAN, "zero_energy")

    def temperature(self) -> None:
        known = [d for d in self.daily if not math.isnan(self.w.temperature[d])]
        y = np.array([self.daily[d] for d in known])
        heat = np.array([max(0.0, 16 - self.w.temperature[d]) for d in known])
        cool = np.array([max(0.0, self.w.temperature[d] - 22) for d in known])
        heats, cools = bool((heat > 0).sum() >= 10), bool((cool > 0).sum() >= 10)
        names = ("heating_slope", "cooling_slope", "temperature_fit")
        if len(known) < 30:
            answers: list[Answer] = [(NAN, "no_temperature")] * 3
        elif not heats and not cools:
            answers = [(NAN, "no_heating_days"), (NAN, "no_cooling_days"), (NAN, "no_heating_days")]
        else:
            answers = self.slopes(y, heat, cool, heats, cools)
        for name, answer in zip(names, answers, strict=True):
            self.put(name, 30, 0.5, answer)

    def slopes(
        self, y: np.ndarray, heat: np.ndarray, cool: np.ndarray, heats: bool, cools: bool
    ) -> list[Answer]:
        columns = ([heat] if heats else []) + ([cool] if cools else [])
        if any(np.var(c) <= 1e-10 for c in columns) or (
            len(columns) == 2 and 1 - np.corrcoef(heat, cool)[0, 1] ** 2 <= 1e-6
        ):
            alike = "collinear_temperature"
            return [
                (NAN, alike if heats else "no_heating_days"),
                (NAN, alike if cools else "no_cooling_days"),
                (NAN, alike),
            ]
        design = np.column_stack([np.ones(len(y)), *columns])
        solution = np.linalg.lstsq(design, y, rcond=None)[0]
        heating: Answer = (float(solution[1]), "computed") if heats else (NAN, "no_heating_days")
        cooling: Answer = (float(solution[-1]), "computed") if cools else (NAN, "no_cooling_days")
        if np.var(y) <= 1e-10 * float(np.mean(list(self.daily.values()))) ** 2:
            return [heating, cooling, (NAN, "constant")]
        fit = 1 - float(np.var(y - design @ solution) / np.var(y))
        return [heating, cooling, (fit, "computed")]

    def growth(self) -> None:
        window = len(self.w.days)
        first = [d for d in self.daily if d < 28]
        last = [d for d in self.daily if d >= window - 28]
        turn = (window - 28) % 365.25
        answer: Answer
        if window < 330 or (min(turn, 365.25 - turn) <= 45 and min(len(first), len(last)) < 21):
            answer = (NAN, "too_few_days")
        elif min(turn, 365.25 - turn) > 45:
            answer = (NAN, "no_comparable_period")
        elif self.mean(first) <= 0:
            answer = (NAN, "zero_energy")
        else:
            answer = (self.mean(last) / self.mean(first) - 1, "computed")
        self.put("growth_within_window", 0, 0.5, answer)
        pairs = [d for d in self.daily if d >= window - 364 and d - 364 in self.daily]
        before = math.fsum(self.daily[d - 364] for d in pairs)
        if len(pairs) < 270:
            answer = (NAN, "less_than_two_years")
        elif before <= 0:
            answer = (NAN, "zero_energy")
        else:
            answer = (math.fsum(self.daily[d] for d in pairs) / before - 1, "computed")
        self.put("growth_year_on_year", 0, 0.5, answer)

    def profile(self) -> None:
        slots: dict[int, list[float]] = {m: [] for m in range(0, 1440, self.w.minutes)}
        for values, walls in zip(self.w.days, self.walls, strict=True):
            for v, minute in zip(values, walls, strict=True):
                if not math.isnan(v):
                    slots[minute].append(v)
        gap: Answer = (NAN, "incomplete_profile")
        answers = [gap, gap, gap]
        if all(slots.values()):
            mean = [math.fsum(v) / len(v) for v in slots.values()]
            zero: Answer = (NAN, "zero_energy")
            ratio: Answer = (max(mean) / min(mean), "computed") if min(mean) > 0 else zero
            shape: Answer = ([v / sum(mean) for v in mean], "computed") if sum(mean) > 0 else zero
            answers = [ratio, ([v * self.kilowatt for v in mean], "computed"), shape]
        for name, answer in zip(("peak_to_valley_ratio", "mean_profile", "shape"), answers, strict=True):
            self.put(name, 7, 0.5, answer)
