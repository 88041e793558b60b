"""A page that has nothing to show, or cannot show it, says why and what to do next."""

from __future__ import annotations

import pytest

from gridloop.apps.console.app import MODULES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LISTED = sorted(page.path for module in MODULES for page in module.PAGES if "{" not in page.path)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("path", LISTED)
def test_an_empty_workspace_is_told_how_to_begin(tab_of, empty_home, path, language):
    tab = tab_of(390, 844, language, at=empty_home)
    assert tab.open(path).status == 200
    assert tab.faults == []
    assert tab.sideways() <= 0
    assert tab.violations() == []
    if path not in ("/plays", "/catalogue", "/audit", "/jobs"):  # these have something to show from the start
        assert tab.page.locator("main .empty, main .todo").first.is_visible()
