"""Customers: found by pseudonym, class, segment and tag; no personal data is here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gridloop.apps.console.segments import segment_names
from gridloop.apps.web.page import Answer, Context, Page, mark
from gridloop.engine.lookup import After, Among, Condition, Contains, Equals, OneOf
from gridloop.insight.tags.catalogue import TagSpec, load_tags

if TYPE_CHECKING:
    import ibis.expr.types as ir

SHOWN = 30
"""Customers at a time."""
SHOWN_TAGS = 3
"""Tags of each that the list names."""

CLASSES: Mapping[str, str] = {
    "residential": mark("home"),
    "shop": mark("shop"),
    "office": mark("office"),
    "industry": mark("industry"),
    "farm": mark("farm"),
    "public": mark("public building"),
    "unknown": mark("not known"),
}
"""What a class of customers is called."""
OWNERS: Mapping[str, tuple[str, str, str]] = {
    "a": ("account", "account_id", "customer_id"),
    "m": ("feature", "meter_id", "customer_id"),
}
"""Where the customer of another thing is found, by the first letter of its pseudonym: table, its id, the customer's."""


def class_name(context: Context, name: str | None) -> str:
    """What a class is called; one that is not known stands for itself."""
    said = CLASSES.get(name or "unknown", name or "")
    return context.text(said)


def tag_specs(context: Context) -> dict[str, TagSpec]:
    """The tags of the catalogue in force, by name."""
    found: dict[str, TagSpec] = context.remembered(
        "tags.specs", lambda: {spec.name: spec for spec in load_tags(context.session.workspace.root)}
    )
    return found


def tag_value(context: Context, spec: TagSpec, value: str | None) -> str | None:
    """A tag's value for people: the label of a choice, yes or no, the place of a decile."""
    if value is None:
        return None
    if spec.kind == "flag":
        return context.words.cell(value == "yes")
    if spec.kind == "decile":
        return context.text("{place} of 10", place=value)
    last = () if spec.otherwise is None else (spec.otherwise,)
    labels = {one.value: one.label for one in (*spec.choices, *last)}
    return context.words.label(labels[value]) if value in labels else value


def _facets(context: Context) -> dict[str, list[list[str]]]:
    """Whatever the list can be narrowed to: pairs of value and text with how many customers have it."""
    words = context.words

    def counted() -> dict[str, Any]:
        view = context.view
        found: dict[str, Any] = {"classes": [], "tags": []}
        rows = view.table("customer")
        found["classes"] = _counts(rows, ("customer_class",))
        if view.exists("tag"):
            tags = view.table("tag")
            found["tags"] = _counts(
                tags.filter(tags.reason.isnull() & tags.value.notnull()), ("tag", "value")
            )
        return found

    known = context.remembered("customers.facets", counted)
    specs = tag_specs(context)
    tags = [
        [
            f"{row['tag']}={row['value']}",
            f"{words.label(spec.label)}: {tag_value(context, spec, row['value'])} ({words.number(row['n'])})",
        ]
        for row in known["tags"]
        for spec in (specs.get(row["tag"]),)
        if spec is not None and spec.kind in ("flag", "choice") and row["value"] != "no"
    ]
    classes = [
        [row["customer_class"], f"{class_name(context, row['customer_class'])} ({words.number(row['n'])})"]
        for row in known["classes"]
    ]
    segments = [[name, label] for name, label in segment_names(context).items()]
    return {"classes": classes, "segments": segments, "tags": sorted(tags, key=lambda pair: pair[1])}


def _counts(rows: ir.Table, by: tuple[str, ...]) -> list[dict[str, Any]]:
    counted = rows.group_by(*by).aggregate(n=rows.count())
    found: list[dict[str, Any]] = counted.order_by(list(by)).to_pyarrow().to_pylist()
    return found


def _owner(context: Context, wanted: str) -> str:
    """The customer behind the pseudonym of an account or meter; what was asked for when it is none."""
    table, key, customer = OWNERS.get(wanted.partition("-")[0], ("", "", ""))
    if not table or not context.view.exists(table):
        return wanted
    found = context.view.find(table, [Equals(key, wanted)], (customer,), limit=1).to_pylist()
    return str(found[0][customer]) if found else wanted


def _chosen(context: Context) -> list[Condition]:
    """Which customers the query string asks for."""
    query = context.query
    where: list[Condition] = []
    wanted = query.get("q", "").strip().lower()
    if wanted:
        where.append(Contains("customer_id", _owner(context, wanted)))
    if query.get("class"):
        where.append(Equals("customer_class", query["class"]))
    if query.get("segment"):
        member = Equals("segment_id", query["segment"])
        where.append(Among("customer_id", "segment_member", "customer_id", (member,)))
    name, _, value = query.get("tag", "").partition("=")
    if name:
        tagged = (Equals("tag", name), Equals("value", value))
        where.append(Among("customer_id", "tag", "customer_id", tagged))
    return where


def customers_page(context: Context) -> Answer:
    """The customers that a search and facets leave, some at a time, each with what is known at a glance."""
    if not context.view.exists("customer"):
        return Answer(facts={"known": False, "total": 0, "more": "", "facets": {}, "wanted": {}, "how": None})
    names = ("q", "class", "segment", "tag")
    wanted = {name: context.query.get(name, "") for name in names}
    chosen = _chosen(context)
    total = context.view.matching("customer", chosen)
    after = context.query.get("after", "")
    rest = [*chosen, After("customer_id", after)] if after else chosen
    columns = ("customer_id", "customer_class", "region_id", "since")
    found = context.view.find("customer", rest, columns, order=("customer_id",), limit=SHOWN + 1).to_pylist()
    more = found[SHOWN - 1]["customer_id"] if len(found) > SHOWN else ""
    shown = found[:SHOWN]
    _describe(context, shown)
    facts = {
        "known": True,
        "total": total,
        "says": context.words.plural("{count} customer", "{count} customers", total),
        "after": after,
        "more": more,
        "facets": _facets(context),
        "wanted": wanted,
        "how": context.basis(
            context.text(
                "Customers of the register as it was imported last, named by pseudonym; tags and energy a year as "
                "the catalogue of tags defines them."
            ),
            ("customer", "tag", "segment_member"),
            "insight.tags",
        ),
    }
    return Answer(shown, facts)


def _describe(context: Context, rows: list[dict[str, Any]]) -> None:
    """Add to each customer its energy, segments and leading tags."""
    view, ids = context.view, [row["customer_id"] for row in rows]
    specs, names = tag_specs(context), segment_names(context)
    tags: list[dict[str, Any]] = []
    members: list[dict[str, Any]] = []
    if view.exists("tag") and ids:
        said = ("customer_id", "tag", "value", "number", "reason")
        tags = view.find("tag", [OneOf("customer_id", ids)], said).to_pylist()
    if view.exists("segment_member") and ids:
        members = view.find(
            "segment_member",
            [OneOf("customer_id", ids)],
            ("customer_id", "segment_id"),
            order=("segment_id",),
        ).to_pylist()
    tagged: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for one in tags:
        if one["reason"] is None:
            tagged[one["customer_id"]][one["tag"]] = one
    for row in rows:
        own = tagged[row["customer_id"]]
        row["annual_kwh"] = own["annual_energy"]["number"] if "annual_energy" in own else None
        row["segments"] = [
            one["segment_id"]
            for one in members
            if one["customer_id"] == row["customer_id"] and one["segment_id"] in names
        ]
        row["tags"] = [name for name, one in sorted(own.items()) if name in specs and one["value"] == "yes"]
        row["class_name"] = class_name(context, row["customer_class"])
        row["tag_names"] = [context.words.label(specs[name].label) for name in row["tags"][:SHOWN_TAGS]]
        row["segment_names"] = [names[name] for name in row["segments"]]


PAGES = (Page("/customers", mark("Customers"), "insight", "customers.html", customers_page),)
