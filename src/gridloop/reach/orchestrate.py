"""From an approved plan to a running campaign: drawn, assigned, planned, started; again after a kill at any point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gridloop.domain.errors import LedgerConflict, UsageError
from gridloop.ledger.campaigns import Assignment, Campaign, CampaignTerms
from gridloop.ledger.enrolments import Product
from gridloop.ledger.messages import PlannedSend
from gridloop.ledger.plans import Plan
from gridloop.reach.content.template import load_template
from gridloop.reach.context import ReachContext
from gridloop.reach.delivery import addresses
from gridloop.reach.gate import Asked, Gate, Ruling, Standing
from gridloop.reach.offers import TABLE, list_of, snapshot_of
from gridloop.reach.rules import ContactRules, rules_of, units_of
from gridloop.strategy.plan import draw
from gridloop.strategy.playbook.model import Playbook
from gridloop.strategy.recommend import list_digest, selected_rows
from gridloop.strategy.tariff.store import load_tariff

if TYPE_CHECKING:
    from gridloop.engine.view import LakeView
    from gridloop.ledger.store import Ledger

UNIT = "account"


@dataclass(frozen=True, slots=True)
class GateCount:
    """Customers of whom the gate said one thing about one channel.

    Attributes:
        channel: asked about, in the order of the plan until one may be used.
        standing: cleared, held or stopped.
        reason: of the ruling; None when cleared.
        customers: how many.
    """

    channel: str
    standing: str
    reason: str | None
    customers: int


@dataclass(frozen=True)
class Launch:
    """What a launch did, or would do.

    Attributes:
        campaign_id: None of a dry run.
        arms: arm → accounts.
        planned: channel → messages.
        unreachable: customers of the offer's arm whom no channel may reach; they count as assigned all the same.
        gate: what the gate said, by channel; empty when a launch that was cut off had planned its messages already.
    """

    campaign_id: str | None
    arms: Mapping[str, int]
    planned: Mapping[str, int]
    unreachable: int
    gate: tuple[GateCount, ...] = ()


def launch(context: ReachContext, plan_id: str, actor: str, *, dry_run: bool = False) -> Launch:
    """Carry an approved plan out: draw, assign, plan a message to each customer of the offer, start.

    A launch that was cut off is completed by doing it again: the draw is the same, messages are planned all or none,
    and the campaign runs only when everything is there.

    Args:
        context: see `ReachContext`.
        plan_id: approved, or launched before and cut off.
        actor: who launches.
        dry_run: say what would be done; nothing is written.

    Raises:
        LedgerConflict: the plan is not approved, or its list is no longer the one that was approved.
        UsageError: there is no such plan, or its template, tariff or unit is not known.
    """
    plan = context.ledger.plans.plan(plan_id)
    campaign = context.ledger.campaigns.of_plan(plan_id)
    if campaign is not None and campaign.status != "scheduled":
        raise LedgerConflict(
            f"The plan {plan_id} was launched already.",
            evidence={"campaign": campaign.campaign_id, "status": campaign.status},
            ways_out=(f"See how it goes: gridloop campaign outbox {campaign.campaign_id}",),
        )
    if campaign is None and plan.status != "approved" and not dry_run:
        raise _not_approved(plan)
    play = Playbook.model_validate(plan.content.settings["play"])
    load_template(play.contact.template, context.root)
    if dry_run:
        return _preview(context, plan, play)
    if campaign is None:
        approved_list(plan, context.view)
        campaign = context.ledger.campaigns.launch(plan_id, _terms(plan, play, context), actor)
    return _carry_out(context, campaign, plan, actor)


def _preview(context: ReachContext, plan: Plan, play: Playbook) -> Launch:
    assignments = _draw(plan, approved_list(plan, context.view))
    rules = ContactRules(play, units_of(UNIT, assignments, context.view), context.zone)
    chosen, gate, unreachable = _choose(context, rules, _order(plan, play))
    planned = Counter(channel for channel, _ in chosen.values())
    return Launch(None, _arms(assignments), dict(sorted(planned.items())), unreachable, gate)


def _carry_out(context: ReachContext, campaign: Campaign, plan: Plan, actor: str) -> Launch:
    """Assign, plan the messages and start a campaign that is scheduled; every step may have been done before."""
    ledger, campaign_id = context.ledger, campaign.campaign_id
    assignments = ledger.assignments.of(campaign_id)
    if not assignments:
        assignments = _draw(plan, approved_list(plan, context.view, snapshot_of(campaign)))
        ledger.assignments.record(campaign_id, assignments)
    rules = rules_of(campaign, assignments, context.view, context.zone)
    chosen, gate, unreachable = _choose(context, rules, _order(plan, rules.play))
    if ledger.sends.counts(campaign_id):
        # Planned before the kill, all or none: planned again, a consent given since might choose another channel.
        gate = ()
    else:
        messages = [_planned(campaign_id, customer, *how, rules.play) for customer, how in chosen.items()]
        ledger.sends.plan(campaign_id, messages)
    ledger.campaigns.start(campaign_id, actor)
    planned: Counter[str] = Counter()
    for (channel, _, _), count in ledger.sends.counts(campaign_id).items():
        planned[channel] += count
    return Launch(campaign_id, _arms(assignments), dict(planned), unreachable, gate)


def approved_list(plan: Plan, view: LakeView, snapshot: int | None = None) -> pa.Table:
    """The selected rows of a plan's list, best first.

    Args:
        plan: whose audience holds the digest of the list.
        view: table recommendation.
        snapshot: of that table, when it is not the published one.

    Raises:
        LedgerConflict: the list was made anew since, and differs.
    """
    wanted, found = plan.content.audience["list_digest"], None
    if view.exists(TABLE):
        rows = list_of(view, snapshot)
        found = list_digest(rows, plan.content.playbook)
        if found == wanted:
            return selected_rows(rows, plan.content.playbook)
    raise LedgerConflict(
        f"The list of the plan {plan.plan_id} has changed since it was made: who would be reached is not what was "
        "approved.",
        evidence={"list_approved": wanted, "list_now": found or "none"},
        ways_out=(
            "Let the plan be made anew, then have that one approved: gridloop run",
            "See which plans there are: gridloop campaign list",
        ),
    )


def _draw(plan: Plan, selected: pa.Table) -> list[Assignment]:
    settings: Mapping[str, Any] = plan.content.settings
    drawn = draw(selected, settings["arms"], settings["seed"])
    return [
        Assignment(row["unit_id"], row["arm"], row["seed"], row["stratum"], row["probability"])
        for row in drawn.to_pylist()
    ]


def _order(plan: Plan, play: Playbook) -> Sequence[str]:
    """Channels in the order in which they are tried: what earlier campaigns taught, else the play's."""
    given = plan.content.settings.get("channel_order")
    return [str(name) for name in given] if isinstance(given, list) and given else play.contact.channels


def _terms(plan: Plan, play: Playbook, context: ReachContext) -> CampaignTerms:
    tariff = load_tariff(play.offer.tariff, context.root)
    product = context.ledger.products.upsert(
        Product(
            product_id=f"tariff.{tariff.name}",
            name=f"{tariff.title.en} · {tariff.title.zh}",
            product_kind="tariff",
            valid_from=context.clock.now().date(),
            terms={"tariff": tariff.name, "version": tariff.version},
            tariff_id=tariff.name,
            unit_cost=play.value.enrolment_cost,
        )
    )
    settings = {
        **plan.content.settings,
        "list_digest": plan.content.audience["list_digest"],
        "product_id": product.product_id,
        "snapshots": {TABLE: context.view.snapshots[TABLE]},
    }
    name = plan.content.title or play.name
    return CampaignTerms(name, UNIT, settings, context.clock.now(), product_id=product.product_id)


def _choose(
    context: ReachContext, rules: ContactRules, order: Sequence[str]
) -> tuple[dict[str, tuple[str, Ruling]], tuple[GateCount, ...], int]:
    """For each customer of the offer the first channel that the gate does not stop.

    Returns:
        customer → channel and ruling; what the gate said; how many customers no channel may reach.
    """
    gate = Gate(context)
    waiting = sorted(customer for customer in rules.units if rules.treated_units(customer))
    known = addresses(context.vault, waiting)
    chosen: dict[str, tuple[str, Ruling]] = {}
    counts: list[GateCount] = []
    for channel in order:
        asked = [Asked(customer, channel, channel in known.get(customer, {})) for customer in waiting]
        rulings = gate.look(rules, asked)
        seen = Counter((ruling.standing.value, ruling.reason) for ruling in rulings)
        counts += [GateCount(channel, *said, number) for said, number in sorted(seen.items(), key=str)]
        for one, ruling in zip(asked, rulings, strict=True):
            if ruling.standing is not Standing.STOPPED:
                chosen[one.customer_id] = (channel, ruling)
        waiting = [customer for customer in waiting if customer not in chosen]
    return chosen, tuple(counts), len(waiting)


def _planned(campaign_id: str, customer_id: str, channel: str, ruling: Ruling, play: Playbook) -> PlannedSend:
    return PlannedSend(
        customer_id,
        channel,
        f"{campaign_id}|{customer_id}|{channel}|1",
        template=play.contact.template,
        not_before=ruling.until,
        cost=play.value.contact_cost[channel],
    )


def _arms(assignments: Iterable[Assignment]) -> dict[str, int]:
    return dict(sorted(Counter(one.arm for one in assignments).items()))


def _not_approved(plan: Plan) -> LedgerConflict:
    ways = {
        "draft": (f"Submit it: gridloop campaign submit {plan.plan_id}",),
        "submitted": (f"Have another person approve it: gridloop approve {plan.plan_id}",),
    }
    return LedgerConflict(
        f"The plan {plan.plan_id} is {plan.status}, and only an approved plan is launched.",
        evidence={"status": plan.status},
        ways_out=(
            *ways.get(plan.status, ("Let a new plan be made: gridloop run",)),
            "See what it would do: `--dry-run`.",
        ),
    )


def stop_campaign(ledger: Ledger, campaign_id: str, actor: str, reason: str) -> int:
    """End a campaign at once and for good, and give up what waits; answers how many messages that were.

    A delivery that is at work hands nothing more over: it asks before every message.

    Raises:
        LedgerConflict: it has ended.
        UsageError: there is none.
    """
    if not reason.strip():
        raise UsageError("A stop needs a reason.", ways_out=("Say why: `--reason`.",))
    ledger.campaigns.stop(campaign_id, actor, reason)
    return ledger.sends.cancel_planned(campaign_id, "campaign_ended")
