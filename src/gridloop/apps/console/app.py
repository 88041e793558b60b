"""All pages of the console as one app."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from fastapi import FastAPI

from gridloop.apps.actor import acting_user
from gridloop.apps.console import (
    audit,
    campaign,
    catalogue,
    customer,
    customer_year,
    customers,
    jobs,
    overview,
    plans,
    plays,
    quality,
    result,
    segments,
    sources,
    tour,
)
from gridloop.apps.console.running import Runner
from gridloop.apps.console.timetable import Timetable
from gridloop.apps.web.server import Site
from gridloop.apps.web.sessions import Sessions

MODULES: tuple[ModuleType, ...] = (
    overview,
    sources,
    quality,
    catalogue,
    customers,
    customer,
    customer_year,
    segments,
    plays,
    plans,
    campaign,
    result,
    jobs,
    audit,
    tour,
)
"""Modules with pages, in the order of the navigation; each has PAGES, some have ACTIONS."""

PACKAGES = ("gridloop.apps.console", "gridloop.apps.web")


def create_app(folder: Path | str, actor: str | None = None) -> FastAPI:
    """The console over the workspace in a folder.

    Args:
        folder: of the workspace.
        actor: in whose name records are made; the operating system's user when not given.

    Raises:
        WorkspaceNotFound: there is none.
    """
    sessions = Sessions(folder, acting_user(actor))
    runner = Runner(sessions.folder, sessions.actor)
    timetable = Timetable(sessions.folder, runner)
    pages = [page for module in MODULES for page in module.PAGES]
    actions = [action for module in MODULES for action in getattr(module, "ACTIONS", ())]
    site = Site(sessions, pages, actions, PACKAGES, {"timetable": timetable, "runner": runner})
    site.app.add_route("/jobs/progress", runner.stream)
    report = "/campaigns/{campaign_id}/report/{language}"
    site.app.add_route(report, result.downloads(sessions, site.refuse))
    return site.app
