"""The program that answers: routes of pages, forms and files around opened workspaces."""

from __future__ import annotations

import functools
import os
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path

from gridloop import __version__
from gridloop.apps.recognition import recogniser
from gridloop.apps.translations import LANGUAGES
from gridloop.apps.unforeseen import DEBUG_VARIABLE, unexpected
from gridloop.apps.web.assets import Assets
from gridloop.apps.web.guard import FORM_COOKIE, LARGEST_FORM, FormTokens, Guard
from gridloop.apps.web.memory import Memory
from gridloop.apps.web.page import STAGES, Action, Answer, Context, Page, mark
from gridloop.apps.web.render import as_csv, as_json, environment, html, problem, status_of, tagged
from gridloop.apps.web.sessions import Sessions
from gridloop.apps.words import Words, chosen_language
from gridloop.domain.errors import GridloopError, UsageError

LANGUAGE_COOKIE = "gridloop_language"
STAGE_NAMES: Mapping[str, str] = {
    "data": mark("Data"),
    "insight": mark("Insight"),
    "strategy": mark("Strategy"),
    "reach": mark("Reach"),
    "evaluate": mark("Evaluate"),
    "govern": mark("Govern"),
}


class Site:
    """Pages and actions over one workspace, as an app.

    Args:
        sessions: lends the workspace.
        pages, actions: what it answers.
        packages: Python packages that have templates.
        base: what pages find in `Context.base`.
    """

    def __init__(
        self,
        sessions: Sessions,
        pages: Sequence[Page],
        actions: Sequence[Action],
        packages: Sequence[str],
        base: Mapping[str, Any],
    ) -> None:
        self.sessions = sessions
        self.pages = pages
        self.base = {**base, "memory": Memory(), "known": self.known}
        self._paths = [compile_path(page.path)[0] for page in pages]
        self.assets = Assets()
        self.tokens = FormTokens()
        self.templates = environment(packages)
        self.app = FastAPI(
            title="Gridloop",
            version=__version__,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=self._lifespan,
        )
        self.app.state.warm = self.warm
        self.app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
        self.app.add_middleware(Guard)
        self.app.add_route("/static/{digest}/{name:path}", self.assets.serve)
        self.app.add_route("/language", self._choose_language, methods=["POST"])
        for action in actions:
            self.app.add_route(action.path, functools.partial(self._act, action), methods=["POST"])
        for page in pages:
            self._add(page)
        self.app.add_exception_handler(HTTPException, self._missing)

    def warm(self) -> None:
        """Compute what listed pages remember, so that no reader waits for it; a failure is for a reader to see."""
        config = self.sessions.workspace.config
        for language in LANGUAGES:
            recogniser(language)
        for page in (page for page in self.pages if page.listed):
            with suppress(Exception), self.sessions.borrow() as (session, view):
                words = Words("en", config.zone, session.clock.now(), config.currency)
                page.answer(Context(session, view, words, actor=session.actor, base=self.base))

    def known(self, path: str) -> bool:
        """Whether a page answers at an address."""
        return any(pattern.match(path.partition("?")[0]) for pattern in self._paths)

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        for part in self.base.values():
            begin = getattr(part, "begin", None)
            if begin is not None:
                await run_in_threadpool(begin)
        yield
        for part in self.base.values():
            close = getattr(part, "close", None)
            if close is not None:
                await run_in_threadpool(close)
        self.sessions.close()

    def _add(self, page: Page) -> None:
        stem = page.path if page.path != "/" else "/overview"
        for form in ("json", "csv"):
            self.app.add_route(f"{stem}.{form}", self._route(page, form))
        self.app.add_route(page.path, self._route(page, "html"))

    def _route(self, page: Page, form: str) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            return await run_in_threadpool(self._show, page, form, request)

        return answer

    def _show(self, page: Page, form: str, request: Request) -> Response:
        try:
            with self.sessions.borrow() as (session, view):
                words = self._words(request)
                context = Context(
                    session=session,
                    view=view,
                    words=words,
                    parameters={name: str(value) for name, value in request.path_params.items()},
                    query=dict(request.query_params),
                    actor=session.actor,
                    base=self.base,
                )
                answer = page.answer(context)
                title = answer.heading or words(page.title)
                if form == "json":
                    return tagged(request, as_json(answer, title), "application/json")
                if form == "csv":
                    name = page.path.strip("/").partition("/")[0] or "overview"
                    attached = {"Content-Disposition": f'attachment; filename="gridloop-{name}.csv"'}
                    return tagged(request, as_csv(answer), "text/csv; charset=utf-8", headers=attached)
                shell = self._shell(request, words, page, title)
                made = html(self.templates, page.template, context, answer, shell)
                return self._with_cookie(tagged(request, made, "text/html; charset=utf-8"), shell["cookie"])
        except GridloopError as error:
            return self.refuse(request, error, form=form)
        except Exception as error:
            return self.refuse(request, _unforeseen(error), form=form)

    def _words(self, request: Request) -> Words:
        config = self.sessions.workspace.config
        language = chosen_language(
            request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language"),
        )
        return Words(language, config.zone, self.sessions.workspace.clock.now(), config.currency)

    def _shell(self, request: Request, words: Words, page: Page | None, title: str) -> dict[str, Any]:
        """What the layout shows around every page."""
        cookie = self.tokens.cookie(request.cookies.get(FORM_COOKIE))
        path = request.url.path
        stem = path if path != "/" else "/overview"
        query = f"?{request.url.query}" if request.url.query else ""
        return {
            "_": words,
            "ngettext": words.plural,
            "words": words,
            "page": page,
            "title": title,
            "navigation": self._navigation(words, page),
            "asset": self.assets.address,
            "token": self.tokens.token(cookie),
            "cookie": cookie,
            "here": path + query,
            "forms": {form: f"{stem}.{form}{query}" for form in ("csv", "json")},
            "workspace": self.sessions.workspace.config,
            "actor": self.sessions.actor,
            "now": words.now,
        }

    def _navigation(self, words: Words, here: Page | None) -> list[dict[str, Any]]:
        """Stages of the loop with their listed pages; a page that is not listed belongs to the list it came from."""
        listed = [page for page in self.pages if page.listed and page.stage]
        stem = "" if here is None else here.path.split("/{")[0]
        return [
            {
                "name": stage,
                "title": words(STAGE_NAMES[stage]),
                "current": here is not None and here.stage == stage,
                "pages": [
                    {"path": one.path, "title": words(one.title), "current": one.path == stem}
                    for one in listed
                    if one.stage == stage
                ],
            }
            for stage in STAGES
        ]

    def _with_cookie(self, response: Response, cookie: str) -> Response:
        response.set_cookie(FORM_COOKIE, cookie, httponly=True, samesite="strict", path="/")
        return response

    async def _form(self, request: Request) -> dict[str, str]:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                raise UsageError("The form is larger than any form of the console.")
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        token = fields.pop("token", None)
        self.tokens.require(request.headers, request.cookies.get(FORM_COOKIE), token)
        return fields

    async def _act(self, action: Action, request: Request) -> Response:
        try:
            fields = await self._form(request)
            where = await run_in_threadpool(self._do, action, request, fields)
        except GridloopError as error:
            return await run_in_threadpool(self.refuse, request, error, doing=True)
        except Exception as error:
            return await run_in_threadpool(self.refuse, request, _unforeseen(error), doing=True)
        return RedirectResponse(where, 303)

    def _do(self, action: Action, request: Request, fields: Mapping[str, str]) -> str:
        with self.sessions.borrow() as (session, view):
            parameters = {name: str(value) for name, value in request.path_params.items()}
            words = self._words(request)
            context = Context(session, view, words, parameters, {}, session.actor, self.base)
            return action.act(context, fields)

    async def _choose_language(self, request: Request) -> Response:
        try:
            fields = await self._form(request)
        except GridloopError as error:
            return await run_in_threadpool(self.refuse, request, error, doing=True)
        back = fields.get("back", "/")
        response = RedirectResponse(
            back if back.startswith("/") and back[1:2] not in ("/", "\\") else "/", 303
        )
        if fields.get("language") in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE,
                fields["language"],
                max_age=31_536_000,
                samesite="lax",
                path="/",
                httponly=True,
            )
        return response

    def refuse(
        self, request: Request, error: GridloopError, *, form: str = "", doing: bool = False
    ) -> Response:
        """The page of an error: what, evidence, ways out; as problem+json for whoever asked for data."""
        status = status_of(error, doing=doing)
        if form in ("json", "csv") or "text/html" not in request.headers.get("accept", "text/html"):
            return tagged(
                request, problem(error, status, request.url.path), "application/problem+json", status
            )
        words = self._words(request)
        title = words("There is nothing here") if status == 404 else words("This did not work")
        shell = self._shell(request, words, None, title)
        facts = {"error": error, "status": status}
        made = html(self.templates, "error.html", None, Answer(facts=facts), shell)
        return self._with_cookie(tagged(request, made, "text/html; charset=utf-8", status), shell["cookie"])

    async def _missing(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == 405:
            return Response("This address cannot be asked so.\n", 405, media_type="text/plain")
        form = request.url.path.rpartition(".")[2]
        told = UsageError(
            mark("There is no page at this address."),
            evidence={"address": quote(request.url.path)},
            ways_out=(mark("Look for it from the overview."),),
        )
        return await run_in_threadpool(self.refuse, request, told, form=form)


def _unforeseen(error: Exception) -> GridloopError:
    """An error without words of its own; the trace goes to the terminal when it was asked for."""
    if DEBUG_VARIABLE in os.environ:
        traceback.print_exception(error)
    return unexpected(error)
