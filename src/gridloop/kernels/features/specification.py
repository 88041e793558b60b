"""What is said of every feature, whatever it is."""

from __future__ import annotations

from dataclasses import dataclass

from gridloop.domain.table import Label


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One feature.

    Attributes:
        name: snake_case, the field's standard term.
        label: for people.
        unit: `Wh`, `kW`, `1` for a ratio …
        formula: how it is computed, in the words of `catalogue`.
        tie_rule: which one counts where several are equal; "none" where ties cannot matter.
        minimum_days: usable days below which there is no value.
        minimum_coverage: share of the window's intervals below which there is no value.
        source: where the definition comes from.
        needs: further conditions, or empty.
        vector: whether it is one value by wall-clock slot instead of a number.
    """

    name: str
    label: Label
    unit: str
    formula: str
    tie_rule: str
    minimum_days: int
    minimum_coverage: float
    source: str
    needs: str = ""
    vector: bool = False
