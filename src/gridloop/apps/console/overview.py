"""The first page."""

from __future__ import annotations

from gridloop.apps.web.page import Answer, Context, Page, mark


def overview(context: Context) -> Answer:
    """Where the loop stands."""
    return Answer()


PAGES = (Page("/", mark("Overview"), "", "overview.html", overview),)
