"""Tags, segments with certificates and prices of offers on real meters: what a year shows, and what 92 days cannot."""

from __future__ import annotations

import json

import pytest

from gridloop.insight.tags.catalogue import load_tags

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

HOMES = {"lcl": 61, "edrp": 414}
LEAST = 15
NOT_IN_92_DAYS = {
    "annual_energy": {"too_few_days"},
    "energy_decile": {"too_few_days"},
    "summer_cooling": {"too_few_days"},
    "winter_heating": {"too_few_days"},
    "growth": {"less_than_two_years"},
    "growth_trend": {"too_few_days"},
    "holiday_change": {"no_holidays"},
}
NEVER_BILLED = {"annual_charge": {"no_bills"}, "charge_decile": {"no_bills"}}
CERTIFIED = {
    *("method", "definition", "plain_rule", "rule_precision", "rule_recall", "held_out", "members"),
    *("population", "peak_share", "mean_shape", "stability", "verdict", "reachable", "detectable", "notes"),
}


@pytest.fixture(scope="module")
def ask(realdata, module_command, tmp_path_factory):
    """Imports and runs both data sets once; answers what a command prints of one of them."""
    workspaces = {name: tmp_path_factory.mktemp(name) / "workspace" for name in HOMES}
    for name, workspace in workspaces.items():
        module_command("import", name, "--data", realdata / name, "-w", workspace, "--quiet")
        assert module_command("run", "-w", workspace, "--quiet").code == 0

    def answer(name, *words):
        return module_command(*words, "-w", workspaces[name])

    return answer


@pytest.fixture
def rows(ask):
    """Rows that a command prints as JSON."""

    def read(name, *words):
        answer = ask(name, *words, "--json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out)

    return read


@pytest.mark.parametrize("name", sorted(HOMES))
def test_every_home_has_every_tag_or_a_reason(rows, name):
    tags = rows(name, "tag", "list")
    assert {tag["tag"] for tag in tags} == {spec.name for spec in load_tags()}
    for tag in tags:
        assert tag["customers"] + tag["lacking"] == HOMES[name], tag["tag"]
        assert sum(tag["reasons"].values()) == tag["lacking"], tag["tag"]


def test_what_92_days_without_bills_or_holidays_cannot_show_is_not_made_up(rows):
    tags = {tag["tag"]: tag for tag in rows("edrp", "tag", "list")}
    missing = NOT_IN_92_DAYS | NEVER_BILLED
    assert {name: set(tags[name]["reasons"]) for name in missing} == missing
    assert {tags[name]["customers"] for name in missing} == {0}
    assert {name for name, tag in tags.items() if tag["customers"] == 0} == set(missing)


def test_a_year_of_61_homes_is_tagged_but_for_those_that_left_early(rows):
    tags = {tag["tag"]: tag for tag in rows("lcl", "tag", "list")}
    assert {name for name, tag in tags.items() if tag["customers"] == 0} == {
        *("growth", "growth_trend"),
        *NEVER_BILLED,
    }
    assert tags["evening_peak"]["customers"] >= 56
    assert tags["annual_energy"]["reasons"] == {"too_few_days": tags["annual_energy"]["lacking"]}
    assert 3_000 < tags["annual_energy"]["median"] < 5_000  # kWh; a home in Great Britain used about 4,000


@pytest.mark.parametrize("name", sorted(HOMES))
def test_every_segment_that_is_shown_is_certified_and_none_is_small(rows, name):
    segments = [row for row in rows(name, "segment", "list") if row["why_not_shown"] is None]
    assert {"home_shapes-1", "home_shapes-2", "valley_shiftable"} <= {row["segment"] for row in segments}
    for segment in segments:
        found = rows(name, "segment", "show", segment["segment"])["certificate"]
        assert set(found) == CERTIFIED
        assert found["members"] == segment["members"] >= LEAST
        assert len(rows(name, "segment", "members", segment["segment"])) == found["members"]
        assert sum(found["mean_shape"]) == pytest.approx(1)
        assert 0 < found["peak_share"]["value"] < 1
        assert found["reachable"]["not_computable"] == "no_consents"
        assert (found["detectable"]["unit"], found["detectable"]["units"]) == ("account", found["members"])
        assert found["detectable"]["effect_pct"] > 0


@pytest.mark.parametrize("name", sorted(HOMES))
def test_shapes_have_a_rule_judged_by_homes_held_out_and_a_stability(rows, name):
    for cluster in ("home_shapes-1", "home_shapes-2"):
        found = rows(name, "segment", "show", cluster)["certificate"]
        assert found["plain_rule"].startswith("class = 'residential' and ")
        assert found["held_out"] + found["notes"]["customers_fitted"] == found["population"]
        for estimate in (found["rule_precision"], found["rule_recall"], found["stability"]):
            assert 0 <= estimate["ci_low"] <= estimate["value"] <= estimate["ci_high"] <= 1
        assert found["verdict"] == ("stable" if found["stability"]["value"] >= 0.7 else "unstable")


def test_shapes_of_414_homes_are_stable_and_those_of_61_are_called_unstable(rows, ask):
    for name, verdict in (("edrp", "stable"), ("lcl", "unstable")):
        found = {row["segment"]: row["verdict"] for row in rows(name, "segment", "list")}
        assert {found["home_shapes-1"], found["home_shapes-2"]} == {verdict}
    assert "other customers would give other groups" in " ".join(
        ask("lcl", "segment", "show", "home_shapes-1").out.split()
    )


@pytest.mark.parametrize("name", sorted(HOMES))
def test_what_is_not_shown_says_why(rows, ask, name):
    hidden = {row["segment"]: row["why_not_shown"] for row in rows(name, "segment", "list")}
    bills = f"{HOMES[name]} of {HOMES[name]} customers lack charge_decile, mostly because the customer has no bill"
    assert bills in hidden["high_value_stable"]
    assert "no clusters of 15 members" in hidden["business_shapes"]
    answer = ask(name, "segment", "show", "high_value_stable")
    assert (answer.code, "is not shown: fewer than 15 members" in answer.err) == (1, True)


def test_the_trial_s_tariffs_are_priced_for_every_home_with_a_year(rows):
    found = rows("lcl", "tariff", "compare", "lcl-flat", "lcl-dtou")
    reasons = {row["reason"]: row["contracts"] for row in found["not_computable"]}
    assert set(reasons) == {"other_tariff", "low_coverage"}
    assert reasons["other_tariff"] == 11  # homes that were in the trial
    assert found["computed"] + sum(reasons.values()) == HOMES["lcl"]
    assert found["winners"] > 0 < found["losers"]
    assert not found["invented_prices"]
    everyone = rows("lcl", "tariff", "compare", "lcl-flat", "lcl-dtou", "--assume-base")
    assert [row["reason"] for row in everyone["not_computable"]] == ["low_coverage"]


def test_92_days_are_no_year_to_price_and_a_price_series_that_is_not_there_is_named(rows, ask):
    found = rows("edrp", "tariff", "compare", "lcl-flat", "lcl-flat", "--assume-base")
    assert (found["computed"], found["total_saving"]) == (0, None)
    assert [(row["reason"], row["contracts"]) for row in found["not_computable"]] == [("too_few_days", 414)]
    answer = ask("edrp", "tariff", "compare", "lcl-flat", "lcl-dtou")
    assert (answer.code, "price series is not there" in answer.err) == (2, True)
