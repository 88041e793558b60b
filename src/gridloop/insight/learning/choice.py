"""Which model is promoted: decided on predictions of train out of fold, before any test label is read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel

from gridloop.domain.errors import UsageError
from gridloop.insight.learning.columns import Float64


class ChoiceSettings(BaseModel, frozen=True, extra="forbid"):
    """The rule of promotion.

    resamples: bootstrap draws of the difference in log loss.
    confidence: by which a challenger must be better than the model before it.
    seed: of the draws.
    """

    resamples: int = 400
    confidence: float = 0.95
    seed: int = 7


def choose(label: Float64, candidates: Mapping[str, Float64], settings: ChoiceSettings | None = None) -> str:
    """The champion among candidates in order of simplicity: a later one wins only where it is surely better.

    A challenger takes over where its mean log loss is lower than the champion's in `confidence` of the paired bootstrap
    draws of customers. So of equal models the simpler one, which explains itself, stays.

    Args:
        label: float64[n] of the customers of train.
        candidates: calibrated out-of-fold probability by name, simplest first; only models that may be promoted.
        settings: of the rule.

    Raises:
        UsageError: no model may be promoted.
    """
    settings = settings or ChoiceSettings()
    if not candidates:
        raise UsageError("No model may be promoted.")
    losses = {name: -np.log(np.where(label > 0, p, 1.0 - p)) for name, p in candidates.items()}
    names = list(losses)
    champion = names[0]
    for challenger in names[1:]:
        gain = losses[champion] - losses[challenger]
        generator = np.random.default_rng(settings.seed)
        n = len(gain)
        means = [gain[generator.integers(0, n, n)].mean() for _ in range(settings.resamples)]
        if float(np.mean(np.array(means) > 0)) >= settings.confidence:
            champion = challenger
    return champion
