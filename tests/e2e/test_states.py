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


def test_a_source_that_is_late_is_told_with_how_late_and_what_to_do(tab_of):
    """Of the weeks after the campaign the demo's supply meters have not delivered; the check found it."""
    tab = tab_of()
    tab.open("/")
    assert tab.page.locator("text=The source of “Area supply (transformer meter)” is late").is_visible()
    tab.open("/data")
    assert tab.page.locator("text=Table area_supply is stale: it ends").is_visible()
    assert tab.page.locator("text=Import its newest files").is_visible()
    chinese = tab_of(language="zh-CN")
    chinese.open("/data")
    assert "承诺为 P1D" in chinese.page.inner_text("main")
