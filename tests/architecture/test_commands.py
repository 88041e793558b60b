"""Every command and option is explained and documented, and every command that a document shows exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

SHOWN_IN = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/guides/*.md")


def commands(app: object) -> dict[str, object]:
    """Every visible command of a typer application by its full name (`gridloop data check`)."""
    import typer

    def walk(name: str, command: object) -> Iterator[tuple[str, object]]:
        children = getattr(command, "commands", None)
        if children is None:
            yield name, command
        for child, inner in sorted((children or {}).items()):
            if not inner.hidden:
                yield from walk(f"{name} {child}", inner)

    return dict(walk("gridloop", typer.main.get_command(app)))  # type: ignore[arg-type]


def unexplained_commands(app: object) -> list[str]:
    """A command or option without a help text: `--help` is the page a user opens first."""
    found = []
    for name, command in commands(app).items():
        found += [] if getattr(command, "help", None) else [name]
        for option in command.params:  # type: ignore[attr-defined]
            if not getattr(option, "help", None) and not getattr(option, "hidden", False):
                found.append(f"{name} {option.opts[0]}")
    return found


def commands_without_section(app: object, reference: str) -> list[str]:
    """A command must have its own section in the reference, and that section must name all of its options."""
    sections = dict(re.findall(r"^#+ `?(gridloop[\w -]*?)`?\s*$(.*?)(?=^#|\Z)", reference, re.M | re.S))
    found = []
    for name, command in commands(app).items():
        if name not in sections:
            found.append(name)
            continue
        options = [max(option.opts, key=len) for option in command.params if not option.hidden]  # type: ignore[attr-defined]
        found += [f"{name} {option}" for option in options if option not in sections[name]]
    return found


def shown_commands(root: Path) -> Iterator[tuple[str, str]]:
    """Every line of a code block or a code span in a document that starts with `make` or `gridloop`."""
    for pattern in SHOWN_IN:
        for page in sorted(root.glob(pattern)):
            text = page.read_text(encoding="utf-8")
            blocks = [
                line.strip()
                for block in re.findall(r"```\w*\n(.*?)```", text, re.S)
                for line in block.splitlines()
            ]
            spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
            for line in [*blocks, *spans]:
                for part in re.split(r"&&|;", line.removeprefix("$ ")):
                    typed = part.strip().removeprefix(".venv/bin/")
                    if re.match(r"(make|gridloop)( |$)", typed):
                        yield str(page.relative_to(root)), typed


def shown_but_absent(root: Path, known: Collection[str], targets: Collection[str]) -> list[str]:
    """A command shown in a document that cannot be typed is met by the reader in the first minute."""
    found = []
    for page, line in shown_commands(root):
        words = [word for word in shlex.split(line, comments=True) if not word.startswith("-")]
        if words[0] == "make":
            missing = [word for word in words[1:] if "=" not in word and word not in targets]
        else:
            missing = [] if len(words) == 1 or matches(words, known) else [line]
        found += [f"{page}: {line}" for _ in missing[:1]]
    return found


def matches(words: list[str], known: Collection[str]) -> bool:
    """Whether the words begin with a known command (`gridloop import lcl` begins with `gridloop import`)."""
    return any(words[: len(name.split())] == name.split() for name in known)


def make_targets(makefile: str) -> set[str]:
    """Names that `make` accepts."""
    return set(re.findall(r"^([a-z][\w-]*)\s*:(?!=)", makefile, re.M))


@pytest.fixture(scope="module")
def app() -> object:
    from gridloop.apps.cli import app

    return app


def test_every_command_and_option_explains_itself(app):
    assert unexplained_commands(app) == []


def test_every_command_has_its_section_in_the_reference(app, repository):
    assert (
        commands_without_section(app, (repository / "docs/reference/cli.md").read_text(encoding="utf-8"))
        == []
    )


def test_every_command_that_a_document_shows_exists(app, repository):
    targets = make_targets((repository / "Makefile").read_text(encoding="utf-8"))
    assert shown_but_absent(repository, commands(app), targets) == []


@pytest.fixture(scope="module")
def planted_app() -> object:
    import typer

    app, data = typer.Typer(), typer.Typer()
    app.add_typer(data, name="data")

    @app.command()
    def init(zone: str = typer.Option("UTC", "--zone", help="Zone of the utility.")) -> None:
        """Make a workspace."""

    @data.command()
    def check(strict: bool = typer.Option(False, "--strict")) -> None: ...

    return app


def test_a_command_without_help_is_named(planted_app):
    assert unexplained_commands(planted_app) == ["gridloop data check", "gridloop data check --strict"]


def test_a_command_or_option_missing_from_the_reference_is_named(planted_app):
    assert commands_without_section(planted_app, "## `gridloop init`\n\nMakes one.\n") == [
        "gridloop data check",
        "gridloop init --zone",
    ]
    whole = "## `gridloop init`\n\n- `--zone`\n\n## `gridloop data check`\n\n- `--strict`\n"
    assert commands_without_section(planted_app, whole) == []


def test_a_document_that_shows_an_absent_command_is_named(planted_app, plant):
    block = "```sh\nmake test ARGS='tests -n0'  # all of it\ngridloop init && .venv/bin/gridloop data chekc -w W\n```\n"
    page = f"`make setup test`, `make fly`, `gridloop`\n{block}"
    targets = make_targets("setup: a\ntest:\nX := 1\n")
    assert shown_but_absent(plant({"README.md": page}), commands(planted_app), targets) == [
        "README.md: gridloop data chekc -w W",
        "README.md: make fly",
    ]
