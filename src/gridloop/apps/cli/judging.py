"""Commands that judge: `campaign result`, `campaign report`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    JsonOption,
    NoColorOption,
    QuietOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import Style, plain, print_out, say, show_rows, spoken

if TYPE_CHECKING:
    from gridloop.evaluation.result import CampaignResult

CampaignArgument = Annotated[str, typer.Argument(help="Campaign, such as campaign-0123456789abcdef.")]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the noun `campaign`."""
    app.command("result")(result)
    app.command("report")(report)


def result(
    campaign: CampaignArgument,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Tell what a campaign caused, whether it can be trusted, what it is worth and what to do next."""
    from gridloop.apps.judged import judged, report_path
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, quiet=quiet, no_color=no_color)
    with opened(workspace) as session:
        found = judged(session, campaign)
        page = report_path(session, campaign, spoken())
    if style.form == "json":
        print_out(json.dumps(plain(_document(found, page)), ensure_ascii=False, indent=1))
    elif style.form == "csv":
        show_rows([_flat(row) for row in found.rows], style)
    else:
        _tell(found, page, style)


def _tell(found: CampaignResult, page: Path, style: Style) -> None:
    from gridloop.evaluation.report.sentences import decision_line, lead, trust_lines

    say(lead(found, spoken()), style)
    rows = [
        {"check": name, "state": state, "found": told} for name, state, told in trust_lines(found, spoken())
    ]
    show_rows(rows, style, title="Can it be trusted?")
    judged = [row for role in ("primary", "secondary") for row in found.of_role(role)]
    show_rows([_line(row) for row in judged], style, title="Effects by assignment")
    exploratory = found.of_role("exploratory")
    if exploratory:
        show_rows(
            [_line(row) for row in exploratory], style, title="By group (exploratory; p adjusted by Holm)"
        )
    if found.money is not None:
        show_rows(_money_rows(found.money), style, title=f"Money over {found.money['horizon_days']} days")
    naive = [_line(row) for row in found.of_role("misleading")]
    if naive:
        show_rows(naive, style, title="Misleading: never the effect")
    say(decision_line(found, spoken()), style)
    say(f"Report: {page}", style)


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """An effect as a line of text, small groups without their numbers."""
    from gridloop.evaluation.report.sentences import probability, signed
    from gridloop.evaluation.result import SMALL_CELL

    checks = row["checks"]
    small = 0 < row["units_treated"] < SMALL_CELL or (
        row["contrast"] != "before" and 0 < row["units_control"] < SMALL_CELL
    )
    known = row["value"] is not None and not small
    share = checks.get("percent") if known else None
    p_value = checks.get("p_holm", checks.get("p_value"))
    name = row["measure"] if row["population"] == "all" else row["population"]
    return {
        "effect_on": name,
        "against": row["contrast"],
        "effect": row["value"] if known else None,
        "low": row["ci_low"] if known else None,
        "high": row["ci_high"] if known else None,
        "unit": row["unit"],
        "percent": f"{signed(share['value'])} ({signed(share['ci_low'])} … {signed(share['ci_high'])})"
        if share
        else None,
        "detectable": row["mde"] if known else None,
        "p": probability(p_value) if known and p_value is not None else None,
        "units": "fewer than 15" if small else f"{row['units_treated']:,} / {row['units_control']:,}",
        "reason": row["reason"],
    }


def _money_rows(money: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name in ("value", "contact_cost", "enrolment_cost", "net"):
        figure = money[name] if isinstance(money[name], dict) else {"value": money[name]}
        rows.append(
            {
                "amount": name.replace("_", " "),
                money["currency"]: figure["value"],
                "low": figure.get("ci_low"),
                "high": figure.get("ci_high"),
            }
        )
    return rows


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    columns = (
        "population",
        "measure",
        "arm",
        "contrast",
        "method",
        "value",
        "ci_low",
        "ci_high",
        "mde",
        "unit",
    )
    more = ("units_treated", "units_control", "trusted", "reason", "window_start", "window_end")
    return {"role": row["checks"]["role"]} | {name: row[name] for name in (*columns, *more)}


def _document(found: CampaignResult, page: Path) -> dict[str, Any]:
    """The result as JSON: figures with uncertainty are `{value, ci_low, ci_high}`."""
    from gridloop.evaluation.report.sentences import decision_line, lead, trust_lines
    from gridloop.evaluation.report.words import LANGUAGES

    figures = ("value", "ci_low", "ci_high")
    return {
        "campaign": found.campaign_id,
        "name": found.name,
        "status": found.status,
        "arm": found.arm,
        "sentence": {language: lead(found, language) for language in LANGUAGES},
        "decision": {
            "code": found.decision.code,
            "facts": dict(found.decision.facts),
            "text": {language: decision_line(found, language) for language in LANGUAGES},
        },
        "trusted": found.primary["trusted"],
        "trust": [{"check": n, "state": s, "found": t} for n, s, t in trust_lines(found, "en")],
        "effects": [
            {key: value for key, value in _flat(row).items() if key not in figures}
            | {"effect": {name: row[name] for name in figures}, "percent": row["checks"].get("percent")}
            | {"p_value": row["checks"].get("p_value"), "p_holm": row["checks"].get("p_holm")}
            for row in found.rows
        ],
        "money": found.money,
        "funnel": found.funnel,
        "report": str(page),
    }


def report(
    campaign: CampaignArgument,
    workspace: WorkspaceOption = HERE,
    lang: Annotated[str, typer.Option("--lang", help="Language of the page: en or zh.")] = "en",
    out: Annotated[
        Path | None, typer.Option("--out", help="Copy the page to this file; printed when it ends in .pdf.")
    ] = None,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Tell where the one-page report of a campaign lies, or copy it to a file, as PDF too."""
    from gridloop.apps.judged import judged, report_path
    from gridloop.apps.wiring import opened
    from gridloop.domain.errors import UsageError, did_you_mean
    from gridloop.evaluation.report.words import LANGUAGES

    style = style_of(quiet=quiet, no_color=no_color)
    language = next((known for known in LANGUAGES if known == lang), None)
    if language is None:
        raise UsageError(f"There is no report in language {lang!r}.", ways_out=did_you_mean(lang, LANGUAGES))
    with opened(workspace) as session:
        judged(session, campaign)
        page = report_path(session, campaign, language)
    if not page.exists():
        raise UsageError(
            f"The report of {campaign} is gone.",
            ways_out=("Write it again: gridloop run --force",),
        )
    if out is None:
        print_out(str(page))
        return
    if out.suffix.lower() == ".pdf":
        from gridloop.evaluation.report.printed import write_pdf

        write_pdf(page, out)
    else:
        shutil.copyfile(page, out)
    say(f"Report: {out}", style)
