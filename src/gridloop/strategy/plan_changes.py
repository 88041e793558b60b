"""How one plan differs from another, as a list of single changes that a person can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gridloop.ledger.plans import PlanContent

LABELS: Mapping[str, str] = {
    "audience.list_digest": "the list of accounts (digest)",
    "audience.considered": "accounts considered",
    "audience.selected": "accounts selected",
    "audience.treated": "accounts offered it",
    "audience.held_out": "accounts held out",
    "settings.arms.holdout": "share held out",
    "settings.arms.offer": "share offered it",
    "settings.channel_order": "channels, first one first",
    "expectation.assumed_effect_percent": "effect assumed, percent",
    "expectation.low_effect_percent": "effect assumed, lower end",
    "expectation.high_effect_percent": "effect assumed, upper end",
    "expectation.source": "where that comes from",
    "expectation.assumed_uptake": "share that enrols",
    "expectation.mde_percent": "detectable effect, percent",
    "expectation.power": "power",
    "expectation.units_needed": "accounts needed for 80 % power",
    "expectation.net_value": "expected net value",
    "expectation.cost.total": "cost",
}
"""Words for the changes that matter most, in the order in which they are told."""

UNTOLD = ("manifest", "audience.as_of", "expectation.days", "previous_plan_id", "expectation.mde")
"""Parts whose changes say nothing to a person, or the same as another."""

_NAMES = ("name", "code")
_LESSON = "expectation.learned."


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that two plans say differently.

    Attributes:
        path: where in the documents, parts with dots between them.
        label: what it is, in words if there are any.
        before, after: None where a plan does not have it.
    """

    path: str
    label: str
    before: object
    after: object


def plan_changes(before: PlanContent, after: PlanContent) -> list[Change]:
    """Every difference, those with words of their own first, in one order.

    Args:
        before: the plan that is compared with, such as the previous one.
        after: the plan that is read.
    """
    old, new = (dict(_flat(asdict(plan), "")) for plan in (before, after))
    paths = [path for path in dict.fromkeys((*old, *new)) if not _untold(path)]
    order = {path: place for place, path in enumerate(LABELS)}
    changed = [path for path in paths if old.get(path) != new.get(path)]
    # lessons come after what has words of its own, and before the rest
    changed.sort(key=lambda path: (order.get(path, len(order)), not path.startswith(_LESSON), path))
    return [Change(path, _label(path), old.get(path), new.get(path)) for path in changed]


def _label(path: str) -> str:
    if path.startswith(_LESSON):
        return "learned"
    return LABELS.get(path) or path.replace("_", " ").replace(".", " › ")


def _untold(path: str) -> bool:
    if path.startswith(_LESSON):
        # a lesson is told by its sentence; code and evidence stand in the plan
        return not path.endswith(".text_en")
    return any(path == part or path.startswith(f"{part}.") for part in UNTOLD)


def _flat(value: Any, path: str) -> Iterator[tuple[str, object]]:
    """Leaves with their path; members of a list are known by their name, and a list of plain values is one leaf."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and all(isinstance(part, Mapping) for part in value):
        for place, part in enumerate(value):
            name = next((part[key] for key in _NAMES if key in part), place)
            yield from _flat(part, f"{path}.{name}")
    else:
        yield path, list(value) if isinstance(value, tuple) else value
