"""Commands about tariffs: `tariff list`, `show`, `compare`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
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
from gridloop.apps.cli.output import ProgressLine, Style, cell, plain, print_out, say, show_rows

if TYPE_CHECKING:
    from gridloop.strategy.tariff import Tariff

app = typer.Typer(
    help="Tariffs: their prices in words, and what an offer would mean to every customer.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
BAR = 40


@app.command("list")
def list_all(
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the tariffs that can be priced, shipped ones and the workspace's own, with the contracts on each."""
    from gridloop.apps.tariffs import tariff_rows
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        rows = tariff_rows(session)
    if style.form == "text":
        rows = [{k: v for k, v in row.items() if k not in ("title_zh", "zone")} for row in rows]
    show_rows(rows, style)
    say(f"Prices and hours of one: gridloop tariff show NAME -w {workspace}", style)
    say(f"Your own tariffs are files in {workspace / 'tariffs'} (docs/methods/tariff-bills.md).", style)


@app.command("show")
def show_one(
    name: Annotated[str, typer.Argument(help="Tariff; see tariff list.")],
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show a tariff: every period with its price and hours, blocks, other charges, tax and rounding."""
    from gridloop.apps.tariffs import period_rows
    from gridloop.apps.wiring import opened
    from gridloop.strategy.tariff import load_tariff

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        tariff = load_tariff(name, session.workspace.root)
    if style.form == "json":
        print_out(json.dumps(tariff.model_dump(mode="json"), ensure_ascii=False, indent=1))
        return
    if style.form == "csv":
        show_rows(period_rows(tariff), style)
        return
    say(f"{tariff.name}: {tariff.title.en} ({tariff.title.zh})", style)
    say(tariff.source, style)
    show_rows(period_rows(tariff), style, title=f"\nEnergy, {tariff.currency} a kWh")
    _show_other_charges(tariff, style)
    tax = "contain" if tariff.tax.included else "do not contain"
    say(f"\nPrices {tax} tax of {tariff.tax.rate:.0%}.", style)
    say(f"Each line of a bill is rounded to {tariff.rounding.to} {tariff.currency}.", style)
    say(f"Hours are those of {tariff.zone}; prices hold from {tariff.valid_from}.", style)
    say(f"What it would mean to customers: gridloop tariff compare BASE {tariff.name} -w {workspace}", style)


def _show_other_charges(tariff: Tariff, style: Style) -> None:
    """Blocks and every charge but that for energy by period."""
    low, rows = 0, []
    for number, block in enumerate(tariff.tiers.blocks if tariff.tiers else (), 1):
        end = "on" if block.up_to_kwh is None else f"to {block.up_to_kwh:,}"
        when = f"from {low:,} {end} kWh a {tariff.tiers.per}" if tariff.tiers else ""
        rows.append({"charge": f"block {number}", "price": block.adder, "per": "kWh", "when": when})
        low = block.up_to_kwh or low
    rows += [{"charge": f.item, "price": f.amount, "per": f.per, "when": "always"} for f in tariff.fixed]
    for one in tariff.surcharges:
        rows.append({"charge": one.item, "price": one.rate, "per": "kWh", "when": "all energy taken"})
    if tariff.capacity is not None:
        per = "kVA and month"
        rows.append(
            {"charge": tariff.capacity.item, "price": tariff.capacity.rate, "per": per, "when": "always"}
        )
    if tariff.export is not None:
        rows.append(
            {
                "charge": tariff.export.item,
                "price": -tariff.export.rate,
                "per": "kWh",
                "when": "energy fed in",
            }
        )
    show_rows(rows, style, title="\nBesides")


@app.command("compare")
def compare(
    base: Annotated[str, typer.Argument(help="Tariff that customers are on; see tariff list.")],
    offer: Annotated[str, typer.Argument(help="Tariff that they would be offered.")],
    workspace: WorkspaceOption = HERE,
    assume_base: Annotated[
        bool,
        typer.Option("--assume-base", help="Price contracts on another or no known tariff as if on BASE."),
    ] = False,
    contracts: Annotated[
        bool, typer.Option("--contracts", help="List every contract instead of the summary.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for number crunching.")] = 2,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Price every customer's own past year under two tariffs, use unchanged: who wins, loses, or cannot be priced."""
    from gridloop.apps.tariffs import compare_tariffs
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, quiet=quiet, no_color=no_color)
    progress = ProgressLine(style)
    with opened(workspace) as session:
        found = compare_tariffs(
            session,
            base,
            offer,
            assume_base=assume_base,
            threads=threads,
            progress=lambda channel, done, total: progress(f"pricing, {channel}", done, total),
        )
    rows = found.pop("contracts")
    if contracts:
        show_rows(rows, style, empty="There is no contract.")
    elif style.form == "json":
        print_out(json.dumps(plain(found), ensure_ascii=False, indent=1))
    elif style.form == "csv":
        show_rows([{"figure": key, "value": value} for key, value in found.items()], style)
    else:
        _show_comparison(found, workspace, style)


def _show_comparison(found: Mapping[str, Any], workspace: Path, style: Style) -> None:
    currency = found["currency"]
    invented = ", prices invented" if found["invented_prices"] else ""
    title = f"{found['offer']} in place of {found['base']}, use unchanged{invented}"
    if found["computed"]:
        print_out(f"{title}: {found['window_start']} to {found['window_end']}\n")
        show_rows(_who(found), style)
        say(
            f"\nHalf of them would save {_money(found['median_saving'], currency)} a year or less; "
            f"all together {_money(found['total_saving'], currency)}.",
            style,
        )
        if found["undecided"]:
            say(
                f"Of {cell(found['undecided'])} it is not certain on which side they are: readings are missing.",
                style,
            )
        _show_histogram(found["histogram"], currency, style)
    else:
        print_out(f"{title}: no contract could be priced.")
    show_rows(found["not_computable"], style, title="\nNot computable")
    if found["invented_prices"]:
        say("\nBecause prices are invented, this shows how an offer is judged, not what one is worth.", style)
    again = f"gridloop tariff compare {found['base']} {found['offer']}"
    say(f"\nContract by contract: {again} --contracts --csv -w {workspace}", style)


def _who(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Winners, losers and unchanged, with the one who would gain or lose most."""
    currency = found["currency"]
    worst = f"{_money(found['largest_loss'], currency)} (contract {found['largest_loser']})"
    rows = [
        ("would pay less", found["winners"], _money(found["largest_saving"], currency)),
        ("would pay more", found["losers"], worst if found["losers"] else "–"),
        ("no difference", found["unchanged"], "–"),
    ]
    return [{"who": who, "contracts": n, "at_most_a_year": most} for who, n, most in rows]


def _money(amount: Decimal | None, currency: str) -> str:
    return "–" if amount is None else f"{amount:,.2f} {currency}"


def _show_histogram(bars: list[dict[str, Any]], currency: str, style: Style) -> None:
    most = max(bar["contracts"] for bar in bars)
    rows = [
        {
            f"saving a year, {currency}": _span(bar),
            "contracts": bar["contracts"],
            "": "█" * -(-BAR * bar["contracts"] // most),
        }
        for bar in bars
        if bar["contracts"] or (bar["above"] is not None and bar["up_to"] is not None)
    ]
    show_rows(rows, style, title="\nWho saves how much (below zero: pays more)")


def _span(bar: Mapping[str, Any]) -> str:
    if bar["above"] is None:
        return f"{bar['up_to']:,f} or less"
    rest = "" if bar["up_to"] is None else f" to {bar['up_to']:,f}"
    return f"above {bar['above']:,f}{rest}"
