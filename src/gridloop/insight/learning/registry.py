"""Versions of models: which one is used, which one would replace it, and by what proof (docs/methods/learning.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from gridloop.domain.errors import GridloopError, SchemaMismatch, UsageError, did_you_mean
from gridloop.engine.durable import write_durably
from gridloop.insight.learning.columns import Float64
from gridloop.insight.learning.metrics import Judged, average_precision

INDEX = "versions.json"


class PromotionSettings(BaseModel, frozen=True, extra="forbid"):
    """When a challenger replaces the champion."""

    resamples: int = Field(default=400, ge=50, description="Bootstrap draws of the customers.")
    confidence: float = Field(default=0.95, gt=0, lt=1, description="Of the interval of the gain.")
    least_gain: float = Field(
        default=0.0, ge=0, description="Average precision that the lower bound must exceed."
    )
    seed: int = Field(default=20261126, description="Of the draws.")


@dataclass(frozen=True)
class Gain:
    """Average precision of a challenger less that of the champion, on the same customers never seen by either.

    Attributes:
        customers: how many.
        champion, challenger: average precision of each.
        value, low, high: the difference and its interval.
    """

    customers: int
    champion: float
    challenger: float
    value: float
    low: float
    high: float


def paired_gain(
    label: Float64, champion: Float64, challenger: Float64, settings: PromotionSettings | None = None
) -> Gain:
    """The gain with a percentile interval over customers; both models are drawn with the same customers.

    Args:
        label: float64[n], 0 or 1.
        champion, challenger: float64[n], probabilities out of sample.
        settings: bootstrap.

    Raises:
        SchemaMismatch: the arrays differ in length, or no customer of either kind is there.
    """
    settings = settings or PromotionSettings()
    n = len(label)
    if len(champion) != n or len(challenger) != n or not 0 < label.sum() < n:
        raise SchemaMismatch(
            "Two models are compared on the same customers, of whom the label is true of some and false of others.",
            evidence={"labels": n, "champion": len(champion), "challenger": len(challenger)},
        )

    models = [(Judged.of(label, one), np.argsort(-one, kind="stable")) for one in (champion, challenger)]

    def worth(weight: Float64) -> list[float]:
        # `Judged` is sorted by probability, so the weights are brought into its order
        return [average_precision(judged, weight[order]) for judged, order in models]

    first, second = worth(np.ones(n))
    generator = np.random.default_rng(settings.seed)
    draws = []
    for _ in range(settings.resamples):
        before, after = worth(np.bincount(generator.integers(0, n, n), minlength=n).astype(np.float64))
        draws.append(after - before)
    tail = (1.0 - settings.confidence) / 2.0
    known = np.array(draws)[np.isfinite(draws)]
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Gain(n, first, second, second - first, float(low), float(high))


@dataclass(frozen=True)
class ModelVersion:
    """One trained model.

    Attributes:
        name: of what it predicts, such as `arrears`.
        version: first 16 digits of the SHA-256 of its artefact and card; equal content is the same version.
        made_at: when.
        digest: SHA-256 of the artefact.
        card: what it is for, learned from, and how it was judged; plain values.
    """

    name: str
    version: str
    made_at: datetime
    digest: str
    card: Mapping[str, Any]


class ModelRegistry:
    """Versions of models in a folder; whoever changes it holds the workspace lock.

    An artefact is text or JSON that a program can read without running it; nothing here is ever unpickled.

    Args:
        folder: made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, artefact: bytes, card: Mapping[str, Any], made_at: datetime) -> ModelVersion:
        """Keep a trained model as a challenger; the first of its name is the champion. The same again changes nothing.

        Args:
            name: small letters, digits and `_`.
            artefact: the model.
            card: plain values, see `ModelVersion`.
            made_at: aware.

        Raises:
            UsageError: the name cannot be one of a folder.
        """
        if not name or not all(letter.isalnum() or letter == "_" for letter in name) or name != name.lower():
            raise UsageError(
                f"{name!r} cannot be the name of a model.", ways_out=("Use a name such as `arrears`.",)
            )
        digest = hashlib.sha256(artefact).hexdigest()
        told = json.dumps(card, sort_keys=True, ensure_ascii=False)
        version = hashlib.sha256(f"{digest}\0{told}".encode()).hexdigest()[:16]
        index = self._index(name)
        if version in index["versions"]:
            return self._version(name, version, index)
        home = self.folder / name
        home.mkdir(parents=True, exist_ok=True)
        write_durably(home / f"{version}.model", artefact)
        index["versions"][version] = {
            "made_at": made_at.isoformat(),
            "digest": digest,
            "card": json.loads(told),
        }
        if index["champion"] is None:
            self._crown(index, version, made_at, "first", None)
        self._write(name, index)
        return self._version(name, version, index)

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of a model, the newest first."""
        index = self._index(name)
        found = [self._version(name, version, index) for version in index["versions"]]
        return sorted(found, key=lambda one: (one.made_at, one.version), reverse=True)

    def champion(self, name: str) -> ModelVersion | None:
        """The version that is used; None before the first."""
        index = self._index(name)
        return None if index["champion"] is None else self._version(name, index["champion"], index)

    def history(self, name: str) -> list[dict[str, Any]]:
        """Every change of the champion, the oldest first: version, at, why, gain."""
        return list(self._index(name)["history"])

    def artefact(self, one: ModelVersion) -> bytes:
        """The model itself.

        Raises:
            GridloopError: the file is gone or is not what was kept.
        """
        path = self.folder / one.name / f"{one.version}.model"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != one.digest:
            raise GridloopError(
                f"The model {one.name} {one.version} is gone or was altered.",
                evidence={"expected": one.digest[:16], "file": path.name},
                ways_out=("Restore the workspace from its backup.", "Train it again."),
            )
        return content

    def promote(
        self, name: str, version: str, gain: Gain, at: datetime, settings: PromotionSettings | None = None
    ) -> ModelVersion:
        """Let a challenger be the champion, when it was shown to be better.

        Args:
            name, version: the challenger.
            gain: over today's champion, out of sample (`paired_gain`).
            at: aware.
            settings: the least gain.

        Raises:
            UsageError: there is no such version, or the interval of the gain does not lie above the least gain.
        """
        settings = settings or PromotionSettings()
        index = self._index(name)
        if version not in index["versions"]:
            raise UsageError(
                f"There is no version {version!r} of the model {name}.",
                ways_out=did_you_mean(version, index["versions"]),
            )
        if version == index["champion"]:
            return self._version(name, version, index)
        if not gain.low > settings.least_gain:
            raise UsageError(
                f"The challenger {version} of {name} was not shown to be better; the champion stays.",
                evidence={
                    "gain": f"{gain.value:.4f} ({gain.low:.4f} … {gain.high:.4f})",
                    "least gain": settings.least_gain,
                    "customers": gain.customers,
                },
                ways_out=("Judge both on more customers.", "Train another challenger."),
            )
        self._crown(index, version, at, "promoted", gain)
        self._write(name, index)
        return self._version(name, version, index)

    def roll_back(self, name: str, at: datetime) -> ModelVersion:
        """Put the champion before today's back.

        Raises:
            UsageError: there was none.
        """
        index = self._index(name)
        earlier = [one["version"] for one in index["history"] if one["version"] != index["champion"]]
        if not earlier:
            raise UsageError(f"The model {name} has had no other champion.")
        self._crown(index, earlier[-1], at, "rolled back", None)
        self._write(name, index)
        return self._version(name, earlier[-1], index)

    def _crown(self, index: dict[str, Any], version: str, at: datetime, why: str, gain: Gain | None) -> None:
        index["champion"] = version
        told = None if gain is None else {key: getattr(gain, key) for key in gain.__dataclass_fields__}
        index["history"].append({"version": version, "at": at.isoformat(), "why": why, "gain": told})

    def _index(self, name: str) -> dict[str, Any]:
        path = self.folder / name / INDEX
        if not path.is_file():
            return {"champion": None, "versions": {}, "history": []}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def _write(self, name: str, index: Mapping[str, Any]) -> None:
        write_durably(self.folder / name / INDEX, json.dumps(index, ensure_ascii=False, indent=1).encode())

    def _version(self, name: str, version: str, index: Mapping[str, Any]) -> ModelVersion:
        told = index["versions"][version]
        return ModelVersion(
            name, version, datetime.fromisoformat(told["made_at"]), told["digest"], told["card"]
        )
