"""A result on the screen: the verdict first, checks before pictures, nothing that misleads unlabelled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gridloop.apps.console.result import only_shapes, report_drawings
from gridloop.apps.jobs.execute import run_jobs
from gridloop.apps.jobs.judging import JOBS as JUDGING
from gridloop.apps.judged import judged
from gridloop.apps.wiring import opened
from gridloop.evaluation.report.sentences import lead


@pytest.fixture
def judgement(launched, site_of):
    """The console over a village whose campaign was judged, the address of the result, and the result itself."""
    folder, campaign = launched
    with opened(folder) as session:
        list(run_jobs(session, JUDGING, actor="ann"))
        found = judged(session, campaign)
    with site_of(folder) as site:
        yield site, f"/campaigns/{campaign}/result", found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sentence_of_the_report_leads(judgement, language):
    site, address, found = judgement
    facts = site.get(f"{address}.json", headers={"accept-language": language}).json()["facts"]
    assert facts["lead"] == lead(found, language)
    assert site.page(address, language).status_code == 200


def test_every_effect_is_a_row(judgement):
    site, address, found = judgement
    rows = site.get(f"{address}.json").json()["rows"]
    assert [(row["role"], row["measure"], row["value"]) for row in rows] == [
        (row["checks"]["role"], row["measure"], row["value"]) for row in found.rows
    ]


def test_a_failed_split_withholds_the_verdict_and_every_figure_of_it(judgement, monkeypatch):
    site, address, found = judgement
    numbers = {"value": None, "ci_low": None, "ci_high": None, "trusted": False, "reason": "split_failed"}
    rows = [
        {**row, **numbers, "checks": {**row["checks"], "percent": None, "money": {"reason": "split_failed"}}}
        if row["checks"]["role"] == "primary"
        else row
        for row in found.rows
    ]
    monkeypatch.setattr("gridloop.apps.console.result.result_of", lambda *_: replace(found, rows=rows))
    page = site.page(address).text
    assert "The verdict is withheld." in page and "No effect is shown." in page
    assert "What it caused" not in page and "Misleading" not in page and "Net worth" not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_is_saved_as_it_was_written(judgement, launched, language):
    site, address, _found = judgement
    campaign = address.split("/")[2]
    answer = site.get(f"/campaigns/{campaign}/report/{language}")
    written = launched[0] / "artifacts" / "reports" / f"{campaign}.{language}.html"
    assert answer.content == written.read_bytes()
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_report_that_is_not_there_says_what_to_do(judgement):
    site, address, _found = judgement
    campaign = address.split("/")[2]
    assert site.page(f"/campaigns/{campaign}/report/fr").status_code == 404
    assert site.page("/campaigns/campaign-0/report/en").status_code == 404


def test_drawings_are_taken_from_a_report_only_when_they_are_shapes():
    good = '<svg viewBox="0 0 1 1"><title>t</title><line x1="0" class="grid"/></svg>'
    section = (
        '<section id="{}"><figure><div class="wide">{}</div><div class="narrow">{}</div></figure></section>'
    )
    page = section.format("curve", good, good) + section.format(
        "money", good, "<svg><script>alert(1)</script></svg>"
    )
    assert report_drawings(page) == {"curve": (good, good)}


@pytest.mark.parametrize(
    "drawing",
    [
        "<svg><script/></svg>",
        '<svg><rect onclick="x"/></svg>',
        '<svg><a href="x"/></svg>',
        '<svg><rect style="x"/></svg>',
        "<!DOCTYPE svg><svg/>",
        "<svg><line></svg>",
    ],
)
def test_what_could_act_is_no_drawing(drawing):
    assert not only_shapes(drawing)
