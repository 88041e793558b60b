"""The keyboard alone, from a search to a decision and to what became of the last one."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_search_customer_segment_plan_approve_result(tab_of, own_home):
    tab = tab_of(at=own_home)
    page = tab.page
    tab.open("/customers")
    customer = page.locator("tbody a[href^='/customers/']").first.inner_text()

    tab.open("/")
    page.keyboard.press("/")
    page.keyboard.type(customer)
    tab.enter()
    tab.tab_to(f"a[href='/customers/{customer}']")
    tab.enter()
    assert page.inner_text("h1") == customer

    tab.tab_to("a[href='/segments'], a[href^='/segments/']")
    tab.enter()
    tab.tab_to("main a[href^='/segments/']")
    tab.enter()
    assert page.url.startswith(f"{own_home}/segments/")

    tab.tab_to("a[href='/campaigns']")
    tab.enter()
    tab.tab_to("main a[href^='/plans/']")
    tab.enter()
    tab.tab_to("#who")
    page.keyboard.type("wang")
    tab.tab_to("button[value=approve]")
    tab.enter()
    assert "plan" in page.url and page.locator("button[value=approve]").count() == 0
    assert page.locator("text=approved").first.is_visible()

    tab.tab_to("a[href='/campaigns']")
    tab.enter()
    tab.tab_to("main a[href$='/result']")
    tab.enter()
    assert page.inner_text("h1").startswith("Result")
    assert tab.faults == []
