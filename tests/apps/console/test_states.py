"""A page whose table is stale, lost or empty, whose workspace is locked, or whose job failed, tells what to do next."""

from __future__ import annotations

import re

import pytest

from gridloop.apps.console.app import MODULES
from gridloop.apps.wiring import create, opened
from gridloop.engine.workspace import Workspace

LISTED = sorted(page.path for module in MODULES for page in module.PAGES if "{" not in page.path)


@pytest.mark.parametrize("path", LISTED)
def test_every_page_of_an_empty_workspace_answers_and_does_not_pretend(tmp_path, site_of, path):
    create(tmp_path / "new", zone="Asia/Shanghai", currency="CNY").close()
    with site_of(tmp_path / "new") as site:
        page = site.page(path)
    assert page.status_code == 200
    assert not re.search(r"\bnan\b|None|NaN", re.sub(r"<[^>]+>", " ", page.text))


def test_segments_older_than_their_definitions_say_so_and_what_to_do(demo_copy, site_of):
    folder = demo_copy.workspace / "segments"
    folder.mkdir(exist_ok=True)
    with site_of(demo_copy.workspace) as site:
        before = site.page("/segments").text
        (folder / "own.yaml").write_text(
            "segments:\n"
            "  - name: everyone_at_home\n"
            "    label: {en: At home, zh: 居民}\n"
            "    method: rule\n"
            "    rule: class = 'residential'\n",
            encoding="utf-8",
        )
        after = site.page("/segments").text
        stages = site.get("/overview.json").json()["facts"]["stages"]
    assert "older than what they rest on" not in before
    assert "These segments are older than what they rest on." in after and "Run the loop anew" in after
    assert "insight" in {one["name"] for one in stages if one["state"] == "stale"}


def test_a_table_whose_files_are_gone_is_named_with_ways_out(demo_copy, site_of):
    for file in (demo_copy.workspace / "lake" / "gridloop" / "customer" / "data").rglob("*.parquet"):
        file.unlink()
    with site_of(demo_copy.workspace) as site:
        page, chinese = site.page("/customers"), site.page("/customers", "zh")
        others = site.page("/jobs")
    assert page.status_code == 500
    assert "The lake does not hold what was published of customer." in page.text
    assert "restore the whole workspace from one backup" in page.text
    assert "数据湖中没有 customer 已发布的内容。" in chinese.text
    assert others.status_code == 200


def test_what_a_locked_workspace_cannot_do_says_who_is_at_work(demo_copy, site_of):
    with (
        site_of(demo_copy.workspace) as site,
        Workspace.open(demo_copy.workspace).lock(command="gridloop run"),
    ):
        assert site.page("/plays").status_code == 200
        refused = site.submit("/plays/tou-shift/choose", verb="drop")
    assert refused.status_code == 409
    assert "Another run is working in this workspace." in refused.text
    assert "gridloop run" in refused.text and "Wait until it has finished" in refused.text


def test_a_failed_import_is_told_where_the_sources_are(demo_copy, site_of):
    with opened(demo_copy.workspace) as session:
        run = session.ledger.runs.start("import.county", "data", "digest", "0", {})
        session.ledger.runs.fail(run, "StorageFull", "The disk has no room.")
    with site_of(demo_copy.workspace) as site:
        page = site.page("/data").text
    assert "The last import failed; nothing that was published has changed." in page
    assert "gridloop import county --data FOLDER" in page
