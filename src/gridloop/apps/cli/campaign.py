"""The noun `campaign`: modules of the stages add their verbs to it."""

from __future__ import annotations

from typing import Annotated

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    JsonOption,
    NoColorOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import show_rows

app = typer.Typer(
    help="Campaigns: plan, approve, launch, send, judge.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_campaigns(
    workspace: WorkspaceOption = HERE,
    most: Annotated[int, typer.Option(min=1, help="How many of either, newest first.")] = 20,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List plans and campaigns, newest first, with where each of them stands."""
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        campaigns = {one.plan_id: one for one in session.ledger.campaigns.recent(most)}
        plans = session.ledger.plans.recent(limit=most)
    rows = []
    for plan in plans:
        launched = campaigns.get(plan.plan_id)
        rows.append(
            {
                "plan": plan.plan_id,
                "play": plan.content.playbook,
                "plan_status": plan.status,
                "made": plan.created_at,
                "by": plan.created_by,
                "campaign": launched.campaign_id if launched else None,
                "campaign_status": launched.status if launched else None,
            }
        )
    show_rows(rows, style, empty="There is no plan yet.")
