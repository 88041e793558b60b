"""Commands about plays and plans: `play`, `campaign plan|show|diff|submit|recall|cancel|audience`, `approve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridloop.apps.actor import acting_user
from gridloop.apps.cli.campaign import app as campaign
from gridloop.apps.cli.options import (
    HERE,
    ActorOption,
    CsvOption,
    DryRunOption,
    JsonOption,
    NoColorOption,
    QuietOption,
    WaitOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import ProgressLine, Style, plain, print_out, say, show_rows

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.ledger.plans import Plan

play = typer.Typer(
    help="Plays: what is offered to whom, how, and how success is judged.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PlanArgument = Annotated[str, typer.Argument(help="The plan's id.", show_default=False)]
PlayArgument = Annotated[str, typer.Argument(help="The play's name.", show_default=False)]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    app.command("approve")(approve)


@play.command("list")
def list_plays(
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the plays there are, and which of them `gridloop run` plans."""
    from gridloop.apps.wiring import opened
    from gridloop.strategy.playbook.store import list_playbooks, playbook_paths

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        root, chosen = session.workspace.root, session.workspace.config.playbooks
    own = root / "playbooks"
    rows = [
        {
            "play": one.name,
            "used": one.name in chosen,
            "title": one.title.en,
            "offer": one.offer.tariff,
            "instead_of": one.offer.base,
            "held_out": f"{one.holdout.share:.0%}",
            "from": "workspace" if playbook_paths(root)[one.name].parent == own else "shipped",
        }
        for one in list_playbooks(root)
    ]
    show_rows(rows, style)
    if not chosen:
        say(f"\nNone is used yet. Next: gridloop play use NAME -w {workspace}", style)


@play.command("show")
def show_play(
    name: PlayArgument,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show a play: for whom, who is left out, what is offered, how it is judged."""
    from gridloop.apps.wiring import opened
    from gridloop.strategy.playbook.store import load_playbook

    style = style_of(as_json=as_json, no_color=no_color)
    with opened(workspace) as session:
        found = load_playbook(name, session.workspace.root)
        currency = session.workspace.config.currency
    if style.form == "json":
        print_out(json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=1))
        return
    say(f"{found.title.en} · {found.title.zh} ({found.name}, version {found.version})", style)
    say(f"{found.description.en}\n\nFor: {found.audience}", style)
    left_out = [
        {"left_out": one.label.en, "code": one.name, "by": one.rule or one.check, "days": one.days}
        for one in found.exclusions
    ]
    show_rows(left_out, style, title="\nWho is left out, first reason first")
    success = found.success
    hours = ", ".join(f"{h.start}–{h.end}" for h in success.primary.hours) or "the whole day"
    least = f"{found.offer.minimum_saving} {currency} a year"
    lines = (
        f"\nOffer: {found.offer.tariff} instead of {found.offer.base}, to whoever saves {least} or more.",
        f"Held out: {found.holdout.share:.0%}, drawn within {' × '.join(found.holdout.strata) or 'all'}.",
        f"Channels: {', '.join(found.contact.channels)}; at most {found.contact.cap.messages} messages in "
        f"{found.contact.cap.days} days, nothing from {found.contact.quiet_hours.start} to "
        f"{found.contact.quiet_hours.end}.",
        f"Judged by: {success.primary.label.en} ({hours}), {success.primary.aim}, over {success.window_days} days "
        f"after {success.settle_days}; adjusted by the {success.baseline_days} days before.",
        f"Assumed: {success.assumed_effect_percent:+.1f} %. {success.assumed_source}",
    )
    say("\n".join(lines), style)


@play.command("use")
def use_play(
    name: PlayArgument,
    workspace: WorkspaceOption = HERE,
    wait: WaitOption = 0,
    no_color: NoColorOption = False,
) -> None:
    """Let `gridloop run` plan a play."""
    from gridloop.apps.wiring import opened
    from gridloop.domain.errors import NothingToDo
    from gridloop.strategy.playbook.store import load_playbook

    with opened(workspace) as session, session.workspace.lock(command="play use", wait_seconds=wait):
        load_playbook(name, session.workspace.root)
        chosen = session.workspace.config.playbooks
        if name in chosen:
            raise NothingToDo(f"Play {name!r} is used already.", ways_out=(f"gridloop run -w {workspace}",))
        session.workspace.with_settings(playbooks=(*chosen, name))
    say(f"Play {name} is used. Next: gridloop run -w {workspace}", style_of(no_color=no_color))


@play.command("drop")
def drop_play(
    name: PlayArgument,
    workspace: WorkspaceOption = HERE,
    wait: WaitOption = 0,
    no_color: NoColorOption = False,
) -> None:
    """Plan a play no longer; its plans and campaigns stay as they are."""
    from gridloop.apps.wiring import opened
    from gridloop.domain.errors import NothingToDo, UsageError, did_you_mean
    from gridloop.strategy.playbook.store import playbook_paths

    with opened(workspace) as session, session.workspace.lock(command="play drop", wait_seconds=wait):
        chosen = session.workspace.config.playbooks
        known = {*playbook_paths(session.workspace.root), *chosen}
        if name not in known:
            raise UsageError(f"There is no playbook {name!r}.", ways_out=did_you_mean(name, known))
        if name not in chosen:
            raise NothingToDo(f"Play {name!r} is not used.")
        session.workspace.with_settings(playbooks=tuple(one for one in chosen if one != name))
    say(f"Play {name} is planned no longer.", style_of(no_color=no_color))


@campaign.command("plan")
def plan_campaign(
    name: PlayArgument,
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    dry_run: DryRunOption = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads for number crunching.")] = 2,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Plan a play now, whether the workspace uses it or not, and hand the plan in for approval."""
    from gridloop.apps.planning_now import plan_now
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, quiet=quiet, no_color=no_color)
    with opened(workspace) as session:
        with session.workspace.lock(command="campaign plan", wait_seconds=wait):
            planned = plan_now(
                session,
                name,
                acting_user(actor),
                dry_run=dry_run,
                threads=threads,
                progress=ProgressLine(style),
            )
        say(planned.text, style)
        if planned.plan is not None:
            _tell(session, planned.plan, workspace, style, stands=not dry_run)
        elif style.form == "json":
            print_out(json.dumps({"play": name, "action": planned.action.value, "text": planned.text}))


@campaign.command("show")
def show_campaign_plan(
    plan_id: PlanArgument,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show a plan: who, who not and why, money, what could be found, what was learned, what comes next."""
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        plan = session.ledger.plans.plan(plan_id)
        _tell(session, plan, workspace, style_of(as_json=as_json, no_color=no_color))


def _tell(session: Session, plan: Plan, workspace: Path, style: Style, *, stands: bool = True) -> None:
    """Print a plan in the form that was asked for; `stands` when it is in the ledger."""
    from gridloop.apps.cli.plan_page import say_next, show_plan
    from gridloop.apps.plan_sentences import plan_document

    approvals = session.ledger.approvals.of("plan", plan.plan_id)
    launched = [one for one in session.ledger.campaigns.recent(1000) if one.plan_id == plan.plan_id]
    if style.form == "json":
        made = plan_document(plan, approvals, launched[0].campaign_id if launched else None)
        print_out(json.dumps(plain(made), ensure_ascii=False, indent=1))
        return
    show_plan(plan, approvals, session.workspace.config.currency, style)
    if launched:
        say(f"\nCampaign {launched[0].campaign_id} is {launched[0].status}.", style)
    if stands:
        say_next(plan, workspace, style)


@campaign.command("diff")
def diff_plans(
    plan_id: PlanArgument,
    other: Annotated[
        str | None,
        typer.Argument(help="The plan it is compared with; the one it learned from when not given."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List what a plan says differently from another one."""
    from gridloop.apps.wiring import opened
    from gridloop.domain.errors import UsageError
    from gridloop.strategy.plan_changes import plan_changes

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        plan = session.ledger.plans.plan(plan_id)
        compared = other or plan.content.previous_plan_id
        if compared is None:
            raise UsageError(
                f"Plan {plan_id} is the first of its play, so there is nothing to compare it with.",
                ways_out=(f"Name another: gridloop campaign diff {plan_id} OTHER -w {workspace}",),
            )
        before = session.ledger.plans.plan(compared)
    changes = plan_changes(before.content, plan.content)
    rows: list[dict[str, Any]] = [
        {"what": one.label, "before": one.before, "after": one.after}
        | ({"path": one.path} if style.form != "text" else {})
        for one in changes
    ]
    say(f"{plan_id} beside {compared}: {len(rows)} differences", style)
    show_rows(rows, style, empty="They say the same.")


@campaign.command("submit")
def submit_plan(
    plan_id: PlanArgument,
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    no_color: NoColorOption = False,
) -> None:
    """Hand a draft in for approval."""
    _move(workspace, plan_id, "submit", actor, style_of(no_color=no_color))


@campaign.command("recall")
def recall_plan(
    plan_id: PlanArgument,
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    no_color: NoColorOption = False,
) -> None:
    """Take a plan back to a draft before its launch; it has to be approved anew."""
    _move(workspace, plan_id, "recall", actor, style_of(no_color=no_color))


@campaign.command("cancel")
def cancel_plan(
    plan_id: PlanArgument,
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    no_color: NoColorOption = False,
) -> None:
    """Give a plan up before its launch; what it says is not planned again."""
    _move(workspace, plan_id, "cancel", actor, style_of(no_color=no_color))


def _move(workspace: Path, plan_id: str, verb: str, actor: str | None, style: Style) -> None:
    from gridloop.apps.cli.plan_page import say_next
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        plans = session.ledger.plans
        step = {"submit": plans.submit, "recall": plans.recall, "cancel": plans.cancel}[verb]
        plan = step(plan_id, acting_user(actor))
    say(f"Plan {plan_id} is {'a draft' if plan.status == 'draft' else plan.status}.", style)
    say_next(plan, workspace, style)


@campaign.command("audience")
def list_audience(
    plan_id: PlanArgument,
    workspace: WorkspaceOption = HERE,
    everyone: Annotated[
        bool, typer.Option("--all", help="Also those left out, with the reason; not after the launch.")
    ] = False,
    most: Annotated[int | None, typer.Option(min=1, help="How many, best first; all when not given.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the accounts of a plan, best first; after its launch with the arm that each was drawn into."""
    from gridloop.apps.planning import audience_rows
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        rows = audience_rows(session, session.ledger.plans.plan(plan_id), everyone=everyone)
    show_rows(rows[:most], style, empty="Nobody is on the list.")


def approve(
    plan_id: PlanArgument,
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    reject: Annotated[bool, typer.Option("--reject", help="Reject it; needs --reason.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, in words without personal data.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Approve a plan, or reject it: by another person than its author, for exactly what it says now."""
    from gridloop.apps.approving import require_other_person
    from gridloop.apps.wiring import opened
    from gridloop.domain.errors import UsageError

    style = style_of(as_json=as_json, no_color=no_color)
    if reject and not reason:
        raise UsageError("A rejection needs its reason.", ways_out=("--reason 'the holdout is too small'",))
    with opened(workspace) as session:
        plan = session.ledger.plans.plan(plan_id)
        by = acting_user(actor)
        require_other_person(plan, by)
        if style.form == "text" and not yes:
            _tell(session, plan, workspace, style, stands=False)
            typer.confirm(f"\n{'Reject' if reject else 'Approve'} this as {by}?", abort=True)
        approvals = session.ledger.approvals
        if reject:
            approvals.reject(plan_id, plan.digest, by, reason or "")
        else:
            approvals.approve(plan_id, plan.digest, by, reason)
        decided = session.ledger.plans.plan(plan_id)
        if style.form == "json":
            _tell(session, decided, workspace, style)
            return
        from gridloop.apps.cli.plan_page import say_next

        say(f"Plan {plan_id} is {decided.status}, decided by {by}.", style)
        say_next(decided, workspace, style)
