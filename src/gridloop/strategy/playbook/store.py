"""Where playbooks lie and how one is read: shipped ones, and those of a workspace, which override by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gridloop.domain.declaration import explain_declaration
from gridloop.domain.declared_files import FileStamp, read_declared, stamps
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.insight.tags.catalogue import TagCatalogue, load_tags
from gridloop.insight.tags.rule_check import CheckedRule, Vocabulary, check_rule
from gridloop.strategy.playbook.model import Playbook
from gridloop.strategy.tariff.model import Tariff
from gridloop.strategy.tariff.store import load_tariff, tariff_paths

PAGE = "docs/methods/playbooks.md and docs/reference/settings.md explain every key."


@dataclass(frozen=True)
class CheckedPlay:
    """A playbook with what it names.

    Attributes:
        playbook: as declared.
        rules: `audience`, and each exclusion's rule by its name.
        base: the tariff that customers are on.
        catalogue: the tags that its rules speak of.
    """

    playbook: Playbook
    rules: Mapping[str, CheckedRule]
    base: Tariff
    catalogue: TagCatalogue


def playbook_paths(workspace: Path | None = None) -> dict[str, Path]:
    """File of every playbook by name; a workspace's `playbooks/NAME.yaml` overrides the shipped one.

    Args:
        workspace: root folder of a workspace, if one is open.
    """
    shipped = Path(str(files("gridloop") / "library" / "playbooks"))
    folders = [shipped] if workspace is None else [shipped, workspace / "playbooks"]
    return {
        path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.yaml"))
    }


def list_playbooks(workspace: Path | None = None) -> list[Playbook]:
    """Every playbook that can be planned, by name."""
    return [read_playbook(path, workspace) for _, path in sorted(playbook_paths(workspace).items())]


def load_playbook(name: str, workspace: Path | None = None) -> Playbook:
    """The playbook of that name.

    Raises:
        UsageError: there is none, or its file is not a valid playbook; says where and what is close.
    """
    paths = playbook_paths(workspace)
    if name not in paths:
        raise UsageError(
            f"There is no playbook {name!r}.",
            ways_out=(*did_you_mean(name, paths), "List them: gridloop play list."),
        )
    return read_playbook(paths[name], workspace)


def read_playbook(path: Path, workspace: Path | None = None) -> Playbook:
    """Read and check one playbook file; every value is taken as the text that was written.

    Args:
        path: its file.
        workspace: whose tags and tariffs it may name besides the shipped ones.

    Raises:
        UsageError: not YAML, an unknown key, a missing or wrong value, a rule or tariff that is not there.
    """
    named = [] if workspace is None else [workspace / "tags", workspace / "tariffs"]
    return _playbook_of(path, workspace, stamps([path, *named]))


@lru_cache(maxsize=128)
def _playbook_of(path: Path, workspace: Path | None, _written: tuple[FileStamp, ...]) -> Playbook:
    """A playbook, read and checked again when its file, a tag or a tariff of the workspace was written."""
    try:
        # YAML else reads 17:00 as 1020
        declared = read_declared(path, text=True)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"Playbook file {path.name!r} cannot be read.", evidence={"reason": str(error).replace("\n", " ")}
        ) from error
    if not isinstance(declared, dict):
        raise UsageError(
            f"Playbook file {path.name!r} holds no playbook.", ways_out=("Start with `name:`.", PAGE)
        )
    playbook = parse_playbook(declared, path.name, workspace)
    if playbook.name != path.stem:
        raise UsageError(
            f"Playbook file {path.name!r} declares the name {playbook.name!r}.",
            ways_out=(f"Name the file {playbook.name}.yaml.",),
        )
    return playbook


def parse_playbook(
    declared: dict[str, Any], where: str = "playbook", workspace: Path | None = None
) -> Playbook:
    """Check a declaration, its rules and its tariffs, and turn it into a `Playbook`.

    Args:
        declared: the parsed YAML.
        where: named in errors.
        workspace: whose tags and tariffs it may name besides the shipped ones.

    Raises:
        UsageError: see `read_playbook`.
    """
    try:
        playbook = Playbook.model_validate(declared)
    except ValidationError as error:
        raise explain_declaration(error, Playbook, noun="playbook", where=where, page=PAGE) from error
    checked_rules(playbook, load_tags(workspace).vocabulary, where)
    tariffs = tariff_paths(workspace)
    for key, name in (("offer.base", playbook.offer.base), ("offer.tariff", playbook.offer.tariff)):
        if name not in tariffs:
            raise UsageError(
                f"Playbook {where!r} names a tariff {name!r} that there is not.",
                evidence={"at": key},
                ways_out=did_you_mean(name, tariffs),
            )
    return playbook


def check_play(playbook: Playbook, workspace: Path | None = None) -> CheckedPlay:
    """A playbook with its rules checked and its tariff and tags read.

    Args:
        playbook: see `load_playbook`.
        workspace: whose tags and tariffs it may name besides the shipped ones.

    Raises:
        UsageError: a rule or tariff names what is not there.
    """
    catalogue = load_tags(workspace)
    rules = checked_rules(playbook, catalogue.vocabulary)
    return CheckedPlay(playbook, rules, load_tariff(playbook.offer.base, workspace), catalogue)


def checked_rules(
    playbook: Playbook, vocabulary: Vocabulary, where: str | None = None
) -> dict[str, CheckedRule]:
    """Its rules, checked against the columns and tags that there are: `audience`, and each exclusion's by its name.

    Args:
        playbook: whose rules.
        vocabulary: what they may name.
        where: named in errors; its name when not given.

    Raises:
        UsageError: a rule names what is not there, or compares what cannot be compared.
    """
    checked = {}
    for name, place, text in _rules(playbook):
        try:
            checked[name] = check_rule(text, vocabulary)
        except UsageError as error:
            said = error.what.removeprefix("Rule: ")
            raise UsageError(
                f"Playbook {where or playbook.name!r}: {said}",
                evidence={"at": place, **error.evidence},
                ways_out=error.ways_out,
            ) from error
    return checked


def _rules(playbook: Playbook) -> Iterator[tuple[str, str, str]]:
    """Name, place in the file and text of every rule."""
    yield "audience", "audience", playbook.audience
    for number, exclusion in enumerate(playbook.exclusions):
        if exclusion.rule is not None:
            yield exclusion.name, f"exclusions.{number}.rule", exclusion.rule
