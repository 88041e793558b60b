"""Write `docs/reference/cli.md` and `docs/reference/settings.md` from the code; run by `make docs`.

With `--check` nothing is written, and the exit code is 1 when a page is out of step.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import gridloop
from gridloop.apps.actor import USER_VARIABLE
from gridloop.apps.cli import app
from gridloop.apps.cli.keeping import PASSPHRASE
from gridloop.apps.cli.main import DEBUG_VARIABLE
from gridloop.apps.cli.options import WORKSPACE_VARIABLE
from gridloop.domain.errors import GridloopError
from gridloop.security.keys import KEYS_VARIABLE

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTHING = "–"

EXIT_CODES = {
    0: "done",
    1: "failed; nothing that was published has changed",
    2: "usage: a command, option, setting, name or folder is not one Gridloop knows",
    3: "data-quality gate: the data is not good enough, or not what its recipe says",
    4: "not permitted",
    5: "nothing to do: everything asked for was done before",
    130: "stopped by the keyboard; whatever was not published is undone by the next run",
}

ENVIRONMENT = {
    WORKSPACE_VARIABLE: "Folder of the workspace for commands that are not given `-w`.",
    KEYS_VARIABLE: "Folder of the vaults' keys, instead of the user's configuration folder; "
    "the setting `keys_folder` of a workspace goes before it.",
    PASSPHRASE: "Passphrase for `gridloop vault export-key` and `import-key`, for scripts that cannot be asked.",
    DEBUG_VARIABLE: "When set, to whatever value, an unforeseen error shows its whole trace, which may hold data.",
    USER_VARIABLE: "Name of the person who plans, approves and launches, instead of the operating system's user; "
    "`--as` goes before it. Nothing proves it until there are accounts.",
    "GRIDLOOP_LANG": "Language of everything that commands say to people, `en` or `zh`, instead of the system's; "
    "`--lang` goes before it.",
    "NO_COLOR": "When set, to whatever value, text is not coloured, as by `--no-color`.",
    "GRIDLOOP_DATA": "For tests only: folder of the public data sets that tests marked `realdata` read.",
    "GRIDLOOP_KILL_SEED": "For tests only: seed of the moments at which the kill tests strike, to repeat one.",
    "GRIDLOOP_KILL_CHAIN": "For tests only: with 1 every kill strikes a fresh workspace, which takes long.",
}

VALUES = {str: "text", int: "whole number", float: "number", Path: "path"}


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def cli_page(program: typer.Typer) -> str:
    """The reference of the command line.

    Args:
        program: its root; every visible command gets a section that names all of its arguments and options.
    """
    root: Any = typer.main.get_command(program)
    exits = markdown_table(
        ("code", "meaning", "errors"),
        ((f"`{code}`", text, ", ".join(errors_of(code)) or NOTHING) for code, text in EXIT_CODES.items()),
    )
    parts = [
        "# The command line",
        "Written by `make docs` from the program's own help; do not edit.",
        f"{root.help} `gridloop --version` prints the version; every command answers `--help`.",
        "Data goes to stdout, progress and errors to stderr. "
        "An error names the thing, shows the evidence and lists the ways out.",
        "## Exit codes",
        exits,
        *sections("gridloop", root, level=2),
    ]
    return "\n\n".join(parts) + "\n"


def errors_of(code: int) -> list[str]:
    """Names of the error classes that end a command with this code; for 1, where most end, none."""
    list(modules(gridloop))
    found = {kind.__name__ for kind in descendants(GridloopError) if kind.exit_code == code}
    return [f"`{name}`" for name in sorted(found)] if code != 1 else []


def descendants(kind: type[GridloopError]) -> Iterator[type[GridloopError]]:
    """Every class below `kind` that the package defines."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("gridloop."):
            yield one
            yield from descendants(one)


def sections(name: str, group: Any, level: int) -> Iterator[str]:
    """Heading, help, usage and options of every command below a group, in the order of `--help`."""
    for child, command in group.commands.items():
        if command.hidden:
            continue
        full = f"{name} {child}"
        yield f"{'#' * level} `{full}`"
        yield inspect.cleandoc(command.help)
        if hasattr(command, "commands"):
            yield from sections(full, command, level + 1)
            continue
        shown = [parameter for parameter in command.params if not parameter.hidden]
        yield f"```\n{usage(full, shown)}\n```"
        head = ("argument or option", "value", "default", "meaning")
        yield markdown_table(head, (parameter_row(parameter) for parameter in shown))


def usage(name: str, parameters: Iterable[Any]) -> str:
    """The line that is typed: options first, then arguments, optional ones in brackets."""
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    words = [p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments]
    return " ".join([name, "[OPTIONS]", *words])


def parameter_row(parameter: Any) -> tuple[str, str, str, str]:
    """Names, kind of value, default and meaning of one argument or option."""
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    named = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    default = NOTHING if named is None or named is False or named == "" else f"`{named}`"
    if parameter.param_type_name == "argument" and parameter.required:
        default = "required"
    variable = f" Environment: `{parameter.envvar}`." if parameter.envvar else ""
    return names, value_of(parameter), default, f"{parameter.help}{variable}"


def value_of(parameter: Any) -> str:
    """What an option takes: `–` for a switch, else the kind of value and its limits."""
    if getattr(parameter, "is_flag", False):
        return NOTHING
    annotation = parameter.type_descriptor.annotation
    if issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    kind = VALUES[annotation]
    limits = (("≥", parameter.min), ("≤", parameter.max))
    return ", ".join([kind, *(f"{sign} {limit:g}" for sign, limit in limits if limit is not None)])


def settings_page(package: Any) -> str:
    """The reference of every setting and environment variable.

    Args:
        package: the package that is walked for settings classes.
    """
    found = settings_classes(package)
    workspace = [kind for kind in found if kind.__name__ == "WorkspaceConfig"]
    others = [kind for kind in found if kind not in workspace]
    parts = [
        "# Settings",
        "Written by `make docs` from the settings classes; do not edit. "
        "Every class is frozen and refuses a key it does not know.",
        "The workspace's settings lie in its `gridloop.toml`, written by `gridloop init` from its options. "
        "Classes called Settings are arguments of Python functions; `gridloop run` uses their defaults. "
        "The other classes are what the declaration files in `gridloop/library` may say. "
        "What a command can be told is in [cli.md](cli.md), what a recipe can say in [recipes.md](recipes.md).",
        "## Environment variables",
        markdown_table(("variable", "meaning"), ((f"`{name}`", text) for name, text in ENVIRONMENT.items())),
        *(section for kind in (*workspace, *others) for section in settings_section(kind)),
    ]
    return "\n\n".join(parts) + "\n"


def settings_classes(package: Any) -> list[type]:
    """Every class called Settings or Config, the records their fields hold, and the lines of the rule book."""
    found: dict[type, None] = {}
    for module in modules(package):
        for kind in list(vars(module).values()):
            if isinstance(kind, type) and kind.__module__ == module.__name__ and is_setting(kind):
                found |= dict.fromkeys((kind, *held_records(kind)))
    return sorted(found, key=lambda kind: kind.__module__)


def modules(package: Any) -> Iterator[Any]:
    """Every module of a package but programs, which would run."""
    yield package
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def is_setting(kind: type) -> bool:
    """Whether a class holds settings: by its name, or as a pydantic model with fields; recipes have their own page."""
    if kind.__module__ == "gridloop.data.recipe":
        return False
    return kind.__name__.endswith(("Settings", "Config")) or (
        issubclass(kind, BaseModel) and bool(kind.model_fields)
    )


def held_records(kind: type) -> Iterator[type]:
    """Dataclasses that a dataclass has as fields."""
    if not dataclasses.is_dataclass(kind):
        return
    for annotation in inspect.get_annotations(kind, eval_str=True).values():
        if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
            yield annotation


def settings_section(kind: type) -> Iterator[str]:
    """Heading, first sentence and fields of one settings class."""
    yield f"## `{kind.__name__}`"
    first = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
    yield f"`{kind.__module__}`: {first}"
    yield markdown_table(("setting", "type", "default", "meaning"), fields_of(kind))


def fields_of(kind: type) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and meaning of every field; a pydantic model's under the name that files give it."""
    told = explained(kind)
    if issubclass(kind, BaseModel):
        types = {name: text for base in reversed(kind.__mro__) for name, text in _own_types(base).items()}
        for name, info in kind.model_fields.items():
            default = info.get_default(call_default_factory=True, validated_data={})
            limits = limits_of(info.metadata)
            text = info.description or told.get(name, "")
            shown = ", ".join([f"`{types[name]}`", *limits])
            yield f"`{info.alias or name}`", shown, default_of(default, PydanticUndefined), text
        return
    for one in dataclasses.fields(kind):  # type: ignore[arg-type]
        make = one.default_factory
        default = one.default if make is dataclasses.MISSING else make()
        text = one.metadata.get("text") or told.get(one.name, "")
        yield f"`{one.name}`", f"`{one.type}`", default_of(default, dataclasses.MISSING), text


def _own_types(kind: type) -> Mapping[str, str]:
    return {
        name: text if isinstance(text, str) else getattr(text, "__name__", str(text))
        for name, text in inspect.get_annotations(kind).items()
    }


def limits_of(metadata: Iterable[Any]) -> list[str]:
    """The limits that pydantic enforces, as a person reads them."""
    found = []
    for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"), ("pattern", "matches")):
        limits = [getattr(limit, name) for limit in metadata if getattr(limit, name, None) is not None]
        found += [f"{sign} `{limit}`" for limit in limits]
    return found


def default_of(value: Any, missing: object) -> str:
    """A default as it would be written in a settings file."""
    if value is missing:
        return "required"
    if dataclasses.is_dataclass(value):
        return f"see `{type(value).__name__}`"
    if isinstance(value, tuple):
        return ", ".join(default_of(part, missing) for part in value) or "none"
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`" if value != {} else "none"


def explained(kind: type) -> dict[str, str]:
    """Field to meaning, from the docstring's lines `name, other: meaning` with their continuation lines."""
    told: dict[str, str] = {}
    names: list[str] = []
    for line in (inspect.getdoc(kind) or "").partition("Attributes:")[2].splitlines():
        begun = re.match(r"^ {4}(\w+(?:, \w+)*): (.*)$", line)
        if begun:
            names = begun[1].split(", ")
            told |= dict.fromkeys(names, begun[2].strip())
        elif line.startswith(" " * 5):
            told |= {name: f"{told[name]} {line.strip()}" for name in names}
    return {name: text[:1].upper() + text[1:] for name, text in told.items()}


def pages() -> dict[str, str]:
    """The text of every generated page by its name."""
    return {"cli.md": cli_page(app), "settings.md": settings_page(gridloop)}


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 when the pages are in step, 1 when `--check` finds one that is not."""
    parser = argparse.ArgumentParser(description="Write the reference from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a page is out of step")
    parser.add_argument("--folder", type=Path, default=REFERENCE, help="where the pages are")
    options = parser.parse_args(arguments)
    verb = "out of step" if options.check else "written"
    changed = 0
    for name, wanted in pages().items():
        page = options.folder / name
        if page.is_file() and page.read_text(encoding="utf-8") == wanted:
            continue
        changed += 1
        if not options.check:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(wanted, encoding="utf-8")
        sys.stdout.write(f"{verb}: {name}\n")
    sys.stdout.write(f"{changed} reference pages {verb}\n")
    return int(options.check and changed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
