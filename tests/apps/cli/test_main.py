"""Every command ends with an exit code that means something, and every error with one clear message."""

from __future__ import annotations

import pytest
import typer

from gridloop import __version__
from gridloop.apps.cli.main import DEBUG_VARIABLE, app, main, unexpected
from gridloop.domain.errors import (
    DataQualityGate,
    GridloopError,
    KeyLost,
    NothingToDo,
    NotPermitted,
    SourceMismatch,
    UsageError,
)


def test_the_version_is_printed(command):
    assert command("--version").out == f"{__version__}\n"


def test_without_words_the_help_is_shown(command):
    answer = command()
    assert answer.code == 2
    assert "doctor" in answer.out + answer.err


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Makes `gridloop doctor` raise an error."""

    def fail_with(error: BaseException) -> None:
        def examine(folder: object) -> None:
            raise error

        monkeypatch.setattr("gridloop.apps.doctor.examine", examine)

    return fail_with


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GridloopError("It failed."), 1),
        (KeyLost("No key."), 1),
        (UsageError("What?"), 2),
        (DataQualityGate("Bad data."), 3),
        (SourceMismatch("Other columns."), 3),
        (NotPermitted("Not you."), 4),
        (NothingToDo("All done."), 5),
    ],
)
def test_an_error_ends_with_the_code_of_its_kind_and_its_words_on_stderr(command, failing, error, code):
    failing(error)
    answer = command("doctor")
    assert (answer.code, answer.out) == (code, "")
    assert answer.err == f"Error: {error.what}\n"


@pytest.mark.parametrize(
    "words", [("no-such-command",), ("run", "--no-such-option"), ("demo", "--days", "0"), ("init",)]
)
def test_a_mistyped_command_is_a_usage_error(command, words):
    answer = command(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert "Error: " in answer.err or "Usage: " in answer.err


def test_an_answer_is_json_or_csv_not_both(command):
    answer = command("job", "list", "--json", "--csv")
    assert answer.code == 2
    assert "--json or --csv" in answer.err


def test_the_keyboard_stops_a_command_with_a_word_on_what_happens_next(command, failing):
    failing(KeyboardInterrupt())
    answer = command("doctor")
    assert answer.code == 130
    assert answer.err == "\nStopped. Whatever was not published is undone by the next run.\n"


def test_an_unforeseen_error_shows_its_kind_and_place_but_not_its_text(command, failing):
    failing(ValueError("Zhang San, 13800138000"))
    answer = command("doctor")
    assert answer.code == 1
    assert "error: ValueError" in answer.err
    assert "at: test_main.py:" in answer.err
    assert "Zhang" not in answer.err
    assert DEBUG_VARIABLE in answer.err


def test_an_unforeseen_error_is_shown_whole_on_request(failing, monkeypatch):
    failing(ValueError("the whole text"))
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    with pytest.raises(ValueError, match="the whole text"):
        main(["doctor"])


def test_an_error_from_nowhere_still_has_a_place():
    try:
        raise RuntimeError("x")
    except RuntimeError as error:
        assert "test_an_error_from_nowhere" in str(unexpected(error).evidence["at"])


def options(command: object) -> set[str]:
    """Long options of a command."""
    return {name for parameter in command.params for name in parameter.opts if name.startswith("--")}  # type: ignore[attr-defined]


def leaves(command: object, name: str = "gridloop"):
    """Every command by its full name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
    for child, inner in (children or {}).items():
        yield from leaves(inner, f"{name} {child}")


def test_every_command_can_answer_without_colour():
    root = typer.main.get_command(app)
    assert [name for name, command in leaves(root) if "--no-color" not in options(command)] == []


def test_every_command_that_answers_csv_answers_json_too():
    root = typer.main.get_command(app)
    assert [n for n, c in leaves(root) if "--csv" in options(c) and "--json" not in options(c)] == []


def test_every_command_but_those_that_need_none_takes_a_workspace():
    root = typer.main.get_command(app)
    assert [n for n, c in leaves(root) if "--workspace" not in options(c)] == [
        "gridloop init",
        "gridloop demo",
        "gridloop benchmark",
    ]
