"""The catalogues are read without a library, and as gettext reads them."""

from __future__ import annotations

from importlib.resources import files

import pytest
from babel.messages.pofile import read_po

from gridloop.apps.translations import catalogue, entries

FOLDER = files("gridloop") / "library" / "locale" / "zh" / "LC_MESSAGES"


@pytest.mark.parametrize("name", sorted(file.name for file in FOLDER.iterdir()))
def test_a_catalogue_is_read_as_gettext_reads_it(name):
    expected = {}
    with (FOLDER / name).open("rb") as stream:
        for message in read_po(stream):
            if message.id and not message.fuzzy:
                key = message.id if isinstance(message.id, str) else message.id[0]
                said = (message.string,) if isinstance(message.string, str) else tuple(message.string)
                if all(said):
                    expected[key] = said
    assert dict(entries((FOLDER / name).read_text(encoding="utf-8"))) == expected


def test_what_is_fuzzy_or_empty_is_not_said():
    text = (
        'msgid "a"\nmsgstr "甲\\n\\"乙\\""\n\n#, fuzzy\nmsgid "b"\nmsgstr "丙"\n\nmsgid "c"\nmsgstr ""\n\n'
        'msgid ""\n"d "\n"e"\nmsgstr ""\n"丁"\n"戊"\n'
    )
    assert dict(entries(text)) == {"a": ('甲\n"乙"',), "d e": ("丁戊",)}


def test_english_stands_for_itself():
    assert catalogue("en") == {}
    assert len(catalogue("zh")) > 500
