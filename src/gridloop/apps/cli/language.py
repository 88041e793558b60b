"""Which language a command speaks, and its help in that language."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gridloop.apps.recognition import told
from gridloop.apps.translations import LANGUAGES, Language
from gridloop.domain.errors import UsageError

VARIABLE = "GRIDLOOP_LANG"
OPTION = "--lang"
SYSTEM = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where the system says its language, the strongest first."""


def language_of(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Language:
    """The language of a command: its option, else the variable, else the system's, else English.

    Args:
        arguments: the words after `gridloop`; the option stands before the command.
        environment: variables; the process's own when not given.

    Raises:
        UsageError: a language was asked for that there is not.
    """
    environment = os.environ if environment is None else environment
    for place, word in enumerate(arguments):
        if not word.startswith("-"):
            break
        if word == OPTION:
            return _named("".join(arguments[place + 1 : place + 2]), OPTION)
        if word.startswith(f"{OPTION}="):
            return _named(word.partition("=")[2], OPTION)
    if environment.get(VARIABLE):
        return _named(environment[VARIABLE], VARIABLE)
    system = next((environment[name] for name in SYSTEM if environment.get(name)), "")
    return "zh" if system.lower().startswith("zh") else "en"


def _named(text: str, where: str) -> Language:
    wanted = text.lower().replace("_", "-").split("-")[0]
    for one in LANGUAGES:
        if one == wanted:
            return one
    raise UsageError(
        f"{text!r} is not a language of Gridloop.",
        evidence={"from": where},
        ways_out=(f"Say {' or '.join(LANGUAGES)}.",),
    )


def translate_help(command: Any, language: Language) -> None:
    """Put the help of a command, its options and the commands below it into a language."""
    for one in _commands(command):
        for name in ("help", "short_help", "epilog"):
            text = getattr(one, name, None)
            if text:
                setattr(one, name, told(" ".join(text.split("\n\n")[0].split()), language))
        for parameter in one.params:
            if getattr(parameter, "help", None):
                parameter.help = told(parameter.help, language)


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from _commands(one)
