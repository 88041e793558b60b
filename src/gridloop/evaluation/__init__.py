"""The evaluation stage: judges what happened, with an interval or not at all.

The door is a few verbs; they are imported on first use, so that naming this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridloop.evaluation.effects import campaign_effects
    from gridloop.evaluation.lift import adjusted_difference, difference, stratified_difference, verdict
    from gridloop.evaluation.panel import panel_effect
    from gridloop.evaluation.placebo import check_placebos

__all__ = [
    "adjusted_difference",
    "campaign_effects",
    "check_placebos",
    "difference",
    "panel_effect",
    "stratified_difference",
    "verdict",
]

_HOMES = {
    "adjusted_difference": "gridloop.evaluation.lift",
    "campaign_effects": "gridloop.evaluation.effects",
    "check_placebos": "gridloop.evaluation.placebo",
    "difference": "gridloop.evaluation.lift",
    "panel_effect": "gridloop.evaluation.panel",
    "stratified_difference": "gridloop.evaluation.lift",
    "verdict": "gridloop.evaluation.lift",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gridloop.evaluation' has no attribute {name!r}")
