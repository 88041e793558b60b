"""The command `benchmark`: rerun a published protocol and print our figures beside the published ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gridloop.apps.cli.options import CsvOption, JsonOption, NoColorOption, style_of
from gridloop.apps.cli.output import cell, plain, print_out, say, show_rows
from gridloop.domain.errors import UsageError


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    app.command("benchmark")(benchmark)


def benchmark(
    name: Annotated[str | None, typer.Argument(help="Benchmark, such as lcl-dtou; see --list.")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Folder of the public files.")] = None,
    train: Annotated[
        Path | None, typer.Option("--train", help="Folder of the customers to learn from.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option("--test", help="Folder of the customers to be judged on.")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option("--cv", min=2, help="Judge across so many folds of the folder to learn from."),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="Name the benchmarks that ship.")] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Rerun a published protocol on public files and print our figures beside the published ones."""
    from gridloop.benchmarks import BENCHMARKS
    from gridloop.benchmarks import benchmark as of_name

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    if show_list:
        rows = [
            {"name": b.name, "shows": b.title, "files": b.folder, "protocol": b.page}
            for b in BENCHMARKS.values()
        ]
        show_rows(rows, style, title="Benchmarks")
        return
    if name is None or (data is None) == (train is None):
        raise UsageError(
            "A benchmark needs its name and the folder of its files.",
            ways_out=(
                "gridloop benchmark NAME --data DIR",
                "One that learns: gridloop benchmark NAME --train DIR --test DIR, or --train DIR --cv 5",
                "See the names: gridloop benchmark --list",
            ),
        )
    chosen = of_name(name)
    if data is not None:
        if test is not None or folds is not None:
            raise UsageError("--test and --cv belong to --train.", ways_out=("--train DIR --test DIR",))
        result = chosen.run(data)
    else:
        assert train is not None
        result = chosen.run_learned(train, test=test, folds=folds)
    if style.form == "json":
        print_out(json.dumps(plain(result), ensure_ascii=False))
        return
    say(str(result["protocol"]), style)
    show_rows(
        [{"figure": key, "ours": value} for key, value in figures(result["metrics"])], style, title=name
    )
    published = [{"figure": key, "published": value} for key, value in figures(result["references"])]
    show_rows(published, style, title="Published")
    say(f"{result['seconds']} s, {result['peak_rss_mb']} MB", style)


def figures(tree: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Named figures of nested metrics as lines; one with uncertainty as value and interval."""
    lines = []
    for key, value in tree.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping) and set(value) == {"value", "ci_low", "ci_high"}:
            lines.append(
                (path, f"{cell(value['value'])} [{cell(value['ci_low'])}, {cell(value['ci_high'])}]")
            )
        elif isinstance(value, Mapping):
            lines += figures(value, f"{path}.")
        else:
            lines.append((path, cell(value)))
    return lines
