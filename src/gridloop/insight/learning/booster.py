"""Gradient-boosted trees (LightGBM) as a mean over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from gridloop.insight.learning.calibration import logit, sigmoid
from gridloop.insight.learning.columns import Columns, Float64


class BoosterSettings(BaseModel, frozen=True, extra="forbid"):
    """Trees and how they are grown.

    rounds: trees of each seed.
    learning_rate: weight of each tree.
    leaves: at most, of a tree.
    smallest_leaf: customers.
    column_share, row_share: drawn for each tree.
    l2: ridge on leaf values.
    bins: of a column.
    extra_trees: thresholds drawn at random, which smooths small data.
    seeds: models averaged in the logit.
    threads: of LightGBM; more than one is slower beside other work.
    monotone: +1 or −1 by column where the direction is declared.
    """

    rounds: int = 300
    learning_rate: float = 0.05
    leaves: int = 31
    smallest_leaf: int = 60
    column_share: float = 0.4
    row_share: float = 0.8
    l2: float = 5.0
    bins: int = 127
    extra_trees: bool = False
    seeds: int = 1
    threads: int = 1
    monotone: Mapping[str, int] = {}

    def parameters(self, names: tuple[str, ...], seed: int) -> dict[str, Any]:
        """As LightGBM calls them."""
        return {
            "objective": "binary",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_child_samples": self.smallest_leaf,
            "feature_fraction": self.column_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "max_bin": self.bins,
            "extra_trees": self.extra_trees,
            "monotone_constraints": [self.monotone.get(name, 0) for name in names],
            "num_threads": self.threads,
            "force_col_wise": True,
            "deterministic": True,
            "verbose": -1,
            "seed": seed,
        }


@dataclass(frozen=True)
class FittedBooster:
    """Trees of each seed; columns are found by name.

    Attributes:
        names: columns in the order of the trees.
        boosters: `lightgbm.Booster` of each seed.
    """

    names: tuple[str, ...]
    boosters: tuple[Any, ...]

    def probability(self, columns: Columns) -> Float64:
        """float64[n], mean over seeds in the logit."""
        values = columns.only(self.names).values
        return sigmoid(np.mean([logit(one.predict(values, num_threads=1)) for one in self.boosters], axis=0))

    def gain(self) -> dict[str, float]:
        """Share of the total gain by column, highest first."""
        total = np.sum([one.feature_importance("gain") for one in self.boosters], axis=0)
        shares = total / max(float(total.sum()), 1e-12)
        return {self.names[i]: float(shares[i]) for i in np.argsort(-shares, kind="stable")}


@dataclass(frozen=True)
class Booster:
    """LightGBM on some columns.

    Attributes:
        settings: see `BoosterSettings`.
        groups: what stands before the dot in the names of the columns to learn from; all columns where None.
    """

    settings: BoosterSettings
    groups: tuple[str, ...] | None = None

    def fit(self, columns: Columns, label: Float64) -> FittedBooster:
        """See `Learner.fit`."""
        import lightgbm

        used = columns
        if self.groups is not None:
            used = columns.only(n for n in columns.names if n.partition(".")[0] in self.groups)
        parameters = self.settings.parameters(used.names, 0)
        data = lightgbm.Dataset(
            used.values, label, params=parameters, free_raw_data=False
        )  # read again by each seed
        boosters = [
            lightgbm.train({**parameters, "seed": seed}, data, self.settings.rounds)
            for seed in range(1, self.settings.seeds + 1)
        ]
        return FittedBooster(used.names, tuple(boosters))
