"""Verbs of a campaign that touch people: launch, send, pause, resume, stop, outbox, decide, retry, receipts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

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
from gridloop.apps.cli.output import ProgressLine, plain, print_out, say, show_findings, show_rows
from gridloop.domain.errors import NothingToDo, ServiceMissing, UsageError

CampaignArgument = Annotated[str, typer.Argument(help="Campaign, as `gridloop campaign list` names it.")]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the noun `campaign`."""
    app.command("launch")(launch_plan)
    app.command("send")(send)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("stop")(stop)
    app.command("outbox")(outbox)
    app.command("decide")(decide)
    app.command("retry")(retry)
    app.command("receipts")(receipts)


def launch_plan(
    plan: Annotated[str, typer.Argument(help="Approved plan, as `gridloop campaign list` names it.")],
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    dry_run: DryRunOption = False,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Draw who is held out, plan a message to each of the others, and start the campaign; sends nothing yet."""
    from gridloop.apps.actor import acting_user
    from gridloop.apps.jobs.reaching import reach_context
    from gridloop.apps.wiring import opened
    from gridloop.reach.orchestrate import launch

    style = style_of(as_json=as_json, as_csv=as_csv, quiet=quiet, no_color=no_color)
    with (
        opened(workspace) as session,
        session.workspace.lock(command="launch", wait_seconds=wait),
        reach_context(session) as context,
    ):
        done = launch(context, plan, acting_user(actor), dry_run=dry_run)
    if style.form == "json":
        print_out(_json(done))
        return
    rows = [{"what": f"accounts in the arm {arm}", "number": count} for arm, count in done.arms.items()]
    rows += [{"what": f"messages by {name}", "number": count} for name, count in done.planned.items()]
    rows.append({"what": "customers whom no channel may reach", "number": done.unreachable})
    show_rows(rows, style)
    gate: list[dict[str, Any]] = [plain(one) for one in done.gate]
    if style.form == "text" and gate:
        show_rows(gate, style, title="\nWhat the gate says")
    if done.campaign_id is None:
        say(f"Nothing was changed. Next: gridloop campaign launch {plan} -w {workspace}", style)
    else:
        say(f"The campaign {done.campaign_id} runs; nothing was sent yet.", style)
        say(f"Next: gridloop campaign send {done.campaign_id} -w {workspace}", style)


def send(
    campaign: CampaignArgument,
    workspace: WorkspaceOption = HERE,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    quiet: QuietOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Send what is due of a campaign; may be stopped at any moment and started again."""
    from gridloop.apps.jobs.reaching import deliver_due, reach_context
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, quiet=quiet, no_color=no_color)
    with opened(workspace) as session:
        status = session.ledger.campaigns.status(campaign)
        if status != "running":
            raise UsageError(
                f"The campaign {campaign} is {status}: nothing is sent.", ways_out=_ways(campaign, status)
            )
        with session.workspace.lock(command="send", wait_seconds=wait), reach_context(session) as context:
            reports, away = deliver_due(session, context, campaign_id=campaign, progress=ProgressLine(style))
        later = session.ledger.sends.next_due(campaign)
        undecided = len(session.ledger.sends.undecided(campaign))
    if not any(report.outcomes for report in reports) and not away:
        raise NothingToDo(
            f"Nothing of the campaign {campaign} is due.",
            evidence={"next_due": later.isoformat() if later else "nothing waits", "undecided": undecided},
            ways_out=(f"See where its messages are: gridloop campaign outbox {campaign} -w {workspace}",),
        )
    rows = [
        {"channel": report.channel, "became": outcome, "messages": count}
        for report in reports
        for outcome, count in report.outcomes.items()
    ]
    show_rows(rows, style)
    if style.form == "text":
        show_findings([finding for report in reports for finding in report.findings], style)
    if away:
        raise away[0]
    if undecided:
        say(f"{undecided:,} messages are undecided: whether they went out is not known.", style)
    say(f"Next: gridloop campaign outbox {campaign} -w {workspace}", style)


def pause(
    campaign: CampaignArgument,
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    no_color: NoColorOption = False,
) -> None:
    """Hold a campaign's messages back until it is resumed; a delivery that is at work stops before its next message."""
    from gridloop.apps.actor import acting_user
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        session.ledger.campaigns.pause(campaign, acting_user(actor))
    say(f"Paused. Next: gridloop campaign resume {campaign} -w {workspace}", style_of(no_color=no_color))


def resume(
    campaign: CampaignArgument,
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    no_color: NoColorOption = False,
) -> None:
    """Let a paused campaign go on."""
    from gridloop.apps.actor import acting_user
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        session.ledger.campaigns.start(campaign, acting_user(actor))
    say(f"Running. Next: gridloop campaign send {campaign} -w {workspace}", style_of(no_color=no_color))


def stop(
    campaign: CampaignArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    no_color: NoColorOption = False,
) -> None:
    """Emergency stop: end a campaign at once and for good; a delivery at work sends nothing more."""
    from gridloop.apps.actor import acting_user
    from gridloop.apps.wiring import opened
    from gridloop.reach.orchestrate import stop_campaign

    with opened(workspace) as session:
        given_up = stop_campaign(session.ledger, campaign, acting_user(actor), reason)
    say(f"Stopped; {given_up:,} messages that waited are given up.", style_of(no_color=no_color))
    say(f"Next: gridloop campaign outbox {campaign} -w {workspace}", style_of(no_color=no_color))


def outbox(
    campaign: CampaignArgument,
    workspace: WorkspaceOption = HERE,
    most: Annotated[int, typer.Option(min=1, help="How many undecided messages are listed.")] = 50,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Show where a campaign's messages are, and list those of which nobody knows whether they went out."""
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        status = session.ledger.campaigns.status(campaign)
        counts = session.ledger.sends.counts(campaign)
        undecided = session.ledger.sends.undecided(campaign)
        later = session.ledger.sends.next_due(campaign)
    rows = [
        {"channel": channel, "status": state, "reason": reason, "messages": count}
        for (channel, state, reason), count in counts.items()
    ]
    listed = [
        {"send": one.send_id, "channel": one.channel, "handed_over": one.sending_at, "why": one.last_error}
        for one in undecided[:most]
    ]
    if style.form == "json":
        print_out(_json({"campaign": campaign, "status": status, "messages": rows, "undecided": listed}))
        return
    show_rows(rows, style, empty="It has no messages.")
    if style.form == "csv":
        return
    if listed:
        show_rows(
            listed, style, title=f"\nUndecided: {len(undecided):,}. Each waits for a receipt or a decision"
        )
        say(f"Next: gridloop campaign decide {listed[0]['send']} sent -w {workspace}", style)
    if later is not None:
        say(f"The first held message may go at {later.isoformat()}.", style)
    for way in _ways(campaign, status):
        say(way, style)


def decide(
    send_id: Annotated[str, typer.Argument(metavar="SEND", help="Undecided message, as `outbox` lists it.")],
    outcome: Annotated[str, typer.Argument(help="`sent`, or `failed` when it surely did not go out.")],
    workspace: WorkspaceOption = HERE,
    actor: ActorOption = None,
    no_color: NoColorOption = False,
) -> None:
    """Say what became of an undecided message, after looking; a failed one may be retried."""
    from gridloop.apps.actor import acting_user
    from gridloop.apps.wiring import opened

    if outcome not in ("sent", "failed"):
        raise UsageError(
            f"A message was sent or has failed; {outcome!r} is neither.", ways_out=("Say sent or failed.",)
        )
    with opened(workspace) as session:
        session.ledger.sends.decide(send_id, outcome, acting_user(actor))
        campaign = session.ledger.sends.send(send_id).campaign_id
    again = "retry" if outcome == "failed" else "outbox"
    say(f"Decided. Next: gridloop campaign {again} {campaign} -w {workspace}", style_of(no_color=no_color))


def retry(
    campaign: CampaignArgument, workspace: WorkspaceOption = HERE, no_color: NoColorOption = False
) -> None:
    """Plan the failed messages of a campaign again, under the same message ids."""
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        count = session.ledger.sends.retry_failed(campaign)
    if not count:
        raise NothingToDo(f"No message of the campaign {campaign} has failed.")
    say(
        f"{count:,} messages wait again. Next: gridloop campaign send {campaign} -w {workspace}",
        style_of(no_color=no_color),
    )


def receipts(
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            help="JSON lines, a mail (.eml), or a folder of them; what the channels tell when not given.",
        ),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Take in what came back: deliveries, bounces, answers, unsubscriptions."""
    from gridloop.apps.jobs.reaching import channels_away, reach_context, take_in_channels
    from gridloop.apps.wiring import opened
    from gridloop.reach.receipts import read_receipts, take_in

    style = style_of(as_json=as_json, no_color=no_color)
    with opened(workspace) as session, reach_context(session) as context:
        away: list[ServiceMissing] = []
        if file is None:
            reports, away = take_in_channels(session, context)
        else:
            reports = [take_in(context, read_receipts(file, context), "file")]
    if away and not reports:
        raise away[0]
    if style.form == "json":
        print_out(_json(reports))
        return
    names = ("told", "new", "unmatched", "sent", "bounced", "unsubscribed", "enrolled")
    show_rows(
        [{name: getattr(report, name) for name in names} for report in reports],
        style,
        empty="No channel has anything to tell. Receipts of files and mails: --file",
    )
    found = [finding for report in reports for finding in report.findings]
    show_findings([*found, *channels_away(away)], style)
    say(f"Next: gridloop campaign list -w {workspace}", style)


def _ways(campaign: str, status: str) -> tuple[str, ...]:
    """What can be done with a campaign in that status."""
    return {
        "running": (f"Next: gridloop campaign send {campaign}",),
        "paused": (f"Let it go on: gridloop campaign resume {campaign}",),
        "scheduled": ("Its launch was cut off; launch its plan again: gridloop campaign list",),
    }.get(status, ("It has ended; what comes next is a new plan: gridloop run",))


def _json(value: Any) -> str:
    import json

    return json.dumps(plain(value), ensure_ascii=False, indent=1)
