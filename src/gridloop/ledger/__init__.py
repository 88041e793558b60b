"""Records that must never be lost or doubled: runs and manifests, plans, campaigns, the outbox, audit."""

from gridloop.ledger.campaigns import Assignment, CampaignTerms
from gridloop.ledger.messages import PlannedSend
from gridloop.ledger.plans import PlanContent
from gridloop.ledger.responses import Response
from gridloop.ledger.runs import JobRun
from gridloop.ledger.store import Ledger

__all__ = ["Assignment", "CampaignTerms", "JobRun", "Ledger", "PlanContent", "PlannedSend", "Response"]
