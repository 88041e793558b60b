"""The demo: a synthetic county, its source files imported, the loop run over them, and what came out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridloop.apps.cli.output import (
    ProgressLine,
    Style,
    cell,
    plain,
    print_out,
    say,
    show_rows,
    sparkline,
)
from gridloop.apps.cli.telling import show_turn, tell_plan
from gridloop.apps.demo_folders import DemoCounty, DemoFolders

if TYPE_CHECKING:
    from gridloop.apps.jobs.job import JobOutcome
    from gridloop.apps.wiring import Session

SHOWN_CUSTOMERS = 4
MOST_RULES = 12
SHOWN_FEATURES = (
    "daily_mean",
    "peak_power",
    "load_factor",
    "valley_share",
    "weekend_ratio",
    "summer_ratio",
    "cooling_slope",
    "missing_share",
)


def run_demo(folder: Path, *, customers: int, days: int, seed: int, wait: float, style: Style) -> None:
    """Turn the loop once over a synthetic county and show every step; a second time, only what is not up to date.

    Args:
        folder: made when missing.
        customers, days, seed: of the county.
        wait: seconds to wait for another run in the same workspace.
        style: how to print.

    Raises:
        UsageError: the folder holds a demo of another size or seed, or something else.
    """
    from gridloop.apps.demo import steps

    started = time.monotonic()
    folders = DemoFolders(folder.resolve())
    county = DemoCounty(customers, days, seed, steps.days_after())
    progress = ProgressLine(style)
    steps.make_sources(folders, county, progress)
    steps.found_workspace(folders, county)
    campaign, counts = _up_to_sending(folders, wait, progress, style)
    result: dict[str, Any] = {}
    if campaign is not None:
        steps.let_time_pass(folders, county, progress)
        result, more = _judge(folders, campaign, wait, progress, style)
        counts |= more
    seconds = time.monotonic() - started
    if style.form == "json":
        answer = {"seconds": round(seconds, 1), "counts": counts, "workspace": str(folders.workspace)}
        print_out(_json({**answer, **result}))
    here = folder / "workspace"
    say(f"\nDone in {seconds:.0f} s. The workspace is {here}; nobody may peek at {folder / 'truth'}.", style)
    say(f"Next: gridloop serve -w {here} (a tour in five steps: /tour)", style)
    say(f"      gridloop campaign list -w {here}, gridloop segment list -w {here}", style)


def _up_to_sending(
    folders: DemoFolders, wait: float, progress: ProgressLine, style: Style
) -> tuple[str | None, dict[str, int]]:
    """From the files to messages that went out: the campaign, None when nobody is to be addressed, and counts."""
    from gridloop.apps.demo import steps
    from gridloop.apps.wiring import opened

    counts: dict[str, int] = {}
    with opened(folders.workspace) as session, session.workspace.lock(command="demo", wait_seconds=wait):
        campaign = steps.first_campaign(session)
        if campaign is None:
            accounts = steps.bring_in(session, False, progress)
            if not accounts:
                say("The county's files are already imported.", style)
            counts |= _counts(steps.run_loop(session, progress), "first")
            _show(session, accounts, style)
        if campaign is None or steps.is_cut_off(session, campaign):
            campaign = _launch(session, style)
        if campaign is not None:
            counts |= _counts(steps.run_loop(session, progress), "sending")
    return campaign, counts


def _judge(
    folders: DemoFolders, campaign: str, wait: float, progress: ProgressLine, style: Style
) -> tuple[dict[str, Any], dict[str, int]]:
    """Bring in the weeks after, judge, plan again, and show it: the turn for `--json`, and counts."""
    from gridloop.apps.demo import steps
    from gridloop.apps.wiring import opened

    with opened(folders.workspace) as session:
        with session.workspace.lock(command="demo", wait_seconds=wait):
            steps.bring_in(session, True, progress)
            counts = _counts(steps.run_loop(session, progress), "after")
            counts |= _counts(steps.run_loop(session, progress), "next_round")
        return show_turn(session, campaign, style), counts


def _counts(outcomes: list[JobOutcome], turn: str) -> dict[str, int]:
    return {f"{turn}.{o.job}.{name}": n for o in outcomes for name, n in o.report.counts.items()}


def _launch(session: Session, style: Style) -> str | None:
    """Approve and launch the plan that waits, and say so; None when nobody is to be addressed."""
    from gridloop.apps.actor import acting_user
    from gridloop.apps.demo import steps

    plan_id = steps.open_plan(session)
    if plan_id is None:
        say("\nNo plan: no account is left to address. A county of 365 days and more has some.", style)
        return None
    tell_plan(session, plan_id, style)
    done = steps.approve_and_launch(session, plan_id, acting_user())
    say(
        "  Approved by the program, as only a demo whose messages stay in the twin may; the record says so.",
        style,
    )
    return done.campaign_id


def _show(session: Session, accounts: list[dict[str, Any]], style: Style) -> None:
    from gridloop.apps.checks import findings_by_rule, quality_findings

    if style.form != "text":
        return
    if accounts:
        rows = [{k: v for k, v in row.items() if k.startswith(("file", "rows"))} for row in accounts]
        totals = {key: sum(row[key] for row in rows) for key in rows[0] if key != "file"}
        show_rows([{"file": f"all {len(rows)} files", **totals}], style, title="\nWhat came in")
    findings = quality_findings(session) or []
    show_rows(findings_by_rule(findings)[:MOST_RULES], style, title="\nWhat was found, gravest first")
    _show_customers(session, style)


def _show_customers(session: Session, style: Style) -> None:
    view = session.published()
    features = view.table("feature")
    customers = view.table("customer").select("customer_id", "customer_class")
    chosen = (
        features.filter(
            features.feature == "daily_mean", features.value.notnull(), features.channel == "import_wh"
        )
        .inner_join(customers, "customer_id")
        .order_by(["customer_class", "customer_id"])
        .distinct(on="customer_class", keep="first")
        .order_by("customer_class")
        .limit(SHOWN_CUSTOMERS)
        .to_pyarrow()
        .to_pylist()
    )
    say("\nA few customers", style)
    for row in chosen:
        mine = features.filter(features.customer_id == row["customer_id"], features.channel == "import_wh")
        _show_customer(row["customer_id"], row["customer_class"], mine.to_pyarrow().to_pylist(), style)
    view.close()


def _show_customer(customer: str, kind: str, rows: list[dict[str, Any]], style: Style) -> None:
    from gridloop.apps.checks import use_rows
    from gridloop.kernels.features.catalogue import FEATURES

    _, shapes = use_rows(rows)
    values = {row["feature"]: (row["value"], row["reason"]) for row in rows}
    parts = []
    for spec in FEATURES:
        if spec.name in SHOWN_FEATURES and spec.name in values:
            value, reason = values[spec.name]
            shown = f"{cell(value)} {spec.unit}" if reason is None else f"not computable ({reason})"
            parts.append(f"{spec.label.en} {shown.removesuffix(' 1')}")
    for line in shapes.values():
        say(f"  {customer} {kind:<12} 00h {sparkline(line)} 24h", style)
    say("    " + "; ".join(parts), style)


def _json(value: Any) -> str:
    import json

    return json.dumps(plain(value), ensure_ascii=False)
