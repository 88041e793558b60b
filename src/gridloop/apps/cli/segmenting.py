"""Commands about segments: `segment list`, `show`, `members`, `try`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    JsonOption,
    NoColorOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import Style, cell, plain, print_out, say, show_rows, sparkline
from gridloop.apps.cli.tagging import say_standing
from gridloop.domain.errors import UsageError

app = typer.Typer(
    help="Segments: groups of customers with a certificate of what they are and what can be done with them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
SegmentArgument = Annotated[str, typer.Argument(help="Segment, such as evening_shiftable; see segment list.")]
NEVER = "Segments have not been found yet."


@app.command("list")
def list_segments(
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the segments with size, reach, stability and how well their rule holds; and why others are not shown."""
    from gridloop.apps.jobs.standing import standing
    from gridloop.apps.segments import hidden_rows, segment_rows
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        rows, hidden = segment_rows(session), hidden_rows(session)
        state = standing(session, "insight.segments")
    if style.form != "text":
        show_rows([_summary(row) for row in rows] + [_not_shown(row) for row in hidden], style)
        return
    shown = [_summary(row) for row in rows]
    keys = ("segment", "name", "members", "reachable", "peak_share", "stability", "precision", "recall")
    show_rows([{key: row[key] for key in keys} | {"verdict": row["verdict"]} for row in shown], style)
    if hidden:
        say("", style)
        show_rows([{k: row[k] for k in ("segment", "why")} for row in hidden], style, title="Not shown")
    say_standing(state, NEVER, "These segments", workspace, style)
    if rows:
        say(f"What one is and how far to trust it: gridloop segment show NAME -w {workspace}", style)


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    """One segment in one line."""
    certificate = row["certificate"]
    return {
        "segment": row["segment_id"],
        "name": row["name_en"],
        "name_zh": row["name_zh"],
        "method": row["method"],
        "members": row["members"],
        "reachable": row["reachable"],
        "peak_share": certificate["peak_share"].get("value"),
        "stability": row["stability"],
        "precision": row["rule_precision"],
        "recall": row["rule_recall"],
        "verdict": certificate["verdict"],
        "rule": row["rule"],
        "as_of": row["as_of"],
        "why_not_shown": None,
    }


def _not_shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A definition that gives no segment, in the form of `_summary`."""
    names = ("name_zh", "members", "reachable", "peak_share", "stability", "precision", "recall", "verdict")
    known = {"segment": row["segment"], "name": row["name"], "method": row["method"]}
    return {
        key: known.get(key)
        for key in ("segment", "name", "name_zh", "method", *names[1:], "rule", "as_of", "why_not_shown")
    } | {"why_not_shown": row["why"]}


@app.command("show")
def show_segment(
    name: SegmentArgument,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show a segment's certificate: what it is in words, how far that holds, who can be reached, what can be proven."""
    from gridloop.apps.jobs.standing import Standing, standing
    from gridloop.apps.segments import certified
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        state = standing(session, "insight.segments")
        row = certified(session, name) if state is not Standing.NEVER else None
    if row is None:
        say_standing(state, NEVER, "", workspace, style)
        raise typer.Exit(1)
    if style.form == "json":
        print_out(json.dumps(plain(row), ensure_ascii=False, indent=1))
        return
    lines = list(certificate_lines(row["certificate"]))
    if style.form == "csv":
        show_rows([{"field": field, "says": text} for field, text in lines], style)
        return
    say(f"{row['segment_id']}: {row['name_en']} ({row['name_zh']})", style)
    _show_lines(lines, style)
    say_standing(state, NEVER, "These figures", workspace, style)
    say(f"Who they are: gridloop segment members {name} -w {workspace}", style)


def _show_lines(lines: list[tuple[str, str]], style: Style) -> None:
    """Fields and what they say, in two columns without a header."""
    from rich.table import Table

    from gridloop.apps.cli.output import escaped

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for field, text in lines:
        table.add_row(field, escaped(text))
    style.console().print(table)


def certificate_lines(certificate: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A certificate as a person reads it: fields and sentences; what cannot be computed says why."""
    yield "who", certificate["definition"]
    if certificate["method"] == "cluster":
        yield "in words", _or_why(certificate["plain_rule"])
        precision, recall = (_interval(certificate[f"rule_{name}"]) for name in ("precision", "recall"))
        yield (
            "how well they fit",
            f"precision {precision}, recall {recall}, on {cell(certificate['held_out'])} customers held out",
        )
    yield "members", f"{cell(certificate['members'])} of {cell(certificate['population'])} customers"
    yield "share of the peak", _peak(certificate["peak_share"])
    yield "mean day", _day(certificate["mean_shape"])
    yield "stability", _stability(certificate)
    yield "reachable", _reachable(certificate["reachable"], certificate["members"])
    yield "detectable", _detectable(certificate["detectable"])
    for note, value in certificate["notes"].items():
        yield note.replace("_", " "), cell(value)


def _or_why(value: Any) -> str:
    """A text, or why there is none."""
    return str(value["reason"]) if isinstance(value, Mapping) else str(value)


def _interval(value: Mapping[str, Any]) -> str:
    if "not_computable" in value:
        return f"not computable ({value['not_computable']})"
    return f"{value['value']:.2f} [{value['ci_low']:.2f}, {value['ci_high']:.2f}]"


def _peak(value: Mapping[str, Any]) -> str:
    if "not_computable" in value:
        return _or_why(value)
    return f"{value['value']:.1%} of the load at {value['hour']}:00, when the mean day of all customers is highest"


def _day(value: Any) -> str:
    if isinstance(value, Mapping):
        return _or_why(value)
    highest = max(range(len(value)), key=lambda hour: value[hour])
    return (
        f"00h {sparkline(value)} 24h, highest at {highest}:00 with {value[highest]:.1%} of the day's energy"
    )


def _stability(certificate: Mapping[str, Any]) -> str:
    value = certificate["stability"]
    if "not_computable" in value:
        return _or_why(value)
    verdict = certificate["verdict"]
    warning = "; below 0.7: other customers would give other groups" if verdict == "unstable" else ""
    return f"{verdict}: {_interval(value)} when customers are drawn anew{warning}"


def _reachable(value: Mapping[str, Any], members: int) -> str:
    if "not_computable" in value:
        return _or_why(value)
    channels = ", ".join(f"{channel} {cell(n)}" for channel, n in value["by_channel"].items())
    whom = f"{cell(value['customers'])} of {cell(members)} consent to {value['purpose']}"
    return f"{whom}: {channels}" if channels else whom


def _detectable(value: Mapping[str, Any]) -> str:
    if "not_computable" in value:
        return _or_why(value)
    share = value["largest_share"]
    warning = (
        f"; one member alone makes {share:.0%} of their differences: look at it first" if share > 0.5 else ""
    )
    return (
        f"an effect of {value['effect_pct']:.1f} % ({value['effect_wh'] / 1000:.3g} kWh a day) or more, "
        f"by a test of {cell(value['units'])} {value['unit']}s, half of them treated "
        f"(power {value['power']:.0%}, significance {value['significance']:.0%}){warning}"
    )


@app.command("members")
def show_members(
    name: SegmentArgument,
    workspace: WorkspaceOption = HERE,
    most: Annotated[int, typer.Option(min=1, help="How many to print as text.")] = 40,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the members of a segment, those nearest to a cluster's centre first."""
    from gridloop.apps.jobs.standing import Standing, standing
    from gridloop.apps.segments import member_rows
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        state = standing(session, "insight.segments")
        rows = member_rows(session, name) if state is not Standing.NEVER else []
    if style.form != "text":
        show_rows(rows, style)
    elif rows:
        show_rows(rows[:most], style)
        if len(rows) > most:
            say(f"… and {len(rows) - most:,} more: --most {len(rows)}, or --csv", style)
        say(f"One of them: gridloop tag show CUSTOMER -w {workspace}", style)
    say_standing(state, NEVER, "These members", workspace, style)
    if state is Standing.NEVER:
        raise typer.Exit(1)


@app.command("try")
def try_out(
    rule: Annotated[
        str | None, typer.Argument(help="Rule, such as \"tag('evening_peak') and daily_mean > 8000\".")
    ] = None,
    workspace: WorkspaceOption = HERE,
    names: Annotated[bool, typer.Option("--names", help="List what a rule may name.")] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Say for how many customers a rule holds, and what a segment by it would be; nothing is changed."""
    from gridloop.apps.segments import rule_names, try_rule
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    if rule is None and not names:
        raise UsageError(
            "There is no rule to try.",
            ways_out=(
                "gridloop segment try \"tag('evening_peak') and daily_mean > 8000\"",
                "See what a rule may name: gridloop segment try --names",
            ),
        )
    with opened(workspace) as session:
        if rule is None or names:
            show_rows(rule_names(session), style, title="What a rule may name")
            return
        found = try_rule(session, rule)
    if style.form == "json":
        print_out(json.dumps(plain(found), ensure_ascii=False, indent=1))
        return
    lines = list(_tried_lines(found))
    if style.form == "csv":
        show_rows([{"field": field, "says": text} for field, text in lines], style)
        return
    _show_lines(lines, style)
    if found["certificate"] is not None:
        say(f"To keep it, declare it in {workspace / 'segments'} (docs/methods/segments.md).", style)


def _tried_lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    least, customers = found["least_told"], found["customers"]
    yield "rule", found["rule"]
    if found["holds"] is None:
        yield "holds for", f"fewer than {least} of {cell(customers)} customers; small cells are not told"
    else:
        share = f" ({found['holds'] / customers:.1%})" if customers else ""
        yield "holds for", f"{cell(found['holds'])} of {cell(customers)} customers{share}"
        yield "does not hold for", cell(found["does_not_hold"])
    yield "cannot be said of", cell(found["unknown"])
    for row in found["unknown_because"]:
        yield "", f"{cell(row['customers'])} lack {row['lacks']}: {row['because']}"
    if found["certificate"] is not None:
        kept = ("share of the peak", "mean day", "reachable", "detectable")
        yield from ((field, text) for field, text in certificate_lines(found["certificate"]) if field in kept)
