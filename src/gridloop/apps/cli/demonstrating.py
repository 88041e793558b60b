"""The demo: a synthetic county, its source files imported, the loop run over them, and what came out."""

from __future__ import annotations

import time
from dataclasses import dataclass
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
from gridloop.domain.errors import NothingToDo, UsageError

if TYPE_CHECKING:
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


@dataclass(frozen=True)
class DemoFolders:
    """Where a demo lies.

    Attributes:
        sources: the county's files, as its systems would export them.
        truth: what no stage may read; deleting it changes nothing but comparisons with it.
        workspace: the Gridloop workspace.
    """

    sources: Path
    truth: Path
    workspace: Path

    @classmethod
    def below(cls, folder: Path) -> DemoFolders:
        """The three folders of a demo in `folder`."""
        return cls(folder / "sources", folder / "truth", folder / "workspace")


def run_demo(folder: Path, *, customers: int, days: int, seed: int, wait: float, style: Style) -> None:
    """Make, import, run and show; a second time, only what is not up to date.

    Args:
        folder: made when missing.
        customers, days, seed: of the county.
        wait: seconds to wait for another run in the same workspace.
        style: how to print.

    Raises:
        UsageError: the folder holds a demo of another size or seed, or something else.
    """
    from gridloop.apps.jobs.catalogue import JOBS
    from gridloop.apps.jobs.execute import run_jobs
    from gridloop.apps.jobs.importing import import_files
    from gridloop.apps.wiring import create, opened

    started = time.monotonic()
    folders = DemoFolders.below(folder)
    progress = ProgressLine(style)
    make_county(folders, customers=customers, days=days, seed=seed, progress=progress)
    if not (folders.workspace / "gridloop.toml").exists():
        create(folders.workspace, zone="Asia/Shanghai", currency="CNY", name="demo").close()
    with opened(folders.workspace) as session:
        with session.workspace.lock(command="demo", wait_seconds=wait):
            accounts: list[dict[str, Any]] = []
            try:
                accounts, _ = import_files(session, "county", folders.sources, progress)
            except NothingToDo:
                say("The county's files are already imported.", style)
            outcomes = list(run_jobs(session, JOBS, progress=progress))
        _show(session, accounts, style)
        seconds = time.monotonic() - started
        counts = {f"{o.job}.{name}": n for o in outcomes for name, n in o.report.counts.items()}
        if style.form == "json":
            print_out(
                _json({"seconds": round(seconds, 1), "counts": counts, "workspace": str(folders.workspace)})
            )
    say(
        f"\nDone in {seconds:.0f} s. The workspace is {folders.workspace}; what nobody may peek at is {folders.truth}.",
        style,
    )
    say(
        f"Next: gridloop data check -w {folders.workspace}, gridloop data profile -w {folders.workspace}",
        style,
    )


def make_county(
    folders: DemoFolders, *, customers: int, days: int, seed: int, progress: ProgressLine
) -> None:
    """Write the county's source files and its truth, unless the same ones are there.

    Raises:
        UsageError: another county lies there.
    """
    from gridloop.apps.wiring import synthetic_county
    from gridloop.engine.durable import write_durably

    wanted = f"customers={customers} days={days} seed={seed}\n"
    mark = folders.sources.parent / "county.txt"
    if mark.exists():
        if mark.read_text() != wanted:
            raise UsageError(
                f"{folders.sources.parent} holds another demo.",
                evidence={"there": mark.read_text().strip(), "asked_for": wanted.strip()},
                ways_out=("Name another folder.", f"Remove {folders.sources.parent} to start anew."),
            )
        return
    county = synthetic_county(customers=customers, days=days, seed=seed)
    county.write_sources(
        folders.sources,
        lambda share, month: progress("making the county", round(share * 100), 100),
        truth=folders.truth,
    )
    write_durably(mark, wanted.encode())


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
