"""The effect that the loop found beside what the twin knows; nothing but the demo looks at both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gridloop.apps.demo_folders import county_of
from gridloop.domain.finding import NotComputable

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.strategy.playbook.model import Playbook


@dataclass(frozen=True)
class Truth:
    """What the offer really did in the days that were judged.

    Attributes:
        value: mean over all accounts assigned to the offer, reached or not, of their measure with the messages less
            that without them; in the unit of the measure.
        percent: of the mean without them.
        accounts: assigned to the offer.
        worse: accounts that moved against the aim by more than 1 %.
    """

    value: float
    percent: float
    accounts: int
    worse: int


def true_effect(session: Session, campaign_id: str, play: Playbook) -> Truth | NotComputable:
    """Ask the twin what a campaign did to those who were assigned to its offer.

    An account that no message reached has no effect of its own, and counts.

    Args:
        session: a demo workspace.
        campaign_id: a campaign whose window has passed.
        play: the measure and the window.
    """
    from gridloop.apps.wiring import twin_answers
    from gridloop.evaluation.outcomes import campaign_windows
    from gridloop.security.pseudonym import Pseudonyms
    from gridloop.strategy.experiment import HOLDOUT

    folders, county = county_of(session.workspace.root)
    campaign = session.ledger.campaigns.campaign(campaign_id)
    windows = campaign_windows(play.success, _local_day(campaign.starts_at, session.workspace.config.zone))
    hours = [span.minutes for span in play.success.primary.hours]
    known = twin_answers(folders, county).effect_truth(hours, windows.first, windows.last)
    names = Pseudonyms(session.vault, "account").derive(known["account_id"].to_pylist())
    pairs = zip(known["without_offer"].to_pylist(), known["with_offer"].to_pylist(), strict=True)
    effects = dict(zip(names, pairs, strict=True))
    offered = [one.unit_id for one in session.ledger.assignments.of(campaign_id) if one.arm != HOLDOUT]
    reached = [effects[unit] for unit in offered if unit in effects]
    if not reached:
        return NotComputable("nobody_reached", "No message of this campaign has reached anybody.")
    total = sum(with_offer - without for without, with_offer in reached)
    before = sum(without for without, _ in reached) / len(reached)
    sign = 1 if play.success.primary.aim == "less" else -1
    return Truth(
        value=total / len(offered),
        percent=100.0 * total / len(offered) / before,
        accounts=len(offered),
        worse=sum(sign * (with_offer - without) > 0.01 * without for without, with_offer in reached),
    )


def _local_day(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()
