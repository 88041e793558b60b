"""From a workspace to plans: facts of the ledger, recommendations, and plans that are made once and learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gridloop.ledger.campaigns import Campaign
from gridloop.ledger.plans import Plan, PlanContent, same_person
from gridloop.strategy.audience import select_audience
from gridloop.strategy.facts import BOUNCES, CONTACTS, ENROLMENTS, RUNNING, UNSUBSCRIBES, LedgerFacts
from gridloop.strategy.learning import ANSWERS, FormerRound, learn
from gridloop.strategy.measure import measure_accounts
from gridloop.strategy.plan import PlanInputs, compose_plan, content_digest
from gridloop.strategy.playbook.store import check_play, load_playbook
from gridloop.strategy.recommend import recommend, selected_rows
from gridloop.strategy.spread import last_reading_day, measure_spread, plan_windows

if TYPE_CHECKING:
    from datetime import date, datetime

    from gridloop.apps.wiring import Session
    from gridloop.domain.finding import NotComputable
    from gridloop.engine.view import LakeView
    from gridloop.strategy.playbook.model import Playbook
    from gridloop.strategy.spread import Spread

MOST = 100_000
"""Plans and campaigns that are looked at, newest first: all there are."""

REMEMBERED_DAYS = 366
"""Days for which contacts are looked up; no play asks for more."""

RUNNING_STATUSES = ("scheduled", "running", "paused")
OPEN_STATUSES = ("draft", "submitted", "approved")

READS = (
    "account", "bill", "consent", "contract", "customer", "effect", "feature", "meter", "meter_history",
    "offer_value", "outcome", "reading", "recommendation", "tariff_assignment",
)  # fmt: skip
"""Tables that a plan is computed from."""


class Action(StrEnum):
    """What became of planning a play."""

    SUBMITTED = "submitted"
    """A new plan, or an earlier one of the same author changed, now waits for approval."""
    UNCHANGED = "unchanged"
    """The plan that says this is there already."""
    WAITS = "waits"
    """Something else has to happen first."""
    NOBODY = "nobody"
    """No account is left to address."""


@dataclass(frozen=True)
class Planned:
    """What planning a play led to.

    Attributes:
        play: its name.
        action: see `Action`.
        text: one sentence that says why.
        plan: the plan it speaks of, if there is one.
    """

    play: str
    action: Action
    text: str
    plan: Plan | None = None


def ledger_facts(session: Session, view: LakeView) -> LedgerFacts:
    """What the ledger knows of every customer of the register at the present."""
    ledger, now = session.ledger, session.clock.now()
    units = {
        one.unit_id
        for campaign in ledger.campaigns.recent(MOST)
        if campaign.status in RUNNING_STATUSES
        for one in ledger.assignments.of(campaign.campaign_id)
    }
    customers = pc.unique(view.arrow("account", columns=("customer_id",))["customer_id"]).to_pylist()
    histories = ledger.contacts.of(customers, now - timedelta(days=REMEMBERED_DAYS))
    contacts: list[dict[str, object]] = []
    refusals: list[dict[str, object]] = []
    bounces: list[dict[str, object]] = []
    for customer, history in sorted(histories.items()):
        if history.contacted:
            contacts.append({"customer_id": customer, "at": history.contacted[-1]})
        if history.complained:
            refusals.append({"customer_id": customer})
        refusals += [
            {"customer_id": customer, "channel": one.channel, "purpose": one.purpose}
            for one in history.unsubscribes
        ]
        bounces += [{"customer_id": customer, "channel": name} for name in sorted(history.bounced)]
    enrolled = [
        {"account_id": one.account_id, "tariff_id": product.tariff_id}
        for product in ledger.products.all()
        for one in ledger.enrolments.in_product(product.product_id)
        if one.status in ("pending", "active")
    ]
    return LedgerFacts(
        pa.Table.from_pylist([{"account_id": unit} for unit in sorted(units)], schema=RUNNING),
        pa.Table.from_pylist(contacts, schema=CONTACTS),
        pa.Table.from_pylist(refusals, schema=UNSUBSCRIBES),
        pa.Table.from_pylist(enrolled, schema=ENROLMENTS),
        pa.Table.from_pylist(bounces, schema=BOUNCES),
    )


def plans_of(session: Session, play: str) -> list[Plan]:
    """All plans of a play, newest first."""
    return [plan for plan in session.ledger.plans.recent(limit=MOST) if plan.content.playbook == play]


def campaigns_of(session: Session, play: str) -> list[tuple[Plan, Campaign]]:
    """The campaigns of a play with their plans, newest first."""
    plans = {str(plan.plan_id): plan for plan in plans_of(session, play)}
    return [
        (plans[one.plan_id], one) for one in session.ledger.campaigns.recent(MOST) if one.plan_id in plans
    ]


def former_round(session: Session, view: LakeView, play: str) -> FormerRound | None:
    """The campaign of a play that ended last, with what was measured and answered; None before the first."""
    rounds = campaigns_of(session, play)
    ended = [(plan, one) for plan, one in rounds if one.status in ("stopped", "finished")]
    if not ended:
        return None
    plan, campaign = ended[0]
    effects, outcomes = (
        rows.filter(pc.equal(rows["campaign_id"], campaign.campaign_id))
        for rows in (view.arrow("effect"), view.arrow("outcome"))
    )
    return FormerRound(
        campaign.campaign_id,
        plan.plan_id,
        len(rounds),
        plan.content.expectation or {},
        plan.content.audience,
        effects,
        outcomes,
        _answers(session, campaign.campaign_id),
    )


def _answers(session: Session, campaign_id: str) -> pa.Table:
    """What came of a campaign's messages, by the channel on which each customer was reached."""
    ledger = session.ledger
    sends = [one for one in ledger.sends.of(campaign_id) if one.status in ("sent", "bounced")]
    channel_of = {one.customer_id: one.channel for one in sends}
    messages = Counter(one.channel for one in sends)
    bounced = Counter(one.channel for one in sends if one.status == "bounced")
    enrolled = Counter(
        channel_of.get(customer, "other")
        for customer in {one.customer_id for one in ledger.enrolments.of(campaign_id)}
    )
    ids = {str(one.send_id): one.channel for one in sends}
    left = Counter(
        ids[one.send_id]
        for one in ledger.unsubscribes.since()
        if one.send_id is not None and one.send_id in ids
    )
    rows = [
        {
            "channel": name,
            "messages": messages[name],
            "enrolled": enrolled[name],
            "unsubscribed": left[name],
            "bounced": bounced[name],
        }
        for name in sorted({*messages, *enrolled})
    ]
    return pa.Table.from_pylist(rows, schema=ANSWERS)


def recommend_plays(session: Session, view: LakeView, plays: Sequence[str], *, threads: int = 2) -> pa.Table:
    """Rows of table `recommendation` of some plays, as of the present.

    Args:
        session: the workspace.
        view: tables as published.
        plays: names of playbooks.
        threads: for kernels.
    """
    from gridloop.domain.tables import table
    from gridloop.engine.schema import arrow_schema
    from gridloop.insight.tags.build import build_tags

    root, now = session.workspace.root, session.clock.now()
    found = [arrow_schema(table("recommendation")).empty_table()]
    facts = ledger_facts(session, view) if plays else LedgerFacts()
    for name in plays:
        play = check_play(load_playbook(name, root), root)
        tags = build_tags(view, catalogue=play.catalogue)
        audience = select_audience(view, play, facts, tags.customers, now)
        before = _baseline(view, play.playbook, audience, _today(session, now), threads)
        lessons = learn(play.playbook, former_round(session, view, name))
        found.append(recommend(play.playbook, audience, before, lessons, tags.frame.as_of))
    return pa.concat_tables(found)


def _today(session: Session, now: datetime) -> date:
    return now.astimezone(ZoneInfo(session.workspace.config.zone)).date()


def _baseline(view: LakeView, play: Playbook, audience: pa.Table, today: date, threads: int) -> pa.Table:
    last = last_reading_day(view, today)
    if last is None:
        return pa.table({"account_id": pa.array([], pa.string()), "value": pa.array([], pa.float64())})
    return measure_accounts(
        view,
        play.success.primary,
        *plan_windows(play, last).baseline,
        least_days=play.success.least_days,
        accounts=audience["account_id"].to_pylist(),
        threads=threads,
    )


def kept_plays(session: Session, chosen: Iterable[str]) -> frozenset[str]:
    """Plays whose recommendations must stay as they are: what was approved is what is launched.

    Those with an approved plan or a campaign whose launch is not complete, and plays not chosen that have an open plan.

    Args:
        session: the workspace.
        chosen: plays that are recommended for now.
    """
    wanted = set(chosen)
    plans = {str(plan.plan_id): plan for plan in session.ledger.plans.recent(limit=MOST)}
    approved = {plan.content.playbook for plan in plans.values() if plan.status == "approved"}
    launching = {
        plans[one.plan_id].content.playbook
        for one in session.ledger.campaigns.recent(MOST)
        if one.status == "scheduled"
    }
    elsewhere = {plan.content.playbook for plan in plans.values() if plan.status in OPEN_STATUSES}
    return frozenset(approved | launching | (elsewhere - wanted))


def propose(
    session: Session, view: LakeView, rows: pa.Table, name: str, *, threads: int = 2
) -> PlanContent | None:
    """The plan of a play as it would be made now; None when no account is selected.

    Args:
        session: the workspace.
        view: tables as published.
        rows: table `recommendation`.
        name: of the play.
        threads: for kernels.
    """
    play = load_playbook(name, session.workspace.root)
    selected = selected_rows(rows, name)
    if not selected.num_rows:
        return None
    former = former_round(session, view, name)
    return compose_plan(
        PlanInputs(
            play,
            rows,
            view.arrow("account", columns=("account_id",)).num_rows,
            _spread(session, view, play, selected, threads),
            learn(play, former),
            {table: view.snapshots[table] for table in READS if table in view.snapshots},
            None if former is None else former.plan_id,
        )
    )


def _spread(
    session: Session, view: LakeView, play: Playbook, selected: pa.Table, threads: int
) -> Spread | NotComputable:
    from gridloop.domain.finding import NotComputable

    last = last_reading_day(view, _today(session, session.clock.now()))
    if last is None:
        return NotComputable("no_readings", "There are no readings that tell a spread.")
    accounts = selected["account_id"].to_pylist()
    return measure_spread(view, play, accounts, last, threads=threads)


def plan_play(
    session: Session, view: LakeView, rows: pa.Table, name: str, actor: str, *, threads: int = 2
) -> Planned:
    """Make, change or leave alone the plan of a play, so that doing it twice, or being killed within, makes one plan.

    Args:
        session: the workspace, whose lock is held.
        view: tables as published.
        rows: table `recommendation`.
        name: of the play.
        actor: author of what is made.
        threads: for kernels.
    """
    waits = _waits_for(session, name)
    if waits is not None:
        return waits
    content = propose(session, view, rows, name, threads=threads)
    if content is None:
        return Planned(
            name, Action.NOBODY, f"Play {name}: no account is left to address, so no plan is made."
        )
    return record_plan(session, content, actor)


def _waits_for(session: Session, name: str) -> Planned | None:
    """Why no plan of a play is made now, if there is a reason."""
    for plan, campaign in campaigns_of(session, name):
        if campaign.status in RUNNING_STATUSES:
            text = f"Play {name}: campaign {campaign.campaign_id} is {campaign.status}; the next plan learns from it."
            return Planned(name, Action.WAITS, text, plan)
    for plan in plans_of(session, name):
        if plan.status == "approved":
            return Planned(name, Action.WAITS, f"Play {name}: plan {plan.plan_id} is approved.", plan)
    return None


def record_plan(session: Session, content: PlanContent, actor: str) -> Planned:
    """Write a plan into the ledger and submit it, unless what it says is there already.

    Args:
        session: the workspace, whose lock is held.
        content: the plan.
        actor: its author.
    """
    name, plans = content.playbook, session.ledger.plans
    earlier = plans_of(session, name)
    said = content_digest(content)
    open_one = next((plan for plan in earlier if plan.status in ("draft", "submitted", "rejected")), None)
    same = next((plan for plan in earlier if content_digest(plan.content) == said), None)
    if open_one is None:
        if same is not None:
            text = f"Play {name}: plan {same.plan_id}, which is {same.status}, says the same."
            return Planned(name, Action.UNCHANGED, text, same)
        made = plans.draft(content, actor)
        return _submitted(plans.submit(made.plan_id, actor), "awaits approval")
    refused = _must_leave(session, open_one, content, actor)
    if refused is not None:
        return Planned(name, Action.WAITS, f"Play {name}: {refused}", open_one)
    if same is open_one:
        if open_one.status == "draft":
            return _submitted(plans.submit(open_one.plan_id, actor), "awaits approval")
        return Planned(name, Action.UNCHANGED, f"Play {name}: plan {same.plan_id} awaits approval.", same)
    plans.revise(open_one.plan_id, content, actor)
    return _submitted(plans.submit(open_one.plan_id, actor), "was brought up to date and awaits approval")


def _submitted(plan: Plan, said: str) -> Planned:
    name = plan.content.playbook
    return Planned(name, Action.SUBMITTED, f"Play {name}: plan {plan.plan_id} {said}.", plan)


def _must_leave(session: Session, plan: Plan, content: PlanContent, actor: str) -> str | None:
    """Why an open plan is left as it is: it is somebody else's, or a person took it back or rejected it."""
    if not same_person(plan.created_by, actor):
        return f"plan {plan.plan_id} of {plan.created_by} is {plan.status}; only its author may change it."
    if plan.status == "rejected" and content.settings["play"] == plan.content.settings["play"]:
        return f"plan {plan.plan_id} was rejected; change the play, or cancel the plan."
    if plan.status == "draft" and taken_back(session, plan):
        return f"plan {plan.plan_id} was taken back by a person; submit or cancel it."
    return None


def taken_back(session: Session, plan: Plan) -> bool:
    """Whether a draft is one because a person recalled it or withdrew its approval, not because it is unfinished."""
    (last,) = session.ledger.audit.entries(1, f"plan:{plan.plan_id}")
    return last.action == "approval.withdrawn" or (last.action == "plan.draft" and "from" in last.details)
