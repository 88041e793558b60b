"""What the `tag` commands and pages answer: the catalogue with who has which value, and one customer's tags."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Any

from gridloop.domain.errors import UsageError
from gridloop.engine.lookup import Equals

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from gridloop.apps.wiring import Session
    from gridloop.engine.view import LakeView
    from gridloop.insight.tags.catalogue import TagSpec


def tag_rows(session: Session) -> list[dict[str, Any]]:
    """Every tag of the catalogue in force: what it means, and how many customers have each value or lack it.

    `values` counts customers by value (of a number there is the `median` instead), `reasons` those who lack it by
    reason; all three are None for a tag that has not been given yet.
    """
    from gridloop.insight.tags.catalogue import load_tags

    catalogue = load_tags(session.workspace.root)
    with closing(session.published()) as view:
        given = _counts(view.table("tag"), catalogue.specs) if view.exists("tag") else {}
    return [_described(spec, session) | given.get(spec.name, _NOT_GIVEN) for spec in catalogue]


_NOT_GIVEN: dict[str, Any] = {
    "customers": None,
    "lacking": None,
    "values": None,
    "median": None,
    "reasons": None,
}


def _described(spec: TagSpec, session: Session) -> dict[str, Any]:
    return {
        "tag": spec.name,
        "label": spec.label.en,
        "label_zh": spec.label.zh,
        "kind": spec.kind,
        "definition": spec.definition.en,
        "definition_zh": spec.definition.zh,
        "formula": spec.formula,
        "unit": session.workspace.config.currency if spec.unit == "currency" else spec.unit,
        "minimum_days": spec.minimum_days,
        "full_days": spec.full_days,
        "owner": spec.owner.value,
        "privacy": spec.privacy.value,
        "requirements": list(spec.requirements),
    }


def _counts(rows: ir.Table, specs: tuple[TagSpec, ...]) -> dict[str, dict[str, Any]]:
    """Customers by value and by reason of absence of every tag that was given."""
    numbers = [spec.name for spec in specs if spec.kind == "number"]
    known = rows.filter(rows.reason.isnull())
    closed = known.filter(known.tag.notin(numbers)) if numbers else known
    values = _grouped(closed, "value")
    reasons = _grouped(rows.filter(rows.reason.notnull()), "reason")
    summed = known.group_by("tag").aggregate(customers=known.count(), median=known.number.median())
    totals = {row["tag"]: row for row in summed.to_pyarrow().to_pylist()}
    found = {}
    for spec in specs:
        if spec.name not in totals and spec.name not in reasons:
            continue
        total = totals.get(spec.name, {"customers": 0, "median": None})
        said = values.get(spec.name, {})
        order = {value: place for place, value in enumerate(_ordered(spec))}
        found[spec.name] = {
            "customers": total["customers"],
            "lacking": sum(reasons.get(spec.name, {}).values()),
            "values": dict(sorted(said.items(), key=lambda item: order.get(item[0], len(order)))),
            "median": total["median"] if spec.kind == "number" else None,
            "reasons": dict(sorted(reasons.get(spec.name, {}).items(), key=lambda item: (-item[1], item[0]))),
        }
    return found


def _grouped(rows: ir.Table, column: str) -> dict[str, dict[str, int]]:
    counted = rows.group_by("tag", column).aggregate(customers=rows.count()).to_pyarrow().to_pylist()
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in counted:
        found[row["tag"]][row[column]] = row["customers"]
    return found


def _ordered(spec: TagSpec) -> tuple[str, ...]:
    """The values of a tag in the order of its definition; of a decile 1 to 10."""
    return tuple(str(decile) for decile in range(1, 11)) if spec.kind == "decile" else spec.values


def customer_tags(session: Session, view: LakeView, customer: str) -> list[dict[str, Any]]:
    """One customer's tags: value, confidence, and why there is none.

    Args:
        session: whose catalogue of tags is in force.
        view: the tables.
        customer: pseudonym.

    Raises:
        UsageError: no customer of that name has been tagged.
    """
    from gridloop.insight.tags.catalogue import load_tags
    from gridloop.insight.tags.reasons import reason_label

    found_rows = view.find("tag", [Equals("customer_id", customer)]).to_pylist()
    rows: dict[str, dict[str, Any]] = {row["tag"]: row for row in found_rows}
    if not rows:
        raise UsageError(
            f"No customer {customer!r} has been tagged.",
            ways_out=(
                "Customers are named by their pseudonym: `gridloop data profile customer`, "
                "`gridloop segment members NAME`.",
                f"If they were just imported: gridloop run -w {session.workspace.root}",
            ),
        )
    found = []
    for spec in load_tags(session.workspace.root):
        if spec.name not in rows:
            continue
        row = rows[spec.name]
        described = _described(spec, session)
        found.append(
            {name: described[name] for name in ("tag", "label", "label_zh")}
            | {"value": row["value"], "says": _says(spec, row["value"])}
            | {"unit": described["unit"]}
            | {name: row[name] for name in ("number", "confidence", "reason")}
            | {"why_not": reason_label(row["reason"]).en if row["reason"] else None}
            | {name: row[name] for name in ("window_start", "window_end", "as_of")}
        )
    return found


def _says(spec: TagSpec, value: str | None) -> str | None:
    """A value for people: the label of a choice, the place of a decile."""
    if value is None or spec.kind in ("flag", "number"):
        return value
    if spec.kind == "decile":
        return f"{value} of 10"
    choices = {choice.value: choice.label.en for choice in spec.choices}
    if spec.otherwise is not None:
        choices[spec.otherwise.value] = spec.otherwise.label.en
    return choices.get(value, value)
