"""The program approves for a demo whose messages go to the twin, and for nobody else."""

from __future__ import annotations

import pytest

from gridloop.apps.approving import AUTOMATIC, REASON, approve_automatically
from gridloop.apps.planning_now import plan_now
from gridloop.apps.wiring import opened
from gridloop.domain.errors import LedgerConflict, NotPermitted

TWIN = {name: {"transport": "twin"} for name in ("app", "email", "sms")}


@pytest.fixture
def planned(village):
    """Opens the village with these settings and a plan by `li`."""
    sessions = []

    def open_with(**settings):
        with opened(village) as session:
            session.workspace.with_settings(**settings)
        context = opened(village)
        sessions.append(context)
        session = context.__enter__()
        plan = plan_now(session, "tou-shift", "li").plan
        assert plan is not None
        return session, plan.plan_id

    yield open_with
    for context in sessions:
        context.__exit__(None, None, None)


def test_a_demo_of_the_twin_approves_by_itself_and_the_record_says_so(planned):
    session, plan_id = planned(demo=True, channels=TWIN)
    approval = approve_automatically(session, plan_id)
    assert (approval.automatic, approval.decided_by, approval.reason) == (True, AUTOMATIC, REASON)
    assert session.ledger.plans.plan(plan_id).status == "approved"
    with pytest.raises(LedgerConflict):
        approve_automatically(session, plan_id)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"demo": True},
        {"demo": True, "channels": {name: TWIN[name] for name in ("app", "email")}},
        {"demo": True, "channels": TWIN | {"sms": {"transport": "file"}}},
    ],
)
def test_whatever_leaves_the_house_is_approved_by_a_person(planned, settings):
    session, plan_id = planned(**settings)
    with pytest.raises(NotPermitted, match="approved by a person"):
        approve_automatically(session, plan_id)
    assert session.ledger.plans.plan(plan_id).status == "submitted"
