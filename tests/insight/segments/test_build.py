"""Segments of a small town: members by hand, certificates, consents, the small-cell rule, rows that fit the tables."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from gridloop.domain.errors import UsageError
from gridloop.domain.finding import NotComputable
from gridloop.domain.table import Stage
from gridloop.insight.segments.build import SegmentSettings, build_segments
from gridloop.insight.segments.clustering import is_held_out
from gridloop.insight.segments.contactable import Reachable
from gridloop.insight.segments.definition import SegmentDefinition, load_segments
from gridloop.testing.readings import utc

WORDS = {"en": "Some", "zh": "一些"}
HOURS = np.arange(24)


def by_rule(rule, name="some_rule"):
    """A rule segment."""
    return SegmentDefinition(name=name, method="rule", label=WORDS, description=WORDS, rule=rule)


def by_cluster(**keys):
    """A clustering."""
    return SegmentDefinition(name="shapes", method="cluster", label=WORDS, description=WORDS, **keys)


def profile(peak, size=1.0):
    """A mean day in half-hours that is highest at an hour; kW."""
    day = size * (0.2 + np.exp(-((HOURS - peak) ** 2) / 6))
    return np.repeat(day, 2).tolist()


def settle(town, count, *, peak=19, start=0, prefix="c", kwh=10.0, **features):
    """Customers of one kind, each with one meter."""
    for number in range(start, start + count):
        name = f"{prefix}{number:03d}"
        town.customer(name)
        wiggle = 1 + 0.1 * ((number * 7) % 11 - 5) / 5
        daily = 1000 * kwh * wiggle
        day = [value * wiggle for value in profile(peak + 0.1 * (number % 5 - 2))]
        evening = sum(day[36:44]) / sum(day)
        known = {"total_energy": 365 * daily, "daily_mean": daily, "mean_profile": day, "shape": day}
        town.meter(name, known | {"evening_share": evening, "daily_variation": 0.2 * wiggle} | features)


def ids(segments, segment_id):
    """Members by id."""
    return sorted(r["customer_id"] for r in segments.members.to_pylist() if r["segment_id"] == segment_id)


def test_a_rule_segment_holds_exactly_those_of_whom_the_rule_is_true(town):
    settle(town, 20, peak=19)
    settle(town, 20, peak=8, prefix="m")
    town.customer("nobody-knows")
    found = build_segments(
        town.view(), definitions=[by_rule("tag('evening_peak') and class = 'residential'")]
    )

    assert ids(found, "some_rule") == [f"c{n:03d}" for n in range(20)]
    certificate = found.certificates["some_rule"]
    assert certificate.plain_rule == "tag('evening_peak') and class = 'residential'"
    assert (certificate.members, certificate.population) == (20, 40)
    assert certificate.rule_precision.code == "exact_by_definition"
    assert certificate.verdict == "fixed"
    assert certificate.notes == {"customers_for_whom_the_rule_is_unknown": 1}
    [row] = found.rows.to_pylist()
    assert (row["members"], row["stability"], row["rule_precision"]) == (20, None, None)


def test_a_segment_below_the_small_cell_is_not_shown_and_its_size_not_told(town):
    settle(town, 14)
    found = build_segments(town.view(), definitions=[by_rule("evening_share > 0")])
    assert found.rows.num_rows == found.members.num_rows == 0
    assert not found.certificates
    [finding] = found.findings
    assert (finding.code, dict(finding.evidence)) == ("segment.too_small", {"least": 15})
    assert "14" not in finding.text


def test_the_share_of_the_peak_and_the_mean_shape_by_hand(town):
    for number in range(15):
        town.customer(f"flat{number}")
        town.meter(f"flat{number}", {"total_energy": 1.0, "daily_mean": 24e3, "mean_profile": [1.0] * 24})
        town.customer(f"peak{number}")
        day = [0.0] * 18 + [3.0] * 2 + [0.0] * 4
        town.meter(f"peak{number}", {"total_energy": 1.0, "daily_mean": 6e3, "mean_profile": day})
    certificate = build_segments(town.view(), definitions=[by_rule("daily_mean < 10000")]).certificates[
        "some_rule"
    ]

    assert (certificate.peak_share.hour, certificate.peak_share.value) == (18, pytest.approx(3 / 4))
    assert certificate.mean_shape == pytest.approx([0.0] * 18 + [0.5] * 2 + [0.0] * 4)
    assert (certificate.detectable.mean_wh, certificate.detectable.effect_wh) == (6e3, 0.0)


def test_no_share_of_the_peak_where_profiles_are_missing(town):
    settle(town, 16, mean_profile="incomplete_profile")
    certificate = build_segments(town.view(), definitions=[by_rule("daily_mean > 0")]).certificates[
        "some_rule"
    ]
    assert certificate.peak_share.code == "too_few_profiles"
    assert certificate.mean_shape.code == "too_few_profiles"
    assert json.loads(certificate.document())["peak_share"]["not_computable"] == "too_few_profiles"


def consent(town, customer, channel, granted, start, *, end=None, purpose="marketing", known=None):
    """One row of consent."""
    town.add(
        "consent",
        customer_id=customer,
        channel=channel,
        purpose=purpose,
        granted=granted,
        valid_from=start,
        valid_to=end,
        source="form",
        available_at=known or start,
    )


def test_reachable_counts_consents_in_effect_by_channel(town):
    settle(town, 20)
    given = utc(2024, 1, 1)
    for number in range(5):
        consent(town, f"c{number:03d}", "sms", True, given)
    consent(town, "c000", "email", True, given)
    consent(town, "c001", "sms", False, utc(2024, 6, 1))  # withdrawn
    consent(town, "c002", "sms", True, utc(2024, 6, 1), end=utc(2024, 7, 1))  # ended
    consent(town, "c010", "sms", True, given, purpose="research")
    consent(town, "c011", "sms", True, utc(2026, 1, 1), known=given)  # not yet
    consent(town, "elsewhere", "sms", True, given)
    found = build_segments(town.view(), definitions=[by_rule("daily_mean > 0")])

    assert found.certificates["some_rule"].reachable == Reachable("marketing", 3, {"email": 1, "sms": 3})
    assert found.rows["reachable"].to_pylist() == [3]


def test_without_a_consent_table_nobody_is_called_reachable(town):
    settle(town, 15)
    found = build_segments(town.view(), definitions=[by_rule("daily_mean > 0")])
    assert found.certificates["some_rule"].reachable.code == "no_consents"
    assert found.rows["reachable"].to_pylist() == [None]


def test_the_unit_is_the_account_where_each_member_has_one(town):
    settle(town, 15)
    first = build_segments(town.view(), definitions=[by_rule("daily_mean > 0")])
    assert first.certificates["some_rule"].detectable.unit == "account"
    town.add("account", account_id="second", customer_id="c000", status="active")
    second = build_segments(town.view(), definitions=[by_rule("daily_mean > 0")])
    assert second.certificates["some_rule"].detectable.unit == "customer"


@pytest.fixture
def two_kinds(town):
    """Sixty homes with an evening peak, forty with a morning peak, one without a meter."""
    settle(town, 60, peak=19)
    settle(town, 40, peak=8, prefix="m")
    town.customer("unmetered")
    return town


def test_clusters_come_with_a_rule_that_customers_never_seen_confirm(two_kinds):
    found = build_segments(two_kinds.view(), definitions=[by_cluster(among="class = 'residential'")])

    assert ids(found, "shapes-1") == [f"c{n:03d}" for n in range(60)]
    assert ids(found, "shapes-2") == [f"m{n:03d}" for n in range(40)]
    evening = found.certificates["shapes-1"]
    assert evening.plain_rule.startswith("class = 'residential' and evening_share > ")
    assert evening.rule_precision.value == evening.rule_recall.value == 1.0
    assert evening.rule_precision.ci_low < 1.0 == evening.rule_precision.ci_high
    assert 10 < evening.held_out < 50
    assert evening.notes["customers_fitted"] + evening.held_out == 100
    assert (evening.stability.value, evening.verdict) == (1.0, "stable")
    assert evening.notes["clusters"] == 2
    assert evening.mean_shape is not None and int(np.argmax(evening.mean_shape)) == 19
    assert "segment.not_placed" in {finding.code for finding in found.findings}
    names = found.rows["name_en"].to_pylist()
    assert names == ["Some 1: highest at 19:00", "Some 2: highest at 8:00"]


def test_who_is_held_out_changes_what_is_said_of_the_rule_but_not_the_rule(town):
    for number in range(100):
        name, peak = f"c{number:03d}", 19 if number < 60 else 8
        share = 0.4 if number < 60 else 0.1
        out = is_held_out(name, 0.3)
        town.customer(name)
        known = {"total_energy": 1.0, "daily_mean": 10e3, "mean_profile": profile(peak)}
        town.meter(name, known | {"evening_share": 0.5 - share if out else share})
    found = build_segments(town.view(), definitions=[by_cluster(clusters=2)])
    certificate = found.certificates["shapes-1"]
    assert certificate.members == 60
    assert certificate.plain_rule == "evening_share > 0.2"
    assert (certificate.rule_precision.value, certificate.rule_recall.value) == (0.0, 0.0)


def test_the_plain_rule_of_a_cluster_is_itself_a_segment(two_kinds):
    view = two_kinds.view()
    first = build_segments(view, definitions=[by_cluster()])
    again = build_segments(view, definitions=[by_rule(first.certificates["shapes-1"].plain_rule)])
    assert ids(again, "some_rule") == ids(first, "shapes-1")


def test_clusters_that_chance_made_are_shown_as_unstable(town):
    rng = np.random.default_rng(5)
    for number in range(120):
        town.customer(f"c{number:03d}")
        day = (1 + rng.normal(0, 0.1, 24)).tolist()
        town.meter(f"c{number:03d}", {"total_energy": 1.0, "daily_mean": 10e3, "mean_profile": day})
    found = build_segments(town.view(), definitions=[by_cluster(clusters=3)])
    assert {c.verdict for c in found.certificates.values()} == {"unstable"}
    assert "segment.unstable" in {finding.code for finding in found.findings}
    assert all(c.rule_precision.value < 1 for c in found.certificates.values() if c.rule_precision)


def test_a_tag_may_be_clustered_beside_the_shape(two_kinds):
    settings = SegmentSettings(seed=3)
    definition = by_cluster(columns=("daily_variation", "tag('stable_use')"), clusters=2)
    first, second = (build_segments(two_kinds.view(), settings, definitions=[definition]) for _ in range(2))
    assert first.members.equals(second.members)
    assert first.rows.equals(second.rows)
    confidence = first.members["confidence"].to_pylist()
    assert all(0 <= value <= 1 for value in confidence)


def test_too_few_customers_give_no_clusters_but_a_finding(town):
    settle(town, 20)
    found = build_segments(town.view(), definitions=[by_cluster()])
    assert found.rows.num_rows == 0
    [finding] = found.findings
    assert (finding.code, finding.evidence["code"]) == ("segment.no_clusters", "too_few_customers")


def test_rows_fit_the_tables_and_the_certificate_is_a_document(two_kinds):
    found = build_segments(two_kinds.view(), definitions=[by_cluster(), by_rule("tag('evening_peak')")])
    writer = two_kinds.lake.writer(Stage.INSIGHT)
    writer.upsert("segment", found.rows)
    writer.upsert("segment_member", found.members)
    view = two_kinds.lake.view()
    assert (view.count("segment"), view.count("segment_member")) == (3, 160)
    document = json.loads(view.arrow("segment")["certificate"][0].as_py())
    assert {"plain_rule", "rule_precision", "peak_share", "stability", "reachable", "detectable"} <= set(
        document
    )
    assert set(document["rule_precision"]) == {"value", "ci_low", "ci_high"}


def test_the_shipped_segments_run_and_say_what_they_lack(two_kinds):
    found = build_segments(two_kinds.view())
    assert found.rows.num_rows == 0  # homes lack weekend_ratio, businesses and bills are not there
    assert "segment.no_clusters" in {finding.code for finding in found.findings}
    served = {number for definition in load_segments() for number in definition.requirements}
    assert {"S116", "S117", "S120", "S121", "S123", "S124"} <= served


def test_nothing_of_the_future_is_used(town):
    settle(town, 15)
    town.meter("c000", {"daily_mean": 1.0}, window_end=date(2025, 6, 30), as_of=utc(2025, 7, 2))
    found = build_segments(town.view().at(utc(2025, 2, 1)), definitions=[by_rule("daily_mean > 5000")])
    assert len(ids(found, "some_rule")) == 15
    assert set(found.members["as_of"].to_pylist()) == {utc(2025, 2, 1)}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (by_rule("evning_share > 1"), "Segment 'some_rule': there is no column 'evning_share'"),
        (by_cluster(among="class = 'home'"), "is not a value of 'class'"),
        (by_cluster(columns=("customer_class",)), "there is no number or flag 'customer_class'"),
    ],
)
def test_a_definition_that_names_nothing_is_refused_before_anything_is_read(town, definition, said):
    with pytest.raises(UsageError) as refused:
        build_segments(town.lake.view(), definitions=[definition])
    assert said in str(refused.value)


def test_an_empty_workspace_has_no_segments(town):
    found = build_segments(town.lake.view())
    assert found.rows.num_rows == found.members.num_rows == 0


def test_not_computable_is_never_a_number(town):
    settle(town, 15, daily_mean="no_data", total_energy="no_data")
    found = build_segments(town.view(), definitions=[by_rule("evening_share > 0")])
    assert isinstance(found.certificates["some_rule"].detectable, NotComputable)


def test_who_closed_their_account_is_no_unit_of_a_test(town):
    settle(town, 20)
    for number in range(20):
        if number < 4:
            town.rows["account"][number]["closed"] = date(2024, 6, 1)
    found = build_segments(town.view(), definitions=[by_rule("tag('evening_peak')")])
    certificate = found.certificates["some_rule"]
    assert certificate.members == 20
    assert (certificate.detectable.units, certificate.detectable.unit) == (16, "account")


def test_one_member_that_decides_what_can_be_detected_is_a_finding(town):
    settle(town, 20)
    settle(town, 1, prefix="works", kwh=50_000.0)
    found = build_segments(town.view(), definitions=[by_rule("tag('evening_peak')")])
    [finding] = [finding for finding in found.findings if finding.code == "segment.led_by_one"]
    assert finding.evidence["share"] == pytest.approx(20 / 21, abs=1e-4)  # one of 21, all others alike
    assert finding.subject == "some_rule"
    assert "works" not in str(finding)
