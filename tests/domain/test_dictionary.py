from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from gridloop.domain.dictionary import (
    LANGUAGES,
    SUBJECTS,
    dictionary_index,
    dictionary_page,
    dictionary_pages,
)
from gridloop.domain.tables import CATALOGUE, table

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def build_dictionary():
    """The names of docs/build_dictionary.py, which is a script and in no package."""
    return runpy.run_path(str(DOCS / "build_dictionary.py"))


def test_the_pages_on_disk_are_those_of_the_catalogue(build_dictionary):
    assert build_dictionary["stale_pages"](DOCS / "dictionary") == [], "run `make docs`"


def test_there_is_a_page_per_table_and_language_and_an_index():
    pages = dictionary_pages()
    assert len(pages) == len(LANGUAGES) * (len(CATALOGUE) + 1)
    assert {"en/reading.md", "zh/reading.md", "en/index.md", "zh/index.md"} <= set(pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_tells_every_column_with_unit_privacy_and_absence(language):
    for spec in CATALOGUE.values():
        page = dictionary_page(spec, language)
        for column in spec:
            starts = (f"| `{column.name}` | ", f"| **`{column.name}`** | ")
            row = next(line for line in page.splitlines() if line.startswith(starts))
            assert len(row.split(" | ")) == 8, row
            assert (column.label.en if language == "en" else column.label.zh) in row
            assert row.startswith(f"| **`{column.name}`** |") == (column.name in spec.key)


def test_an_english_page_reads_as_a_person_expects():
    page = dictionary_page(table("bill"), "en")
    assert page.startswith("# Bill · `bill`\n")
    assert "| Owner | data |" in page
    assert "| Updated | every month (`P1M`) |" in page
    assert "| Kept | 10 years (`P10Y`) |" in page
    assert (
        "| `energy_wh` | Energy billed | whole number, 64 bits | Wh | internal | never absent |  |  |" in page
    )
    assert "[account.account_id](account.md)" in page
    assert "| Pointed to by | [bill_line](bill_line.md), " in page


def test_a_chinese_page_is_chinese():
    page = dictionary_page(table("contact"), "zh")
    assert "| `phone` | 电话 | 文本 |  | 个人信息 | 未知 |  |  |" in page
    assert "保险库" in page
    assert "personal" not in page


def test_a_planned_table_says_so():
    assert "Planned: name, key and owner only" in dictionary_page(table("forecast"), "en")
    assert "规划中" in dictionary_page(table("forecast"), "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_index_lists_every_table_below_its_subject(language):
    index = dictionary_index(language)
    assert {spec.subject for spec in CATALOGUE.values()} == set(SUBJECTS)
    for name in CATALOGUE:
        assert index.count(f"| [{name}]({name}.md) |") == 1


def test_links_between_pages_lead_somewhere():
    pages = dictionary_pages()
    for name, page in pages.items():
        folder = name.partition("/")[0]
        for target in page.split("](")[1:]:
            link = target.partition(")")[0]
            if not link.startswith("../"):
                assert f"{folder}/{link}" in pages, f"{name} links to {link}"


def test_a_stale_page_is_named_by_check_and_mended_by_a_run(build_dictionary, tmp_path, capsys):
    main = build_dictionary["main"]
    folder = ["--folder", str(tmp_path)]
    assert main([*folder, "--check"]) == 1
    assert main(folder) == 0
    assert main([*folder, "--check"]) == 0
    (tmp_path / "en/bill.md").write_text("old", encoding="utf-8")
    (tmp_path / "zh/left_over.md").write_text("old", encoding="utf-8")
    (tmp_path / "zh/meter.md").unlink()
    capsys.readouterr()
    assert main([*folder, "--check"]) == 1
    assert capsys.readouterr().out.splitlines()[:3] == [
        "out of step: en/bill.md",
        "out of step: zh/left_over.md",
        "out of step: zh/meter.md",
    ]
    assert main(folder) == 0
    assert not (tmp_path / "zh/left_over.md").exists()
    assert main([*folder, "--check"]) == 0
