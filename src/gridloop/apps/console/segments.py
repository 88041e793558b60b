"""Segments: who the groups are, how far each certificate holds, who is in one, and what plays made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gridloop.apps.console.jobs import whole
from gridloop.apps.jobs.standing import Standing, standing
from gridloop.apps.segments import certified, hidden_rows, member_rows, segment_rows
from gridloop.apps.web.charts import Lines, Series, charted
from gridloop.apps.web.drawing import PHONE, curve, sparkline, twice
from gridloop.apps.web.page import Answer, Context, Page, mark
from gridloop.domain.errors import UsageError
from gridloop.insight.segments.build import SegmentSettings
from gridloop.strategy.playbook.store import load_playbook

if TYPE_CHECKING:
    import ibis.expr.types as ir

SHOWN = 15
"""Members at a time."""
LEAST = SegmentSettings().minimum_members
"""Members below which nothing is told."""
JOB = "insight.segments"

VERDICTS: Mapping[str, tuple[str, str]] = {
    "stable": (mark("stable"), "good"),
    "unstable": (mark("unstable"), "warn"),
    "fixed": (mark("fixed rule"), "calm"),
}
"""What the verdict of a certificate is called, and its colour; one that is not here stands for itself."""

METHODS: Mapping[str, str] = {"rule": mark("rule"), "cluster": mark("clustering")}
CHANNELS: Mapping[str, str] = {
    "app": mark("app"),
    "email": mark("e-mail"),
    "sms": mark("text message"),
    "phone": mark("telephone"),
    "mail": mark("letter"),
    "visit": mark("visit"),
}
"""What a channel is called."""
UNITS: Mapping[str, str] = {"customer": mark("customers"), "account": mark("accounts")}

REASONS: Mapping[str, str] = {
    "exact_by_definition": mark("The rule is the definition: every member meets it."),
    "fixed_rule": mark("A rule does not change with who else is there."),
    "too_few_profiles": mark("Too few members have a complete mean day."),
    "no_consumption": mark("Members feed in more than they use."),
    "no_customers": mark("There is no customer to judge by."),
    "too_few_units": mark("Fewer than four members have a known daily energy."),
    "no_plain_rule": mark("No rule of three questions finds mostly members."),
}
"""Why a part of a certificate cannot be computed, for translation."""


def _certificates(context: Context) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = context.remembered("segments", lambda: segment_rows(context.session))
    return found


def segment_names(context: Context) -> dict[str, str]:
    """The segments that are shown: what each is called, by id."""
    return {row["segment_id"]: row[f"name_{context.words.language}"] for row in _certificates(context)}


def _hidden(context: Context) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = context.remembered("segments.hidden", lambda: hidden_rows(context.session))
    return found


def _state(context: Context) -> str:
    state: Standing = context.remembered("segments.state", lambda: standing(context.session, JOB))
    return state.value


def _basis(context: Context, meaning: str, *more: str) -> dict[str, Any]:
    return context.basis(meaning, ("segment", "segment_member", *more), JOB)


def why_not(context: Context, value: Any) -> str | None:
    """Why a part of a certificate has no value, in the reader's language; None when it has one."""
    if isinstance(value, Mapping) and "not_computable" in value:
        return context.text(REASONS.get(str(value["not_computable"]), str(value["reason"])))
    return None


def verdict(context: Context, row: Mapping[str, Any]) -> list[str]:
    """What a segment's verdict is called, and its colour."""
    name = str(row["certificate"]["verdict"])
    said, colour = VERDICTS.get(name, (name, "calm"))
    return [context.text(said), colour]


def _method(context: Context, row: Mapping[str, Any]) -> str:
    said = METHODS[row["method"]]
    return context.text(said)


def _summary(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    """One segment as a row of the list."""
    document = row["certificate"]
    return {
        "segment": row["segment_id"],
        "name": row[f"name_{context.words.language}"],
        "method": row["method"],
        "members": row["members"],
        "share": row["members"] / document["population"] if document["population"] else None,
        "reachable": row["reachable"],
        "highest": _highest(document["mean_shape"]),
        "peak_share": document["peak_share"].get("value"),
        "stability": row["stability"],
        "verdict": document["verdict"],
        "rule": row["rule"],
        "as_of": row["as_of"],
    }


def segments_page(context: Context) -> Answer:
    """A card for each segment that is shown, and why others are not."""
    found = _certificates(context)
    rows = [_summary(context, row) for row in found]
    spark = []
    for row in found:
        shape = row["certificate"]["mean_shape"]
        known = not isinstance(shape, Mapping)
        spark.append(sparkline(shape, _shape_title(context, shape), 300, 64) if known else "")
    facts = {
        "state": _state(context),
        "hidden": [_hidden_told(context, row) for row in _hidden(context)],
        "least": LEAST,
        "verdicts": {row["segment_id"]: verdict(context, row) for row in found},
        "methods": {name: context.text(said) for name, said in METHODS.items()},
        "how": _basis(
            context,
            context.text(
                "Members meet the rule, or lie nearest to the cluster's centre. The curve is the share of the "
                "day's energy in each hour, of all members together."
            ),
        ),
    }
    return Answer(rows, facts, {"spark": spark})


def _hidden_told(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    """A definition that gives no segment, and why: the rule of small cells, and what customers lack for it."""
    said = (
        context.text("No clusters of {least} members can be made.", least=LEAST)
        if row["method"] == "cluster"
        else context.text("Fewer than {least} members: a group so small is not told.", least=LEAST)
    )
    return {
        "segment": row["segment"],
        "name": _defined(context, row["segment"], row["name"]),
        "method": row["method"],
        "why": said,
        "besides": str(row["why"]).partition("; ")[2],
    }


def _defined(context: Context, name: str, english: str) -> str:
    """The name of a definition in the reader's language."""
    from gridloop.insight.segments.definition import load_segments

    definitions = load_segments(context.session.workspace.root)
    return next((context.words.label(one.label) for one in definitions if one.name == name), english)


def segment_page(context: Context) -> Answer:
    """One segment: its certificate, its members, what plays made of them, beside another one."""
    name = context.parameters["segment_id"]
    hidden = next((row for row in _hidden(context) if row["segment"] == name), None)
    if hidden is not None:
        told = _hidden_told(context, hidden)
        return Answer(facts=_nothing() | {"hidden": told}, pictures={"day": ""}, heading=told["name"])
    row = next((one for one in _certificates(context) if one["segment_id"] == name), None)
    if row is None:
        certified(context.session, name)
        raise UsageError(f"There is no segment {name!r}.")
    other = _other(context, name)
    members = _members(context, name)
    first = whole(context.query.get("first", ""))
    facts = {
        "hidden": None,
        "state": _state(context),
        "segment": _summary(context, row),
        "verdict": verdict(context, row),
        "method": _method(context, row),
        "certificate": certificate_rows(context, row["certificate"]),
        "others": [[one["segment"], one["name"]] for one in _summaries(context) if one["segment"] != name],
        "other": None if other is None else _summary(context, other),
        "beside": [] if other is None else _beside(context, row, other),
        "plays": _plays(context, name),
        "first": first,
        "size": SHOWN,
        "how": _basis(
            context,
            context.text(
                "Stability is the mean agreement (Jaccard) of the group with the one that is found when "
                "customers are drawn anew; below 0.7 it is called unstable. Reach counts members who consent "
                "to marketing on a channel."
            ),
            "consent",
        ),
        "plays_how": context.basis(
            context.text("Members of the segment by what each play's newest list decided about them."),
            ("segment_member", "recommendation"),
            "strategy.recommend",
        ),
    }
    heading = row[f"name_{context.words.language}"]
    return Answer(members, facts, {"day": _day(context, row, other)}, heading)


def _nothing() -> dict[str, Any]:
    return {"state": "", "segment": None, "other": None, "first": 0, "size": SHOWN}


def _summaries(context: Context) -> list[dict[str, Any]]:
    return [_summary(context, row) for row in _certificates(context)]


def _other(context: Context, name: str) -> dict[str, Any] | None:
    """The segment beside which the page is read; None when none, or the same, is asked for.

    Raises:
        UsageError: there is none of that name.
    """
    wanted = context.query.get("with", "")
    if not wanted or wanted == name:
        return None
    return next((row for row in _certificates(context) if row["segment_id"] == wanted), None) or certified(
        context.session, wanted
    )


def _members(context: Context, name: str) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = context.remembered(
        f"segments.members.{name}", lambda: member_rows(context.session, name)
    )
    return known


def certificate_rows(context: Context, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A certificate as a person reads it: field and sentence, each with why it is not known."""
    words = context.words

    def line(field: str, value: Any, says: Any) -> dict[str, Any]:
        why = why_not(context, value)
        return {"field": field, "says": None if why else says(), "why": why}

    whom, seen, peak = document["reachable"], document["detectable"], document["peak_share"]
    rows = [
        line(
            context.text("Members"),
            None,
            lambda: context.text(
                "{members} of {population} customers for whom it can be said",
                members=words.number(document["members"]),
                population=words.number(document["population"]),
            ),
        ),
        line(context.text("Reachable"), whom, lambda: _reach(context, whom, document["members"])),
        line(
            context.text("Share of the peak"),
            peak,
            lambda: context.text(
                "{share} of the load at {hour}:00, when the mean day of all customers is highest",
                share=words.percent(peak["value"]),
                hour=peak["hour"],
            ),
        ),
        line(
            context.text("Stability"), document["stability"], lambda: _spread(context, document["stability"])
        ),
        line(context.text("Could be proven"), seen, lambda: _detectable(context, seen)),
    ]
    if document["method"] == "cluster":
        for name, title in (("rule_precision", mark("Precision")), ("rule_recall", mark("Recall"))):
            value = document[name]
            rows.append(line(context.text(title), value, lambda value=value: _spread(context, value)))
    return rows


def _spread(context: Context, value: Mapping[str, Any]) -> str:
    words = context.words
    return context.text(
        "{value}, 95 % interval {low} to {high}",
        value=words.number(value["value"], 2),
        low=words.number(value["ci_low"], 2),
        high=words.number(value["ci_high"], 2),
    )


def _reach(context: Context, whom: Mapping[str, Any], members: int) -> str:
    words = context.words
    channels = ", ".join(
        f"{context.text(CHANNELS.get(channel, channel))} {words.number(count)}"
        for channel, count in whom["by_channel"].items()
    )
    return context.text(
        "{count} of {members} members consent to being written to: {channels}",
        count=words.number(whom["customers"]),
        members=words.number(members),
        channels=channels or words.cell(None),
    )


def _detectable(context: Context, seen: Mapping[str, Any]) -> str:
    words = context.words
    return context.text(
        "an effect of {percent} % ({energy} kWh a day) or more, by a test of {units} {unit}, half of them treated",
        percent=words.number(seen["effect_pct"], 1),
        energy=words.number(seen["effect_wh"] / 1000),
        units=words.number(seen["units"]),
        unit=context.text(UNITS.get(seen["unit"], seen["unit"])),
    )


def _beside(context: Context, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two segments, field by field; a number of common members that is small is not told."""
    words = context.words
    common = len(
        {row["customer_id"] for row in _members(context, one["segment_id"])}
        & {row["customer_id"] for row in _members(context, other["segment_id"])}
    )
    both = context.text("fewer than {least}", least=LEAST) if 0 < common < LEAST else words.number(common)
    left, right = _summary(context, one), _summary(context, other)
    rows = [
        {"what": context.text(title), "one": form(left[name]), "other": form(right[name])}
        for name, title, form in (
            ("members", mark("Members"), words.cell),
            ("share", mark("Of all customers"), words.percent),
            ("reachable", mark("Reachable"), words.cell),
            ("peak_share", mark("Share of the peak"), words.percent),
            ("stability", mark("Stability"), words.cell),
        )
    ]
    return [*rows, {"what": context.text("Members of both"), "one": both, "other": both}]


def _plays(context: Context, name: str) -> list[dict[str, Any]]:
    """What each play decided about the members of a segment: offered or held out, not chosen, left out."""

    def look() -> list[dict[str, Any]]:
        if not context.view.exists("recommendation"):
            return []
        rows: ir.Table = context.view.table("recommendation")
        members = context.view.table("segment_member")
        mine = members.filter(members.segment_id == name).select("customer_id").distinct()
        joined = rows.semi_join(mine, "customer_id")
        counted = joined.group_by("playbook", "decision").aggregate(accounts=joined.count())
        found: list[dict[str, Any]] = counted.order_by(["playbook", "decision"]).to_pyarrow().to_pylist()
        return found

    counts: list[dict[str, Any]] = context.remembered(f"segments.plays.{name}", look)
    found = []
    for play in sorted({row["playbook"] for row in counts}):
        mine = {row["decision"]: row["accounts"] for row in counts if row["playbook"] == play}
        found.append(
            {
                "play": play,
                "title": _play_title(context, play),
                "href": context.to(f"/plays/{play}", "/plays"),
                "chosen": mine.get("selected", 0),
                "left_out": sum(mine.values()) - mine.get("selected", 0),
            }
        )
    return found


def _play_title(context: Context, name: str) -> str:
    try:
        return context.words.label(load_playbook(name, context.session.workspace.root).title)
    except UsageError:
        return name


def _highest(shape: Any) -> int | None:
    """The hour of the mean day with the most energy; None when the day is not known."""
    return None if isinstance(shape, Mapping) else max(range(len(shape)), key=lambda hour: shape[hour])


def _shape_title(context: Context, shape: Sequence[float]) -> str:
    highest = _highest(shape) or 0
    return context.text(
        "Mean day: highest at {hour}:00 with {share} of the day's energy",
        hour=highest,
        share=context.words.percent(shape[highest]),
    )


def _day(context: Context, row: Mapping[str, Any], other: Mapping[str, Any] | None) -> str:
    """The mean day of a segment, and of the one beside it; empty when it is not known."""
    lines, title = [], ""
    for place, one in enumerate((row, other)):
        shape = None if one is None else one["certificate"]["mean_shape"]
        if one is None or shape is None or isinstance(shape, Mapping):
            continue
        name = str(one[f"name_{context.words.language}"])
        title = f"{title} {name}: {_shape_title(context, shape)}".strip()
        short = re.split("[:：]", name)[0] if other is not None else name
        lines.append((short, [100 * share for share in shape], "second" if place else ""))
    if not lines:
        return ""

    def draw(width: float) -> str:
        hours = range(0, 24, 4 if width > PHONE else 6)
        marks = [(float(hour), f"{hour:02d}:00") for hour in hours]
        return curve(lines, marks, title, "%", (width, 250))

    series = [Series(name, values, kind=kind) for name, values, kind in lines]
    places = [f"{hour:02d}:00" for hour in range(24)]
    return charted(twice(draw), Lines(title, "%", places, series, every=4))


PAGES = (
    Page("/segments", mark("Segments"), "insight", "segments.html", segments_page),
    Page("/segments/{segment_id}", mark("Segment"), "insight", "segment.html", segment_page, listed=False),
)
