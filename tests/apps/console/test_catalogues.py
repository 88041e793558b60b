"""Chinese pages speak Chinese: every message is translated, and translated once."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog


@pytest.fixture(scope="module")
def builder() -> Any:
    path = Path(__file__).resolve().parents[3] / "docs" / "build_catalogues.py"
    spec = spec_from_file_location("build_catalogues", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_message_of_the_console_is_said_in_chinese(builder):
    wanted = builder.messages()
    assert len(wanted) > 50
    assert list(builder.gaps(wanted, builder.catalogues())) == []


def test_every_kind_of_fault_is_named(builder):
    known = Catalog(locale="zh_Hans_CN", fuzzy=False)
    known.add("Customers", "客户")
    known.add("Empty", "")
    known.add("Unsure", "不确定", flags=["fuzzy"])
    known.add("Same", "Same")
    known.add("{name} left", "{person} 离开")
    other = Catalog(locale="zh_Hans_CN", fuzzy=False)
    other.add("Customers", "用户")
    wanted = {"Customers": "a", "Absent": "a", ("{count} plan", "{count} plans"): "a"}
    assert sorted(builder.gaps(wanted, {"a": known, "b": other})) == [
        "a: Absent: missing",
        "a: Empty: not translated",
        "a: Same: the same as in English",
        "a: Unsure: fuzzy",
        "a: {count} plan: missing",
        "a: {name} left: other values than in English",
        "b: Customers: translated in two ways",
    ]


def test_new_messages_are_added_and_unused_ones_dropped(builder, tmp_path):
    old = Catalog(locale="zh_Hans_CN", fuzzy=False)
    old.add("Customers", "客户")
    old.add("Gone", "已删除")
    assert builder.update({"Customers": "a", "New": "b"}, {"a": old}, tmp_path) == ["a.po", "b.po"]
    kept, added = builder.catalogues(tmp_path).values()
    assert [(m.id, m.string) for m in kept if m.id] == [("Customers", "客户")]
    assert [(m.id, m.string) for m in added if m.id] == [("New", "")]


def test_what_the_program_says_is_found_as_templates(builder, tmp_path):
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "errors.py").write_text("class UsageError(Exception): ...\n")
    (tmp_path / "module.py").write_text(
        '"""A docstring is not said."""\n'
        'raise UsageError(f"There is no {name!r}.", ways_out=("Look again.", *more))\n'
        'text = f"In {{failing}} of {rows} rows of {table} it fails."\n'
        'log.debug("Nobody sees this sentence.")\n'
    )
    found = set(builder.spoken(tmp_path))
    assert {"There is no {0}.", "Look again.", "In {0} of {1} rows of {2} it fails."} <= found
    assert not any("docstring" in text or "Nobody" in text for text in found)
