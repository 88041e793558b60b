"""What is wrong with a declaration (recipe, tariff, playbook): the place, the reason, the closest known key."""

from __future__ import annotations

from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gridloop.domain.errors import UsageError, did_you_mean


def explain_declaration(
    error: ValidationError, model: type[BaseModel], *, noun: str, where: str, page: str
) -> UsageError:
    """The first fault of a declaration as an error for people; a misspelt key goes first, it also leaves one missing.

    Args:
        error: what validating raised.
        model: what was declared.
        noun: what people call it: `tariff`.
        where: the file or name that errors show.
        page: sentence that says where every key is explained.
    """
    problems = error.errors(include_url=False)
    first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    place = ".".join(str(part) for part in first["loc"])
    evidence = {"at": place or f"the {noun} as a whole", "problems": len(problems)}
    if first["type"] == "extra_forbidden":
        ways_out = did_you_mean(str(first["loc"][-1]), known_keys(model, first["loc"][:-1]))
        text = f"{noun.capitalize()} {where!r} has a key that {noun}s do not know."
        return UsageError(text, evidence=evidence, ways_out=(*ways_out, page))
    reason = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return UsageError(
        f"{noun.capitalize()} {where!r} is not valid: {reason}.", evidence=evidence, ways_out=(page,)
    )


def known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """Field names of the part of a declaration that `path` leads to, or of the last part on the way that has fields."""
    for part in path:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = _model_within(field.annotation) or model
    return tuple(model.model_fields)


def _model_within(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple, dict) or hasattr(annotation, "__metadata__"):
        return next((found for part in get_args(annotation) if (found := _model_within(part))), None)
    return None
