"""What the ledger knows of a launched campaign, as evaluation takes it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gridloop.domain.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from gridloop.apps.wiring import Session
    from gridloop.engine.view import LakeView
    from gridloop.evaluation.money import Costs
    from gridloop.evaluation.report.words import Language
    from gridloop.evaluation.result import CampaignResult, Funnel
    from gridloop.ledger.campaigns import Campaign
    from gridloop.ledger.enrolments import Enrolment
    from gridloop.ledger.messages import Send
    from gridloop.ledger.responses import Response
    from gridloop.strategy.playbook.model import Playbook

LAUNCHED = ("running", "paused", "stopped", "finished")
"""Statuses of campaigns that are judged."""
CONTACTED = ("sending", "sent", "unknown", "bounced")
"""Statuses of a message that went out, or may have."""
ENROLLED = ("pending", "active", "ended")
"""Statuses of an enrolment that was taken up."""
REACHED = ("delivered", "opened", "clicked", "accepted", "declined")
"""Answers that show that a message arrived; those from `opened` on show that it was read."""

MOST_CAMPAIGNS = 100_000


@dataclass(frozen=True)
class CampaignRecord:
    """A campaign with all that it is judged by.

    Attributes:
        campaign: its row in the ledger.
        play: as it was launched.
        assignments: unit_id, arm, stratum, probability, seed; customer_id, channel (first channel of the list, where it
            is still known), contacted, enrolled.
        funnel, costs: how far it came, what it cost.
    """

    campaign: Campaign
    play: Playbook
    assignments: pa.Table
    funnel: Funnel
    costs: Costs

    def starts(self, zone: str) -> date:
        """The local day on which it started."""
        return self.campaign.starts_at.astimezone(ZoneInfo(zone)).date()


def launched_campaigns(session: Session) -> list[Campaign]:
    """Campaigns that are judged, oldest first."""
    campaigns = session.ledger.campaigns.recent(MOST_CAMPAIGNS)
    return [one for one in reversed(campaigns) if one.status in LAUNCHED]


def play_of(campaign: Campaign) -> Playbook | None:
    """The play that a campaign was launched from; None for one that came about otherwise."""
    from gridloop.strategy.playbook.model import Playbook

    play = campaign.settings.get("play")
    return None if play is None else Playbook.model_validate(play)


def record_of(session: Session, view: LakeView, campaign: Campaign, play: Playbook) -> CampaignRecord:
    """Read a campaign's assignments, messages, answers and enrolments.

    Args:
        session: the ledger.
        view: accounts, and the list as it was recommended.
        campaign, play: which.
    """
    from gridloop.evaluation.money import Costs

    ledger, identity = session.ledger, campaign.campaign_id
    sends = [one for one in ledger.sends.of(identity) if one.status in CONTACTED]
    responses = ledger.responses.of(identity)
    enrolments = [one for one in ledger.enrolments.of(identity) if one.status in ENROLLED]
    assignments = _assignments(session, view, campaign, sends, enrolments)
    plan = ledger.plans.plan(campaign.plan_id)
    arms = Counter(assignments.column("arm").to_pylist())
    funnel = _funnel(plan.content.audience, arms, sends, responses, enrolments)
    paid = sum((_cost(one, play) for one in sends), Decimal(0))
    enrolled = len({one.account_id for one in enrolments})
    costs = Costs(paid, enrolled, session.workspace.config.currency)
    return CampaignRecord(campaign, play, assignments, funnel, costs)


def _cost(send: Send, play: Playbook) -> Decimal:
    return send.cost if send.cost is not None else play.value.contact_cost.get(send.channel, Decimal(0))


def _assignments(
    session: Session,
    view: LakeView,
    campaign: Campaign,
    sends: Iterable[Send],
    enrolments: Iterable[Enrolment],
) -> pa.Table:
    import pyarrow as pa

    rows = session.ledger.assignments.of(campaign.campaign_id)
    owner: dict[str, str] = {}
    if view.exists("account"):
        accounts = view.arrow("account", columns=["account_id", "customer_id"])
        owner = dict(zip(*(accounts.column(name).to_pylist() for name in accounts.column_names), strict=True))
    channels = _channels(view, campaign)
    contacted = {one.customer_id for one in sends}
    enrolled = {one.account_id for one in enrolments}
    return pa.table(
        {
            "unit_id": pa.array([one.unit_id for one in rows], pa.string()),
            "arm": pa.array([one.arm for one in rows], pa.string()),
            "stratum": pa.array([one.stratum for one in rows], pa.string()),
            "seed": pa.array([one.seed for one in rows], pa.int64()),
            "probability": pa.array([one.probability for one in rows], pa.float64()),
            "customer_id": pa.array([owner.get(one.unit_id) for one in rows], pa.string()),
            "channel": pa.array([channels.get(one.unit_id) for one in rows], pa.string()),
            "contacted": pa.array([owner.get(one.unit_id) in contacted for one in rows], pa.bool_()),
            "enrolled": pa.array([one.unit_id in enrolled for one in rows], pa.bool_()),
        }
    )


def _channels(view: LakeView, campaign: Campaign) -> dict[str, str]:
    """The first channel of each account by the list that was launched; empty once another list has replaced it."""
    if not view.exists("recommendation"):
        return {}
    rows = view.arrow("recommendation", columns=["account_id", "as_of", "decision", "channel"]).to_pylist()
    known = [row for row in rows if row["as_of"] <= campaign.launched_at and row["decision"] == "selected"]
    return {row["account_id"]: row["channel"] for row in sorted(known, key=lambda row: row["as_of"])}


def _funnel(
    audience: Mapping[str, Any],
    arms: Mapping[str, int],
    sends: Iterable[Send],
    responses: Iterable[Response],
    enrolments: Iterable[Enrolment],
) -> Funnel:
    from gridloop.evaluation.result import Funnel

    sent = {one.customer_id for one in sends}
    bounced = {one.customer_id for one in sends if one.status == "bounced"}
    answered: dict[str, set[str]] = {}
    for one in responses:
        answered.setdefault(one.kind, set()).add(one.customer_id)

    def of(*kinds: str) -> int:
        return len(set().union(*(answered.get(kind, set()) for kind in kinds)))

    return Funnel(
        selected=int(audience.get("selected", sum(arms.values()))),
        assigned=dict(arms),
        sent=len(sent),
        delivered=of(*REACHED),
        opened=of(*REACHED[1:]),
        accepted=of("accepted"),
        enrolled=len({one.account_id for one in enrolments}),
        unsubscribed=of("unsubscribed"),
        bounced=len(bounced | answered.get("bounced", set())),
    )


def ledger_digest(session: Session) -> dict[str, object]:
    """A digest of every record that campaigns are judged by, so that they are judged again only when one changed."""
    ledger = session.ledger
    told = []
    for campaign in launched_campaigns(session):
        identity = campaign.campaign_id
        told.append(
            {
                "campaign": identity,
                "status": campaign.status,
                "settings": dict(campaign.settings),
                "starts_at": campaign.starts_at.isoformat(),
                "arms": ledger.assignments.arms(identity),
                "sends": sorted(
                    (one.send_id, one.status, str(one.cost)) for one in ledger.sends.of(identity)
                ),
                "responses": sorted(one.response_id for one in ledger.responses.of(identity)),
                "enrolments": sorted((one.account_id, one.status) for one in ledger.enrolments.of(identity)),
            }
        )
    text = json.dumps(told, sort_keys=True, default=str)
    return {"campaigns": hashlib.sha256(text.encode()).hexdigest()}


def report_path(session: Session, campaign_id: str, language: Language) -> Path:
    """Where the report of a campaign lies."""
    return session.workspace.root / "artifacts" / "reports" / f"{campaign_id}.{language}.html"


def judged(session: Session, campaign_id: str) -> CampaignResult:
    """The result of a campaign as it was judged last.

    Raises:
        UsageError: there is no such campaign, or it has not been judged yet.
    """
    from gridloop.evaluation.result import results_of

    campaign = session.ledger.campaigns.campaign(campaign_id)
    play = play_of(campaign)
    view = session.published()
    try:
        rows = view.arrow("effect") if view.exists("effect") else None
        if play is not None and rows is not None:
            record = record_of(session, view, campaign, play)
            results = results_of(named(campaign), play, rows, record.funnel, record.costs.currency)
            if results:
                return results[0]
    finally:
        view.close()
    raise UsageError(
        f"The campaign {campaign_id} has not been judged yet.",
        evidence={"status": campaign.status},
        ways_out=("Carry out the loop: gridloop run",),
    )


def named(campaign: Campaign) -> dict[str, str]:
    """What a result says of its campaign."""
    return {"campaign_id": campaign.campaign_id, "name": campaign.name, "status": campaign.status}
