"""Plays on the screen: read, used and dropped."""

from __future__ import annotations

from gridloop.engine.workspace import Workspace


def used(folder):
    return Workspace.open(folder).config.playbooks


def test_every_play_is_listed_with_whether_it_is_used(site, demo):
    rows = site.get("/plays.json").json()["rows"]
    assert {row["play"] for row in rows if row["used"]} == set(used(demo.workspace))
    assert "tou-shift" in {row["play"] for row in rows}
    assert "策略" in site.page("/plays", "zh").text


def test_a_play_says_who_is_left_out(site):
    answer = site.get("/plays/tou-shift.json").json()
    assert "no_consent" in {row["code"] for row in answer["rows"]}
    assert answer["facts"]["guardrails"]["unsubscribed"] == 0.02


def test_a_play_is_dropped_and_used_again_and_twice_changes_nothing(planned, site_of):
    with site_of(planned) as site:
        for verb, left in (("drop", ()), ("drop", ()), ("use", ("tou-shift",)), ("use", ("tou-shift",))):
            assert site.submit("/plays/tou-shift/choose", verb=verb).status_code == 303
            assert used(planned) == left
            told = site.get("/plays/tou-shift.json").json()["facts"]["play"]["used"]
            assert told is bool(left)


def test_a_play_links_to_its_plans(planned, site_of):
    with site_of(planned) as site:
        (one,) = site.get("/plays/tou-shift.json").json()["facts"]["rounds"]
        assert f'href="/plans/{one["plan"]}"' in site.page("/plays/tou-shift").text


def test_an_unknown_play_is_neither_shown_nor_used(site):
    assert site.page("/plays/nothing").status_code == 404
    assert site.submit("/plays/nothing/choose", verb="use").status_code == 422


def test_a_form_of_another_site_drops_nothing(site, demo):
    before = used(demo.workspace)
    answer = site.post(
        "/plays/tou-shift/choose", data={"verb": "drop"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403 and used(demo.workspace) == before
