"""The feature catalogue is complete data, and its page is generated from it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gridloop.domain.errors import UsageError
from gridloop.kernels.features.catalogue import FEATURES, feature
from gridloop.kernels.features.reason import Reason

ROOT = Path(__file__).resolve().parents[3]


def test_every_feature_says_all_that_a_reader_needs() -> None:
    assert len({spec.name for spec in FEATURES}) == len(FEATURES)
    for spec in FEATURES:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", spec.name)
        assert spec.formula and spec.unit and spec.tie_rule and spec.source and spec.label.en
        assert re.search(r"[\u4e00-\u9fff]", spec.label.zh), spec.name
        assert 0 <= spec.minimum_coverage <= 1 and spec.minimum_days >= 0
    assert [spec.name for spec in FEATURES if spec.vector] == ["mean_profile", "shape"]


def test_only_places_in_time_and_quantiles_can_tie() -> None:
    ties = {spec.name: spec.tie_rule for spec in FEATURES if spec.tie_rule != "none"}
    assert ties.pop("night_base_load").startswith("nearest rank")
    assert ties == {"peak_day": "first in time", "peak_minute": "first in time"}


def test_every_reason_has_words_in_both_languages_and_becomes_a_value() -> None:
    for reason in Reason:
        assert reason.label.en and re.search(r"[\u4e00-\u9fff]", reason.label.zh)
    assert Reason.COMPUTED.not_computable() is None
    absent = Reason.NO_WINTER_DAYS.not_computable()
    assert absent is not None and (absent.code, bool(absent)) == ("no_winter_days", False)
    assert np.iinfo(np.int8).max >= max(Reason)


def test_an_unknown_feature_is_named_with_the_closest_ones() -> None:
    with pytest.raises(UsageError) as caught:
        feature("load_facter")
    assert "load_factor" in caught.value.ways_out[0]


def test_the_page_is_generated_from_the_catalogue(tmp_path: Path) -> None:
    build = [sys.executable, str(ROOT / "docs/build_features.py"), "--check"]
    assert subprocess.run(build, capture_output=True).returncode == 0
    page = tmp_path / "features.md"
    text = (ROOT / "docs/methods/features.md").read_text(encoding="utf-8")
    page.write_text(text.replace("load factor", "load faktor", 1), encoding="utf-8")
    assert subprocess.run([*build, "--page", str(page)], capture_output=True).returncode == 1
