"""The county's distribution network: substations, feeders, transformers and where they stand.

The county lies in the open sea on purpose: no real household can be meant by its positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridloop.twin.premises import Premises, capacity_above, opaque_ids
from gridloop.twin.seeds import Stream
from gridloop.twin.settings import TwinSettings

COUNTY = "澜禾县"
COUNTY_ID = "LH"
STATION_ID = "LH-WX-01"
CENTRE = (33.0, 123.0)
"""Latitude and longitude of the county's centre, degrees."""

TOWNS = ("东堰镇", "柳渡镇", "青荻镇", "磐桥镇", "南埠镇", "鹤湾镇")
VILLAGES = ("上圩村", "莲汀社区", "槐荫社区")

PREMISES_A_TRANSFORMER = 48
TRANSFORMERS_A_FEEDER = 12
FEEDERS_A_SUBSTATION = 6
OWN_TRANSFORMER_KVA = 100.0
"""From this capacity on a customer has a transformer of its own."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    """Who hangs on what. Transformers: first the public ones, then the customers' own.

    Attributes:
        feeder_of_transformer, substation_of_feeder: indices.
        transformer_of_premise: index into transformers.
        transformer_id, feeder_id, substation_id: identifiers.
        transformer_kva: ratings.
        transformer_public: whether the utility owns it.
        town_of_feeder, village_of_premise: indices into TOWNS and VILLAGES.
        transformer_position, substation_position, premise_position: [n, 2] latitude and longitude, degrees.
    """

    feeder_of_transformer: Ints
    substation_of_feeder: Ints
    transformer_of_premise: Ints
    transformer_id: list[str]
    feeder_id: list[str]
    substation_id: list[str]
    transformer_kva: Floats
    transformer_public: NDArray[np.bool_]
    town_of_feeder: Ints
    village_of_premise: Ints
    transformer_position: Floats
    substation_position: Floats
    premise_position: Floats

    def feeder_of_premise(self) -> Ints:
        """Feeder index of each premise."""
        result: Ints = self.feeder_of_transformer[self.transformer_of_premise]
        return result

    def region_of_premise(self) -> list[str]:
        """Village id of each premise."""
        towns = self.town_of_feeder[self.feeder_of_premise()]
        return [village_id(int(t), int(v)) for t, v in zip(towns, self.village_of_premise, strict=True)]


def town_id(town: int) -> str:
    """Region id of a town."""
    return f"{COUNTY_ID}{town + 1:02d}"


def village_id(town: int, village: int) -> str:
    """Region id of a village or community of a town."""
    return f"{town_id(town)}{village + 1:02d}"


def town_positions(seed: int) -> Floats:
    """float64 [towns, 2] latitude and longitude of the towns' centres, degrees."""
    return _scattered(Stream(seed, "town place"), np.arange(len(TOWNS)), np.array([CENTRE]), 9.0)


def draw_network(settings: TwinSettings, premises: Premises) -> Network:
    """The network that serves the premises, 48 of them behind a public transformer."""
    seed, who = settings.seed, np.arange(len(premises))
    block = who // PREMISES_A_TRANSFORMER
    public = int(block[-1]) + 1
    own = np.flatnonzero(premises.capacity_kva >= OWN_TRANSFORMER_KVA)
    feeder_of_transformer = np.concatenate([np.arange(public), block[own]]) // TRANSFORMERS_A_FEEDER
    feeders = int(feeder_of_transformer[:public].max()) + 1
    substation_of_feeder = np.arange(feeders) // FEEDERS_A_SUBSTATION
    transformer_of_premise = block.copy()
    transformer_of_premise[own] = public + np.arange(len(own))
    demand = np.bincount(transformer_of_premise, weights=premises.capacity_kva, minlength=public + len(own))
    is_public = np.arange(public + len(own)) < public
    numbers = np.concatenate([2 * np.arange(public), 2 * own + 1])
    town_of_feeder = Stream(seed, "town").choice([1] * len(TOWNS), np.arange(feeders))
    towns = town_positions(seed)
    place = _scattered(
        Stream(seed, "transformer place"), numbers, towns[town_of_feeder[feeder_of_transformer]], 1.3
    )
    substations = np.arange(int(substation_of_feeder[-1]) + 1)
    return Network(
        feeder_of_transformer=feeder_of_transformer,
        substation_of_feeder=substation_of_feeder,
        transformer_of_premise=transformer_of_premise,
        transformer_id=opaque_ids("TG", 8, numbers, seed),
        feeder_id=[f"L{index + 1:04d}" for index in range(feeders)],
        substation_id=[f"SUB{index + 1:03d}" for index in substations],
        transformer_kva=capacity_above(np.maximum(np.where(is_public, 0.3, 1.0) * demand, 50.0)),
        transformer_public=is_public,
        town_of_feeder=town_of_feeder,
        village_of_premise=Stream(seed, "village").choice([1] * len(VILLAGES), block),
        transformer_position=place,
        substation_position=_scattered(
            Stream(seed, "substation place"), substations, np.array([CENTRE]), 6.0
        ),
        premise_position=_scattered(Stream(seed, "premise place"), who, place[transformer_of_premise], 0.18),
    )


def _scattered(stream: Stream, numbers: Ints, around: Floats, spread_km: float) -> Floats:
    """Normal scatter around given positions; 1 km is 0.008993° of latitude."""
    degree = 0.008993 * spread_km
    north = around[:, 0] + degree * stream.normal(numbers, 0)
    east = around[:, 1] + degree / np.cos(np.radians(CENTRE[0])) * stream.normal(numbers, 1)
    return np.round(np.column_stack([north, east]), 6)
