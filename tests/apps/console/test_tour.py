"""The tour: five steps, each with a number that the overview has too and a page that answers."""

from __future__ import annotations

import pytest

from gridloop.apps.console.tour import STEPS


def test_its_steps_are_the_stages_of_the_loop_with_their_numbers(site):
    rows = site.get("/tour.json").json()["rows"]
    stages = site.get("/overview.json").json()["facts"]["stages"]
    assert [(row["stage"], row["figure"], row["says"]) for row in rows] == [
        (one["name"], one["figure"], one["says"]) for one in stages
    ]


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_each_step_leads_to_a_page_and_onwards(site, step):
    answer = site.get(f"/tour.json?step={step}").json()
    shown = answer["facts"]["shown"]
    assert shown["step"] == step
    assert site.page(shown["href"]).status_code == 200
    page = site.page(f"/tour?step={step}").text
    onwards = "/" if step == len(STEPS) else f"/tour?step={step + 1}"
    assert f'href="{onwards}"' in page and 'aria-current="step"' in page


@pytest.mark.parametrize(("asked", "shown"), [("0", 1), ("99", 5), ("two", 1), ("", 1)])
def test_a_step_that_there_is_not_is_the_nearest(site, asked, shown):
    assert site.get(f"/tour.json?step={asked}").json()["facts"]["step"] == shown


def test_the_overview_of_a_demo_names_it(site):
    assert 'href="/tour"' in site.page("/").text
