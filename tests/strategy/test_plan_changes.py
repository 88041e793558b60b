"""Two plans beside each other: what differs, the important first, in words."""

from __future__ import annotations

from dataclasses import replace

from gridloop.ledger.plans import PlanContent
from gridloop.strategy.plan_changes import Change, plan_changes

ONE = PlanContent(
    playbook="tou-shift",
    version=1,
    audience={"selected": 100, "excluded": {"vulnerable": 3}, "as_of": "2025-01-01"},
    settings={
        "arms": {"offer": 0.7, "holdout": 0.3},
        "channel_order": ["app", "sms"],
        "play": {"exclusions": [{"name": "vulnerable", "days": None}, {"name": "short_tenure", "days": 365}]},
    },
    expectation={"net_value": "10.00", "learned": []},
    manifest={"reading": 1},
)


def test_equal_plans_have_no_differences_whatever_snapshots_they_rest_on():
    other = replace(ONE, manifest={"reading": 2}, audience={**ONE.audience, "as_of": "2025-01-02"})
    assert plan_changes(ONE, other) == []


def test_what_matters_most_is_told_first_and_in_words():
    other = replace(
        ONE,
        version=2,
        audience={**ONE.audience, "selected": 90, "excluded": {"vulnerable": 3, "unsubscribed": 10}},
        settings={**ONE.settings, "arms": {"offer": 0.5, "holdout": 0.5}, "channel_order": ["sms", "app"]},
        expectation={
            "net_value": "12.00",
            "learned": [{"code": "out_already", "text_en": "Some are out.", "evidence": {"enrolled": 3}}],
        },
    )
    found = plan_changes(ONE, other)
    assert found[:5] == [
        Change("audience.selected", "accounts selected", 100, 90),
        Change("settings.arms.holdout", "share held out", 0.3, 0.5),
        Change("settings.arms.offer", "share offered it", 0.7, 0.5),
        Change("settings.channel_order", "channels, first one first", ["app", "sms"], ["sms", "app"]),
        Change("expectation.net_value", "expected net value", "10.00", "12.00"),
    ]
    assert (found[5].label, found[5].before, found[5].after) == ("learned", None, "Some are out.")
    rest = {change.label: (change.before, change.after) for change in found[6:]}
    assert rest["audience › excluded › unsubscribed"] == (None, 10)
    assert rest["version"] == (1, 2)
    assert len(rest) == 2


def test_members_of_a_list_are_compared_by_name_not_by_place():
    turned = list(reversed(ONE.settings["play"]["exclusions"]))  # type: ignore[index]
    assert plan_changes(ONE, replace(ONE, settings={**ONE.settings, "play": {"exclusions": turned}})) == []
