"""Scripts of others are exactly those that docs/vendor.toml pins, each with its licence."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def vendor() -> Any:
    spec = spec_from_file_location("vendor", ROOT / "docs" / "vendor.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_vendored_file_was_altered(vendor):
    assert vendor.altered() == []


def test_every_vendored_file_is_listed(vendor):
    listed = set(vendor.pinned())
    there = {
        path.relative_to(ROOT).as_posix()
        for folder in ("src/gridloop/apps/web/static/vendor", "tests/e2e/vendor")
        for path in (ROOT / folder).iterdir()
    }
    assert there == listed


def test_an_altered_file_is_named(vendor, tmp_path):
    assert vendor.altered(tmp_path) == list(vendor.pinned())


def test_what_is_built_uses_pinned_packages_whose_licences_are_kept(vendor):
    kept = {f"{package['name']}@{package['version']}" for package in vendor.packages()}
    for one in vendor.built():
        assert set(one["packages"]) <= kept
        assert (ROOT / one["entry"]).is_file()
