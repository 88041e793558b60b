"""Templates: shipped in `library/content`, overridden by a workspace's `content/NAME.yaml`."""

from __future__ import annotations

import string
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gridloop.domain.declaration import explain_declaration
from gridloop.domain.declared_files import read_declared
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.insight.tags.catalogue import Bilingual
from gridloop.strategy.playbook.model import PLAY_NAME

PAGE = "docs/guides/reach.md explains templates."

PLACEHOLDERS = {
    "name": "The customer's name.",
    "utility": "Name of the sender.",
    "tariff": "Title of the tariff that is offered.",
    "saving": "The customer's own saving a year, with its currency.",
    "refusal": "How to refuse further messages: a link, an address or a word to answer with.",
}
"""What a template may ask for, in braces: `{saving}`."""


class Words(BaseModel):
    """The words of one language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str = Field(min_length=1, description="Subject of a mail, title of a push; one line.")
    text: str = Field(min_length=1, description="Plain text of a mail, script of a call.")
    short: str = Field(min_length=1, description="Text of a short message and of a push.")
    html: str | None = Field(
        default=None, description="The mail as HTML; values are escaped. Plain text alone if none."
    )

    @field_validator("subject", "text", "short", "html")
    @classmethod
    def _known_placeholders(cls, text: str | None) -> str | None:
        for name in placeholders(text or ""):
            if name not in PLACEHOLDERS:
                raise ValueError(
                    f"{{{name}}} is no placeholder. {' '.join(did_you_mean(name, PLACEHOLDERS))}"
                )
        return text

    @field_validator("subject")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if "\n" in text.strip():
            raise ValueError("a subject is one line")
        return text.strip()

    @model_validator(mode="after")
    def _can_be_refused(self) -> Self:
        for name in ("text", "short", "html"):
            text = getattr(self, name)
            if text is not None and "refusal" not in placeholders(text):
                raise ValueError(f"{name} does not say how to refuse: it needs {{refusal}}")
        return self


class Template(BaseModel):
    """What one kind of message says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=PLAY_NAME, description="Lower case with hyphens; also the name of its file.")
    version: int = Field(ge=1, description="Raised with every change of what it says.")
    title: Bilingual = Field(description="Its name for people.")
    en: Words = Field(description="In English.")
    zh: Words = Field(description="In Chinese.")

    def words(self, language: str) -> Words:
        """The words of a language: Chinese for any `zh…`, English otherwise."""
        return self.zh if language.lower().startswith("zh") else self.en


def placeholders(text: str) -> list[str]:
    """Names in braces; `{{` and `}}` stand for braces.

    Raises:
        ValueError: a brace without its partner, or more than a name between two.
    """
    return list(_names(text))


def _names(text: str) -> Iterator[str]:
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise ValueError(f"{{{name}}} is no placeholder: between braces stands one plain name")
        yield name


def template_paths(workspace: Path | None = None) -> dict[str, Path]:
    """File of every template by name; a workspace's `content/NAME.yaml` overrides the shipped one.

    Args:
        workspace: root folder of a workspace, if one is open.
    """
    shipped = Path(str(files("gridloop") / "library" / "content"))
    folders = [shipped] if workspace is None else [shipped, workspace / "content"]
    return {
        path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.yaml"))
    }


def load_template(name: str, workspace: Path | None = None) -> Template:
    """The template of that name.

    Raises:
        UsageError: there is none, or its file is not a valid template; says where and what is close.
    """
    paths = template_paths(workspace)
    if name not in paths:
        raise UsageError(f"There is no template {name!r}.", ways_out=did_you_mean(name, paths))
    return read_template(paths[name])


def read_template(path: Path) -> Template:
    """Read and check one template file.

    Raises:
        UsageError: not YAML, an unknown key or placeholder, no way to refuse, a missing language.
    """
    try:
        declared = read_declared(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"Template file {path.name!r} cannot be read.",
            evidence={"reason": str(error).replace("\n", " ")},
        ) from error
    if not isinstance(declared, dict):
        raise UsageError(
            f"Template file {path.name!r} holds no template.", ways_out=("Start with `name:`.", PAGE)
        )
    try:
        template = Template.model_validate(declared)
    except ValidationError as error:
        raise explain_declaration(error, Template, noun="template", where=path.name, page=PAGE) from error
    if template.name != path.stem:
        raise UsageError(
            f"Template file {path.name!r} declares the name {template.name!r}.",
            ways_out=(f"Name the file {template.name}.yaml.",),
        )
    return template
