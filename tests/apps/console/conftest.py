"""The console over the tiny county, asked without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

HOME = "http://127.0.0.1"


class Site(TestClient):
    """A reader: asks for pages as a browser does, and sends forms with their token."""

    def page(self, path: str, language: str = "en") -> Any:
        """The HTML page at an address."""
        return self.get(path, headers={"accept": "text/html", "accept-language": language})

    def submit(self, path: str, **fields: str) -> Any:
        """Send a form from the overview; the answer is not followed."""
        (token, *_) = re.findall(r'name="token" value="(\w+)"', self.page("/").text)
        headers = {"origin": HOME, "sec-fetch-site": "same-origin", "accept": "text/html"}
        return self.post(path, data={"token": token, **fields}, headers=headers, follow_redirects=False)


@contextmanager
def reading(folder: Path, actor: str = "ann") -> Iterator[Site]:
    """See `site`."""
    from gridloop.apps.console.app import create_app

    with Site(create_app(folder, actor), base_url=HOME) as client:
        yield client


@pytest.fixture
def site(demo: Any) -> Iterator[Site]:
    """The console over the tiny county, only to be read."""
    with reading(demo.workspace) as client:
        yield client


@pytest.fixture
def site_of() -> Callable[..., Any]:
    """Opens the console over another workspace, for the length of a `with`; `actor` says who acts."""
    return reading
