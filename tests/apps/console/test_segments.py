"""Segments on the screen: certificates in words, members by pseudonym, nothing of a group that is too small."""

from __future__ import annotations


def test_every_segment_that_is_large_enough_has_a_card_with_its_figures(site_of, town):
    with site_of(town) as site:
        rows = {row["segment"]: row for row in site.get("/segments.json").json()["rows"]}
        page = site.page("/segments").text
    assert (rows["evening_shiftable"]["members"], rows["evening_shiftable"]["reachable"]) == (40, 30)
    assert rows["evening_shiftable"]["highest"] == 19
    assert rows["home_shapes-1"]["verdict"] == "stable"
    assert 'href="/segments/evening_shiftable"' in page
    assert "How was this computed?" in page


def test_a_group_that_is_too_small_is_hidden_and_says_so(site_of, town):
    with site_of(town) as site:
        answer = site.get("/segments.json").json()
        page = site.page("/segments/business_seasonal")
        csv = site.get("/segments/business_seasonal.csv").text
    hidden = {row["segment"]: row for row in answer["facts"]["hidden"]}
    assert hidden["business_seasonal"]["why"] == "Fewer than 15 members: a group so small is not told."
    assert page.status_code == 200
    assert "This segment is not shown." in page.text
    assert csv == "\ufeff"


def test_a_certificate_reads_as_sentences_in_either_language(site_of, town):
    with site_of(town) as site:
        english, chinese = (site.page("/segments/home_shapes-1", language).text for language in ("en", "zh"))
    assert "40 of 80 customers for whom it can be said" in english
    assert "1.00, 95 % interval" in english
    assert "在可判定的 80 位客户中有 40 位" in chinese
    assert "稳定性" in chinese


def test_what_a_rule_cannot_have_says_why(site_of, town):
    with site_of(town) as site:
        facts = site.get("/segments/evening_shiftable.json").json()["facts"]
    lines = {line["field"]: line for line in facts["certificate"]}
    assert lines["Stability"] == {
        "field": "Stability",
        "says": None,
        "why": "A rule does not change with who else is there.",
    }


def test_all_members_are_in_the_file_and_some_at_a_time_on_the_page(site_of, town):
    with site_of(town) as site:
        rows = site.get("/segments/evening_shiftable.json").json()["rows"]
        page = site.page("/segments/evening_shiftable").text
        later = site.page("/segments/evening_shiftable?first=15").text
    assert len(rows) == 40
    first, sixteenth = (f'/customers/{rows[at]["customer_id"]}"' for at in (0, 15))
    assert first in page
    assert sixteenth not in page
    assert sixteenth in later
    assert "16–30 of 40" in later


def test_two_segments_are_read_side_by_side(site_of, town):
    with site_of(town) as site:
        facts = site.get("/segments/home_shapes-1.json?with=home_shapes-2").json()["facts"]
        unknown = site.page("/segments/home_shapes-1?with=nothing")
    rows = {row["what"]: (row["one"], row["other"]) for row in facts["beside"]}
    assert rows["Members"] == ("40", "40")
    assert rows["Members of both"] == ("0", "0")
    assert unknown.status_code == 404


def test_a_segment_that_nobody_defined_is_told_with_what_is_close(site_of, town):
    with site_of(town) as site:
        answer = site.page("/segments/evening_shiftabel")
    assert answer.status_code == 404
    assert "evening_shiftable" in answer.text


def test_before_any_was_found_the_page_says_what_to_do(site_of, workspace_path, session):
    with site_of(workspace_path) as site:
        page = site.page("/segments").text
    assert "Segments have not been looked for yet." in page
    assert "gridloop run --through insight" in page
