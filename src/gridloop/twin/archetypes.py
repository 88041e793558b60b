"""How the county's customers spend their days: a few hidden ways of life per class, as windows of activity.

Every number here is the author's choice, made so that class totals and shapes look like published
Chinese load surveys; none of it is
known to a stage, and the labels under which truth names an archetype are opaque and may be permuted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.almanac import Almanac
from gridloop.twin.seeds import Stream

CLASSES = ("residential", "shop", "office", "industry", "farm", "public")
"""Customer classes, in the order of their codes."""

CLASS_SHARES = (0.82, 0.09, 0.03, 0.02, 0.025, 0.015)

Window = tuple[float, float, float]
"""From hour, to hour (may pass midnight), level of activity."""


@dataclass(frozen=True, slots=True)
class Archetype:
    """One way of life.

    Attributes:
        customer_class: one of CLASSES.
        share: weight within the class.
        workday, weekend, holiday: windows of activity; holiday None means as on a weekend.
        quiet: activity outside the windows.
        night: presence outside the windows, 0–1: who is in, asleep or on watch, and may cool or heat.
        soften_hours: smoothing of the windows' edges.
        festival: activity at the height of the Spring Festival, relative to usual.
        school_break: activity in school breaks, relative to usual.
    """

    customer_class: str
    share: float
    workday: tuple[Window, ...]
    weekend: tuple[Window, ...]
    holiday: tuple[Window, ...] | None = None
    quiet: float = 0.2
    night: float = 0.0
    soften_hours: float = 0.5
    festival: float = 1.0
    school_break: float = 1.0


_HOME_WEEKEND = ((8.0, 10.5, 1.0), (11.0, 13.5, 1.3), (14.0, 17.5, 0.8), (17.5, 22.8, 2.0))

ARCHETYPES: tuple[Archetype, ...] = (
    Archetype(
        "residential",
        0.38,
        ((6.3, 8.0, 1.2), (17.8, 22.6, 2.6)),
        _HOME_WEEKEND,
        quiet=0.18,
        night=0.55,
        festival=1.35,
    ),
    Archetype(
        "residential",
        0.24,
        ((6.5, 8.5, 1.1), (10.8, 13.2, 1.5), (14.0, 17.0, 0.6), (17.0, 22.0, 2.2)),
        _HOME_WEEKEND,
        quiet=0.22,
        night=0.6,
        festival=1.3,
    ),
    Archetype(
        "residential",
        0.18,
        ((5.2, 7.5, 1.3), (10.3, 12.3, 1.4), (16.8, 20.8, 2.0)),
        _HOME_WEEKEND,
        quiet=0.2,
        night=0.6,
        festival=1.5,
    ),
    Archetype(
        "residential",
        0.12,
        ((8.0, 9.5, 0.7), (18.5, 25.5, 2.5)),
        ((10.0, 14.0, 1.2), (18.0, 26.0, 2.2)),
        quiet=0.15,
        night=0.45,
        festival=1.2,
    ),
    Archetype(
        "residential",
        0.08,
        ((5.5, 7.0, 1.2), (18.0, 21.5, 2.2)),
        ((7.0, 9.0, 1.0), (17.0, 22.0, 2.0)),
        quiet=0.1,
        night=0.4,
        festival=2.6,
    ),
    Archetype(
        "shop", 0.50, ((8.5, 21.0, 1.6),), ((8.5, 21.8, 1.9),), ((8.5, 22.0, 2.1),), quiet=0.15, festival=0.55
    ),
    Archetype(
        "shop",
        0.32,
        ((9.5, 13.5, 1.9), (16.0, 21.5, 2.2)),
        ((9.5, 14.0, 2.2), (16.0, 22.5, 2.6)),
        quiet=0.25,
        festival=0.75,
    ),
    Archetype("shop", 0.18, ((6.0, 23.0, 1.2),), ((6.0, 23.5, 1.25),), quiet=0.8, night=0.8, festival=0.9),
    Archetype(
        "office",
        0.70,
        ((8.0, 12.0, 2.0), (12.0, 13.5, 1.4), (13.5, 18.0, 2.0)),
        ((9.0, 16.0, 0.5),),
        ((9.0, 16.0, 0.3),),
        quiet=0.22,
        festival=0.35,
    ),
    Archetype(
        "office",
        0.30,
        ((8.0, 21.0, 1.7),),
        ((9.0, 19.0, 0.9),),
        ((9.0, 19.0, 0.5),),
        quiet=0.45,
        night=0.1,
        festival=0.5,
    ),
    Archetype(
        "industry",
        0.45,
        ((7.8, 12.0, 2.1), (13.0, 17.5, 2.1)),
        ((7.8, 12.0, 1.2), (13.0, 17.0, 1.2)),
        ((8.0, 17.0, 0.4),),
        quiet=0.15,
        soften_hours=0.3,
        festival=0.12,
    ),
    Archetype(
        "industry",
        0.33,
        ((7.5, 23.5, 1.6),),
        ((7.5, 23.5, 1.35),),
        ((7.5, 23.5, 0.6),),
        quiet=0.3,
        soften_hours=0.3,
        festival=0.18,
    ),
    Archetype(
        "industry",
        0.22,
        ((0.0, 24.0, 1.0),),
        ((0.0, 24.0, 0.98),),
        ((0.0, 24.0, 0.85),),
        quiet=0.9,
        night=1.0,
        festival=0.45,
    ),
    Archetype(
        "farm",
        0.60,
        ((5.0, 9.0, 1.3), (16.0, 19.5, 1.3)),
        ((5.0, 9.0, 1.2), (16.0, 19.5, 1.2)),
        quiet=0.35,
        night=0.1,
        festival=0.8,
    ),
    Archetype("farm", 0.40, ((5.0, 20.0, 1.2),), ((5.0, 20.0, 1.2),), quiet=0.8, night=1.0, festival=1.0),
    Archetype(
        "public",
        0.35,
        ((7.0, 12.0, 2.2), (13.5, 17.5, 2.0), (18.5, 21.0, 1.0)),
        ((8.0, 12.0, 0.4),),
        quiet=0.15,
        festival=0.6,
        school_break=0.3,
    ),
    Archetype(
        "public",
        0.20,
        ((7.5, 17.5, 1.4), (17.5, 22.0, 1.0)),
        ((8.0, 17.0, 1.15), (17.0, 22.0, 0.95)),
        quiet=0.75,
        night=0.9,
        festival=0.9,
    ),
    Archetype(
        "public", 0.30, ((8.3, 12.0, 2.0), (13.5, 17.8, 2.0)), ((9.0, 12.0, 0.3),), quiet=0.2, festival=0.5
    ),
    Archetype("public", 0.15, ((0.0, 24.0, 1.0),), ((0.0, 24.0, 1.0),), quiet=1.0, night=1.0),
)
"""The ways of life; the last public one is street lighting, which follows darkness alone."""

STREET_LIGHTING = len(ARCHETYPES) - 1


@dataclass(frozen=True, slots=True)
class Shapes:
    """What the archetypes do, as arrays the kernels read.

    Attributes:
        activity: float64 [archetype, kind of day, slot], mean 1 over a workday.
        presence: float64 [archetype, kind of day, slot], 0–1.
        drive: float64 [archetype, day], factor of activity on that day (festival, school breaks).
    """

    activity: NDArray[np.float64]
    presence: NDArray[np.float64]
    drive: NDArray[np.float64]


def shapes(calendar: Almanac) -> Shapes:
    """Shapes of all archetypes at 96 slots a day, and their factors over the calendar's days."""
    raw = np.array([[_levels(archetype, kind) for kind in range(3)] for archetype in ARCHETYPES])
    activity = raw / raw[:, :1].mean(axis=2, keepdims=True)
    top = raw[:, :1].max(axis=2, keepdims=True)
    night = np.array([archetype.night for archetype in ARCHETYPES])[:, None, None]
    presence = np.clip(np.maximum(raw / (0.6 * top), night), 0.0, 1.0)
    festival = np.array([archetype.festival for archetype in ARCHETYPES])[:, None]
    school = np.array([archetype.school_break for archetype in ARCHETYPES])[:, None]
    drive = (1.0 + (festival - 1.0) * calendar.festival**2) * (1.0 + (school - 1.0) * (1.0 - calendar.school))
    return Shapes(activity, presence, drive)


def labels(seed: int, permutation: int | None) -> tuple[str, ...]:
    """The opaque label of each archetype: `K01` … in an order that seed and permutation shuffle."""
    stream = Stream(seed, f"archetype labels/{permutation}")
    order = np.argsort(stream.bits(np.arange(len(ARCHETYPES))))
    return tuple(f"K{int(place) + 1:02d}" for place in np.argsort(order))


def _levels(archetype: Archetype, kind: int) -> NDArray[np.float64]:
    """Activity at 96 slots of one kind of day, edges softened, ends joined around midnight."""
    windows = (archetype.workday, archetype.weekend, archetype.holiday or archetype.weekend)[kind]
    hours = (np.arange(96) + 0.5) / 4.0
    level = np.full(96, archetype.quiet)
    for begin, end, height in windows:
        inside = ((hours >= begin) & (hours < end)) | (hours + 24.0 < end)
        level = np.where(inside, np.maximum(level, height), level)
    distance = np.minimum(np.arange(96), 96 - np.arange(96)) / 4.0
    kernel = np.exp(-0.5 * (distance / archetype.soften_hours) ** 2)
    kernel /= kernel.sum()
    return np.array([(np.roll(kernel, slot) * level).sum() for slot in range(96)])
