"""The offers of the plays are priced, winners and losers told, and nothing is done where no play is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gridloop
from gridloop.apps.jobs.execute import is_fresh, run_job
from gridloop.apps.jobs.offering import JOBS
from gridloop.apps.wiring import opened
from gridloop.domain.errors import UsageError

[OFFERS] = JOBS
SHIPPED = Path(gridloop.__file__).parent / "library" / "tariffs" / "tou-evening.yaml"


@pytest.fixture
def session_of(town_copy):
    """Opens the town's workspace when it runs these plays."""
    sessions = []

    def open_with(*plays):
        settings = town_copy / "gridloop.toml"
        listed = ", ".join(f'"{play}"' for play in plays)
        text = re.sub(r"(?m)^playbooks = .*$", f"playbooks = [{listed}]", settings.read_text())
        settings.write_text(text)
        context = opened(town_copy)
        sessions.append(context)
        return context.__enter__()

    yield open_with
    for context in sessions:
        context.__exit__(None, None, None)


def values(session):
    """Rows of `offer_value` by customer."""
    view = session.published()
    rows = view.arrow("offer_value").to_pylist()
    view.close()
    return {row["customer_id"]: row for row in rows}


def test_without_a_play_nothing_is_priced_and_nothing_fails(session_of):
    session = session_of()
    outcome = run_job(session, OFFERS)
    assert dict(outcome.report.counts) == {"offers": 0, "contracts": 0}
    assert "offer_value" not in session.lake.heads()
    assert is_fresh(session, OFFERS)


def test_every_contract_has_its_saving_or_the_reason_why_not(session_of):
    session = session_of("tou-shift")
    steps = set()
    outcome = run_job(session, OFFERS, progress=lambda step, done, total: steps.add(step))
    assert dict(outcome.report.counts) == {"offers": 1, "contracts": 6, "priced": 5}
    found = values(session)
    assert {name: row["saving"] > 0 for name, row in found.items() if row["saving"] is not None} == {
        **dict.fromkeys(("e00", "e01", "e02"), False),
        **dict.fromkeys(("m00", "m01"), True),
    }
    assert (found["m02"]["saving"], found["m02"]["reason"]) == (None, "too_few_days")
    assert {row["offer_id"] for row in found.values()} == {"tou-evening"}
    assert steps == {"pricing tou-evening, import_wh"}


def test_findings_tell_winners_losers_and_reasons_but_nobody_by_name(session_of):
    session = session_of("tou-shift")
    findings = {finding.code: finding for finding in run_job(session, OFFERS).report.findings}
    assert set(findings) == {"offer.priced", "offer.too_few_days"}
    priced = findings["offer.priced"]
    assert "2 would pay less, 3 more, 0 the same" in priced.text
    assert "invented, so this is no result" in priced.text
    worst = min(row["saving"] for row in values(session).values() if row["saving"] is not None)
    assert priced.evidence["largest_loss"] == str(-worst)
    assert f"The largest loss is {-worst:.2f} CNY a year." in priced.text
    assert findings["offer.too_few_days"].evidence == {"contracts": 1}
    assert not any("k-e0" in str(finding) for finding in findings.values())


def test_it_is_priced_again_when_a_tariff_changes_or_the_plays_do(session_of):
    session = session_of("tou-shift")
    run_job(session, OFFERS)
    assert is_fresh(session, OFFERS)
    before = values(session)
    folder = session.workspace.root / "tariffs"
    folder.mkdir()
    text = SHIPPED.read_text(encoding="utf-8").replace("0.7483", "0.4183")
    (folder / "tou-evening.yaml").write_text(text, encoding="utf-8")
    assert not is_fresh(session, OFFERS)
    run_job(session, OFFERS)
    assert values(session)["e00"]["saving"] > before["e00"]["saving"]
    without = session_of()
    assert not is_fresh(without, OFFERS)
    run_job(without, OFFERS)
    assert values(without) == {}


def test_a_play_that_is_not_there_is_refused_with_the_nearest_one(session_of):
    with pytest.raises(UsageError, match="tou-shft") as refused:
        run_job(session_of("tou-shft"), OFFERS)
    assert "tou-shift" in str(refused.value)
