"""A tiny county from its readings: features, tags, segments and certificates, stored and the same when done again."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from gridloop.domain.table import Stage
from gridloop.insight.features.extract import extract_features
from gridloop.insight.segments.build import build_segments
from gridloop.insight.segments.definition import SegmentDefinition
from gridloop.insight.tags.build import build_tags
from gridloop.testing.readings import day_vector, reading_rows, utc

FIRST = date(2024, 3, 4)
DAYS = 42
HOURS = np.arange(24)
WORDS = {"en": "Shape", "zh": "曲线"}


@pytest.fixture
def county(town):
    """Fifty homes that peak at 19:00, thirty-five shops open from 9 to 17, hourly over six weeks."""
    rng = np.random.default_rng(11)
    rows = []
    for number in range(85):
        home = number < 50
        name, meter = f"c{number:02d}", f"m{number:02d}"
        town.customer(name, "residential" if home else "shop")
        town.add("meter", meter_id=meter, service_point_id=f"s-{meter}", channel_set="import_wh",
                 interval_minutes=60, zone="Asia/Shanghai", available_at=utc(2024, 1, 1))  # fmt: skip
        town.add("contract", contract_id=f"k-{name}", account_id=f"a-{name}", service_point_id=f"s-{meter}",
                 valid_from=FIRST, available_at=utc(2024, 1, 1))  # fmt: skip
        day = np.exp(-((HOURS - 19) ** 2) / 5) + 0.1 if home else ((HOURS >= 9) & (HOURS < 17)) + 0.1
        for offset in range(DAYS):
            wh = (1000 * day * rng.uniform(0.8, 1.2, 24)).astype(int)
            rows.append(day_vector(meter, FIRST + timedelta(days=offset), wh.tolist()))
    town.view()
    town.lake.writer(Stage.DATA).append_readings([reading_rows(rows)])
    extraction = extract_features(town.lake.view(), threads=1)
    town.lake.writer(Stage.INSIGHT).append("feature", extraction.rows)
    return town


def test_a_county_from_readings_to_certified_segments(county, said):
    view = county.lake.view()
    tags = build_tags(view)
    evening = said(tags.rows, "evening_peak")
    assert [evening[f"c{n:02d}"] for n in (0, 49, 50, 84)] == ["yes", "yes", "no", "no"]
    assert set(said(tags.rows, "summer_cooling").values()) == {"[too_few_days]"}
    assert set(said(tags.rows, "high_load").values()) == {"yes", "no", "[small_population]"}

    shapes = SegmentDefinition(name="shapes", method="cluster", label=WORDS, description=WORDS)
    found = build_segments(view, tags=tags, definitions=[shapes])
    homes, shops = found.certificates["shapes-1"], found.certificates["shapes-2"]
    assert (homes.members, shops.members) == (50, 35)
    assert {homes.verdict, shops.verdict} == {"stable"}
    assert homes.rule_precision.value == shops.rule_recall.value == 1.0
    total = homes.peak_share.value + shops.peak_share.value
    assert total == pytest.approx(1.0)
    assert homes.detectable.unit == "account"

    again = build_segments(county.lake.view(), definitions=[shapes])
    assert again.rows.equals(found.rows)
    writer = county.lake.writer(Stage.INSIGHT)
    for name, rows in (("tag", tags.rows), ("segment", found.rows), ("segment_member", found.members)):
        writer.upsert(name, rows)
    digests = county.lake.view().digests()
    writer.upsert("segment", again.rows)
    assert county.lake.view().digests() == digests
