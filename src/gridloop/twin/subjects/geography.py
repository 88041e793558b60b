"""A map of a county that does not exist: its border, towns, a river and roads, as GeoJSON in WGS 84.

Each place of the county belongs to the nearest town, so that towns are cells of a Voronoi diagram cut by the border.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.archive import Row, write_csv
from gridloop.twin.network import CENTRE, COUNTY, COUNTY_ID, TOWNS, town_id, town_positions
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings

RIVER, RADIUS_KM = "澜河", 26.0
_KM_A_DEGREE = 1.0 / 0.008993
_KNOWN = "2003-06-02T02:10:00+08:00"

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing on the map: kind county, town, river or road; GeoJSON geometry of longitudes and latitudes."""

    feature_id: str
    kind: str
    name: str
    region_id: str | None
    geometry: dict[str, Any]


def features(settings: TwinSettings) -> list[Feature]:
    """The county's map."""
    border, towns = _border(settings), _to_km(town_positions(settings.seed))
    found = [Feature("G-BORDER", "county", COUNTY, COUNTY_ID, _polygon(border))]
    for index, name in enumerate(TOWNS):
        cell = _cell(border, towns, index)
        found.append(Feature(f"G-TOWN{index + 1}", "town", name, town_id(index), _polygon(cell)))
    found.append(Feature("G-RIVER", "river", RIVER, None, _line(_river(settings))))
    for number, (a, b) in enumerate(_tree(towns), start=1):
        name = f"{TOWNS[a][:2]}{TOWNS[b][:2]}路"
        road = _bent(settings, towns[a], towns[b], number)
        found.append(Feature(f"G-ROAD{number}", "road", name, None, _line(road)))
    return found


def write_geography(folder: Path, settings: TwinSettings) -> None:
    """geography.geojson for maps, and map_feature.csv, which says the same row by row."""
    found = features(settings)
    collection = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": each.feature_id,
                "properties": {"kind": each.kind, "name": each.name, "region_id": each.region_id},
                "geometry": each.geometry,
            }
            for each in found
        ],
    }
    text = json.dumps(collection, ensure_ascii=False, separators=(",", ":"))
    (folder / "geography.geojson").write_text(text + "\n", encoding="utf-8")
    rows: list[Row] = [
        (e.feature_id, e.kind, e.name, e.region_id, json.dumps(e.geometry, separators=(",", ":")), _KNOWN)
        for e in found
    ]
    write_csv(folder / "map_feature.csv", "FEATURE_ID KIND NAME REGION_ID GEOMETRY UPDATED_AT", rows)


def _to_km(positions: Points) -> Points:
    """Latitude and longitude to km east and north of the county's centre."""
    north = (positions[:, 0] - CENTRE[0]) * _KM_A_DEGREE
    east = (positions[:, 1] - CENTRE[1]) * _KM_A_DEGREE * np.cos(np.radians(CENTRE[0]))
    return np.column_stack([east, north])


def _degrees(points: Points) -> list[list[float]]:
    """Longitude and latitude of points in km."""
    latitude = CENTRE[0] + points[:, 1] / _KM_A_DEGREE
    longitude = CENTRE[1] + points[:, 0] / (_KM_A_DEGREE * np.cos(np.radians(CENTRE[0])))
    degrees: list[list[float]] = np.round(np.column_stack([longitude, latitude]), 5).tolist()
    return degrees


def _polygon(points: Points) -> dict[str, Any]:
    ring = _degrees(points)
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _line(points: Points) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": _degrees(points)}


def _border(settings: TwinSettings) -> Points:
    """A closed curve around the centre, counterclockwise, seen whole from it."""
    angle = np.linspace(0.0, 2.0 * np.pi, 96, endpoint=False)
    stream, radius = Stream(settings.seed, "border"), np.full(96, 1.0)
    for wave in range(2, 9):
        u = stream.uniform(wave, np.arange(2))
        radius += 0.16 / wave * (0.5 + u[0]) * np.cos(wave * angle + 2.0 * np.pi * u[1])
    ring: Points = RADIUS_KM * radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return ring


def _cell(border: Points, towns: Points, index: int) -> Points:
    """The part of the border's inside that lies nearest to one town (Sutherland and Hodgman 1974)."""
    ring = border
    for other in range(len(towns)):
        if other != index:
            middle, away = (towns[index] + towns[other]) / 2.0, towns[other] - towns[index]
            ring = _cut(ring, middle, away)
    return ring


def _cut(ring: Points, middle: Points, away: Points) -> Points:
    """The points of a ring on the near side of a line, and where the ring crosses it."""
    side = (ring - middle) @ away
    kept: list[Points] = []
    for here in range(len(ring)):
        after = (here + 1) % len(ring)
        if side[here] <= 0.0:
            kept.append(ring[here])
        if (side[here] <= 0.0) != (side[after] <= 0.0):
            share = side[here] / (side[here] - side[after])
            kept.append(ring[here] + share * (ring[after] - ring[here]))
    return np.array(kept)


def _river(settings: TwinSettings) -> Points:
    """From the north-west to the south-east through the county, in bends."""
    along = np.linspace(-1.15, 1.15, 80)
    u = Stream(settings.seed, "river").uniform(np.arange(8))
    bends = sum(
        3.2 / wave * (0.5 + u[wave]) * np.sin(wave * 2.2 * along + 6.28 * u[wave + 3]) for wave in (1, 2, 3)
    )
    slope = np.array([np.cos(-0.7), np.sin(-0.7)])
    across = np.array([-slope[1], slope[0]])
    line: Points = RADIUS_KM * along[:, None] * slope + np.asarray(bends)[:, None] * across
    return line


def _tree(towns: Points) -> Iterator[tuple[int, int]]:
    """The shortest roads that join all towns (Prim 1957)."""
    joined, left = [0], set(range(1, len(towns)))
    while left:
        a, b = min(
            ((a, b) for a in joined for b in sorted(left)),
            key=lambda pair: float(np.hypot(*(towns[pair[0]] - towns[pair[1]]))),
        )
        yield a, b
        joined.append(b)
        left.remove(b)


def _bent(settings: TwinSettings, a: Points, b: Points, number: int) -> Points:
    along = np.linspace(0.0, 1.0, 12)
    bend = 0.12 * float(Stream(settings.seed, "road").normal(number)[0]) * np.sin(np.pi * along)
    across = np.array([a[1] - b[1], b[0] - a[0]])
    line: Points = a + along[:, None] * (b - a) + bend[:, None] * across
    return line
