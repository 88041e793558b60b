"""Every page in a browser: on a desk and a phone, in English and Chinese."""

from __future__ import annotations

import pytest

from gridloop.apps.console.app import MODULES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LISTED = sorted(page.path for module in MODULES for page in module.PAGES if "{" not in page.path)
OBJECTS = sorted(page.path for module in MODULES for page in module.PAGES if "{" in page.path)
SIZES = [(1440, 900), (390, 844)]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("path", [*LISTED, *OBJECTS])
def test_a_page_keeps_to_the_window_the_house_and_the_reader(tab_of, objects, path, width, height, language):
    tab = tab_of(width, height, language)
    assert tab.open(objects.get(path, path)).status == 200
    assert tab.faults == []
    assert tab.sideways() <= 0
    assert tab.violations() == []
    assert tab.page.evaluate("document.documentElement.lang") == language


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_can_be_pressed_is_large_enough(tab_of, width, height):
    tab = tab_of(width, height)
    tab.open("/jobs")
    small = tab.page.evaluate(
        """() => [...document.querySelectorAll("button, .button, select, .tabs a, summary, input[type=search]")]
          .map((one) => [one.textContent.trim(), one.getBoundingClientRect().height])
          .filter(([, height]) => height > 0 && height < 40)"""
    )
    assert small == []


def test_a_page_weighs_little_when_cold(tab_of):
    tab = tab_of()
    sizes: list[int] = []
    tab.page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    tab.open("/")
    assert 0 < sum(sizes) <= 300_000


def test_the_keyboard_alone_skips_to_the_content_and_finds_the_search(tab_of):
    tab = tab_of()
    tab.open("/")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.className") == "skip"
    tab.page.keyboard.press("Enter")
    assert tab.page.evaluate("document.activeElement.id") == "content"
    tab.page.keyboard.press("/")
    assert tab.page.evaluate("document.activeElement.id") == "search"
    assert tab.page.input_value("#search") == ""


def test_the_language_is_switched_and_stays(tab_of):
    tab = tab_of()
    tab.open("/jobs?outcome=succeeded")
    tab.page.click("text=中文")
    assert tab.page.url.endswith("/jobs?outcome=succeeded")
    assert tab.page.inner_text("h1") == "作业"
    tab.open("/")
    assert tab.page.inner_text("h1") == "总览"


def test_the_navigation_is_the_loop_and_five_tabs_on_a_phone(tab_of):
    desk, phone = tab_of(1440, 900), tab_of(390, 844)
    desk.open("/")
    phone.open("/")
    assert desk.page.locator(".side").is_visible() and not desk.page.locator(".tabs").is_visible()
    assert not phone.page.locator(".side").is_visible()
    assert phone.page.locator(".tabs a").all_inner_texts() == [
        "Data",
        "Insight",
        "Strategy",
        "Reach",
        "Evaluate",
    ]


def test_a_filter_lives_in_the_address_and_changes_the_list_alone(tab_of):
    tab = tab_of()
    tab.open("/jobs")
    tab.page.select_option("#outcome", "failed")
    tab.page.wait_for_selector("text=No run ended so.")
    assert "outcome=failed" in tab.page.url
    assert tab.faults == []


def test_a_run_is_started_and_watched(tab_of):
    tab = tab_of()
    tab.open("/jobs")
    tab.page.select_option("#through", "data")
    tab.page.click("button.primary")
    tab.page.wait_for_selector("text=The last run from here has ended.", timeout=120_000)
    assert tab.faults == []


def test_numbers_answer_how_they_were_computed(tab_of):
    tab = tab_of()
    tab.open("/")
    first = tab.page.locator(".figure .basis").first
    first.locator("summary").press("Enter")
    assert "customer" in first.inner_text()
    assert "Gridloop" in first.inner_text()


def test_the_heat_map_is_painted_pixel_by_pixel_from_its_numbers(tab_of):
    tab = tab_of()
    tab.open("/")
    painted = tab.page.evaluate(
        """async () => {
          const base = document.querySelector('link[rel=stylesheet]').href.replace("console.css", "heatmap.js");
          const { pixels, colourOf } = await import(base);
          const values = [[0, 5, 10], [null, -10, 2.5], null];
          const image = pixels(values, 10);
          const at = (x, y) => [...image.data.slice(4 * (y * image.width + x), 4 * (y * image.width + x) + 3)];
          const same = (one, value) => one.join() === colourOf(value, 10).join();
          return [image.width, image.height, same(at(0, 2), 0), same(at(0, 0), 10), same(at(1, 2), null),
                  same(at(1, 1), -10), same(at(2, 0), null), colourOf(0, 10).join() !== colourOf(null, 10).join()];
        }"""
    )
    assert painted == [3, 3, True, True, True, True, True, True]


def test_the_year_of_a_customer_is_painted_as_it_was_read(tab_of, objects):
    """Each pixel of the canvas on the page has the colour of its value, a gap that of a gap."""
    tab = tab_of()
    tab.open(objects["/customers/{customer_id}"])
    tab.page.wait_for_selector("canvas")
    wrong = tab.page.evaluate(
        """async (address) => {
          const base = document.querySelector('link[rel=stylesheet]').href.replace("console.css", "heatmap.js");
          const { colourOf } = await import(base);
          const { heat } = (await (await fetch(address)).json()).facts;
          const canvas = document.querySelector("canvas");
          const slots = Math.max(...heat.values.map((day) => day?.length ?? 0));
          const drawn = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let bad = 0, seen = 0;
          heat.values.forEach((day, x) => {
            for (let slot = 0; slot < slots; slot += 1) {
              const at = 4 * ((slots - 1 - slot) * canvas.width + x);
              const value = day ? day[Math.floor((slot * day.length) / slots)] : null;
              seen += value === null ? 0 : 1;
              if (colourOf(value, heat.top).some((part, index) => part !== drawn.data[at + index])) bad += 1;
            }
          });
          return [canvas.width, canvas.height === slots, seen > 1000, bad];
        }""",
        objects["/customers/{customer_id}"] + "/year.json",
    )
    assert wrong == [365, True, True, 0]
