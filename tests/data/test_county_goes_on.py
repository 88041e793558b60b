"""A continuation of the synthetic county is imported after its first files: every row is accounted for, once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gridloop.data.recipe_store import load_recipe
from gridloop.domain.errors import NothingToDo
from gridloop.twin.answers import Answers
from gridloop.twin.county import County
from gridloop.twin.names import draw_contacts
from gridloop.twin.settings import TwinSettings

END = date(2025, 5, 17)
NOON = datetime(2025, 5, 24, 4, tzinfo=UTC)


def _county(days: int) -> County:
    return County(TwinSettings(customers=40, days=60, seed=11, end=END, continued_days=days))


def _offered(county: County, message: str) -> Answers:
    """Everybody with a telephone got the offer."""
    simulation, contracts = county.simulation, county.contracts
    answers = Answers(county)
    for row, person in enumerate(
        draw_contacts(county.settings, simulation.premises, simulation.network, contracts)
    ):
        if person.phone:
            facts = {"tariff": "tou-evening", "saving": "300"}
            answers.receive(f"{message}|{row}", "app", person.phone, NOON, facts)
    return answers


@pytest.fixture(scope="module")
def story(shared_site):
    """Imported: the first files, twenty days more, forty days more."""
    site = shared_site("Asia/Shanghai", "CNY")
    recipe, reports, received = load_recipe("county"), [], NOON
    for part in ("first", "20", "40"):
        site.sources = Path(site.workspace.root).parent / part
        if part == "first":
            _county(0).write_sources(site.sources)
        else:
            county = _county(int(part))
            site.answers = _offered(county, "m")
            county.write_continuation(site.sources, site.answers)
        reports.append(site.run(recipe, received_at=received))
        received += timedelta(days=30)
    site.reports = reports
    return site


def test_every_row_of_a_continuation_is_news(story):
    accounts = {account.role: account for account in story.reports[1].accounts}
    energy = {"calendar", "weather", "bill", "bill_line", "readings", "contract", "tariff_assignment"}
    assert set(accounts) >= {*energy, "payment"}
    for role in set(accounts) - {"readings", "contract", "tariff_assignment"}:
        assert accounts[role].rows_accepted == accounts[role].rows_in > 0, role
    enrolled = sum(
        each.since <= (END + timedelta(days=20)).toordinal()
        for each in story.answers.responses().enrolments.values()
    )
    assert enrolled >= 1
    assert accounts["contract"].rows_accepted == enrolled
    assert accounts["tariff_assignment"].rows_accepted == 2 * enrolled


def test_a_longer_continuation_repeats_and_never_contradicts(story):
    codes = {finding.code for finding in story.reports[2].findings}
    assert "import.superseded" in codes and "import.conflicting_rows" not in codes
    days = {row["day"] for row in story.rows("reading")}
    assert {END + timedelta(days=1), END + timedelta(days=40)} <= days
    total = story.reports[2].total
    assert total.rows_in == total.rows_accepted + total.rows_superseded + total.rows_quarantined


def test_each_day_of_a_meter_is_there_once(story):
    rows = story.lake.view().arrow("reading").select(["meter_id", "channel", "day"]).to_pylist()
    assert len(rows) == len({tuple(row.values()) for row in rows})


def test_the_contract_is_on_the_offered_tariff_from_the_day_it_is_known(story):
    changed = [row for row in story.rows("contract") if row["tariff_id"] == "tou-evening"]
    assigned = [row for row in story.rows("tariff_assignment") if row["tariff_id"] == "tou-evening"]
    starts = {row["contract_id"]: row["valid_from"] for row in assigned}
    assert changed and {row["contract_id"] for row in changed} == set(starts)
    for row in changed:
        known = row["available_at"].date()
        assert starts[row["contract_id"]] <= known <= starts[row["contract_id"]] + timedelta(days=1)
        assert row["valid_from"] < starts[row["contract_id"]]


def test_the_same_continuation_again_is_nothing_to_do(story):
    with pytest.raises(NothingToDo):
        story.run(load_recipe("county"))
