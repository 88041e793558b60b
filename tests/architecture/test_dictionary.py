"""Every canonical table has its generated page in English and in Chinese."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

LANGUAGES = ("en", "zh")


def dictionary_gaps(names: Collection[str], folder: Path) -> list[str]:
    """Tables without a page in both languages, and pages of tables that no longer exist."""
    wanted = {f"{language}/{name}.md" for language in LANGUAGES for name in names}
    there = {f"{language}/{page.name}" for language in LANGUAGES for page in (folder / language).glob("*.md")}
    extra = {page for page in there - wanted if page.rpartition("/")[2] not in {"index.md", "README.md"}}
    return sorted((wanted - there) | extra)


def test_every_table_has_its_page_in_both_languages(repository):
    from gridloop.domain.tables import CATALOGUE

    assert dictionary_gaps(CATALOGUE, repository / "docs/dictionary") == []


def test_a_table_without_its_page_and_a_page_without_its_table_are_named(plant):
    root = plant({"en/meter.md": "", "en/index.md": "", "zh/meter.md": "", "zh/old.md": "", "en/bill.md": ""})
    assert dictionary_gaps(["meter", "bill"], root) == ["zh/bill.md", "zh/old.md"]
