"""An answer as HTML, JSON or CSV, each with a tag that says whether the reader has it already."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from gridloop import __version__
from gridloop.apps.plain import guarded, plain
from gridloop.apps.web.page import Answer, Context, address
from gridloop.domain.errors import (
    GridloopError,
    KeyLost,
    LedgerConflict,
    NotPermitted,
    ServiceMissing,
    StorageFull,
    UsageError,
    WorkspaceLocked,
)

STATUS: Sequence[tuple[type[GridloopError], int]] = (
    (NotPermitted, 403),
    (UsageError, 404),
    (WorkspaceLocked, 409),
    (LedgerConflict, 409),
    (KeyLost, 503),
    (ServiceMissing, 503),
    (StorageFull, 507),
)
"""What an error is in HTTP; any other is 500."""


def status_of(error: GridloopError, *, doing: bool = False) -> int:
    """The status of an error's page: a wrong name is 404 when looked for, 422 when sent in a form."""
    found = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return 422 if doing and found == 404 else found


def environment(packages: Sequence[str]) -> Environment:
    """Templates of the folders `templates` of packages; everything shown is escaped."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in packages]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(address=address, version=__version__)
    return made


def html(
    templates: Environment, name: str, context: Context | None, answer: Answer, shell: Mapping[str, Any]
) -> str:
    """A page.

    Args:
        templates, name: where it is written.
        context: of the request; None for an error before there is one.
        answer: what it says: its facts and pictures are variables of the template, its rows are `rows`.
        shell: what the layout needs.
    """
    taken = sorted(shell.keys() & {*answer.facts, *answer.pictures})
    if taken:
        raise ValueError(f"The layout itself uses the names {taken}.")
    pictures = {
        key: Markup(made) if isinstance(made, str) else [Markup(one) for one in made]
        for key, made in answer.pictures.items()
    }
    said = {**shell, **answer.facts, **pictures, "rows": answer.rows, "context": context}
    return templates.get_template(name).render(said)


def as_json(answer: Answer, title: str) -> str:
    """The same as one JSON object: title, rows, facts, code version."""
    whole = {"title": title, "rows": answer.rows, "facts": answer.facts, "code_version": __version__}
    try:  # what is plain already is written by the encoder in C; a year of load has 17,520 numbers
        return json.dumps(whole, ensure_ascii=False, allow_nan=False, default=plain)
    except (TypeError, ValueError):  # a key that is no text, or a number that JSON does not have
        return json.dumps(plain(whole), ensure_ascii=False, default=str)


def as_csv(answer: Answer) -> str:
    """The rows; no cell is taken for a formula by a spreadsheet, which a byte order mark tells the encoding."""
    file = io.StringIO()
    if answer.rows:
        names = list(dict.fromkeys(name for row in answer.rows for name in row))
        writer = csv.DictWriter(file, fieldnames=names, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({name: guarded(row.get(name)) for name in names} for row in answer.rows)
    return "\ufeff" + file.getvalue()


def tagged(
    request: Request, content: str, kind: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer with its tag; 304 without content when the reader has it."""
    body = content.encode()
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    common = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Accept-Language",
        **(headers or {}),
    }
    if status == 200 and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=common)
    return Response(body, status, headers=common, media_type=kind)


def problem(error: GridloopError, status: int, path: str) -> str:
    """An error as RFC 9457 has it, with evidence and ways out."""
    made = {
        "type": "about:blank",
        "title": type(error).__name__,
        "status": status,
        "detail": error.what,
        "instance": path,
        "evidence": error.evidence,
        "ways_out": error.ways_out,
    }
    return json.dumps(plain(made), ensure_ascii=False)
