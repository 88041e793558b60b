"""Commands that keep what must not leak or be lost: `vault`, `audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gridloop.apps.cli.options import (
    HERE,
    CsvOption,
    DryRunOption,
    JsonOption,
    NoColorOption,
    WorkspaceOption,
    style_of,
)
from gridloop.apps.cli.output import say, show_findings, show_rows

vault = typer.Typer(
    help="Personal data: its key, its rotation, erasing a person.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
audit = typer.Typer(
    help="Who did what, in a chain that shows tampering.", no_args_is_help=True, rich_markup_mode=None
)
PASSPHRASE = "GRIDLOOP_KEY_PASSPHRASE"


@vault.command("status")
def status(
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Say where the key lies and how much personal data the vault holds."""
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        people = session.vault.count_people()
        row = {"key": str(session.vault.keys.path), "key_id": session.vault.key_id, "people": people}
    show_rows([row], style_of(as_json=as_json, as_csv=as_csv, no_color=no_color))


@vault.command("rotate")
def rotate_key(
    workspace: WorkspaceOption = HERE,
    data: Annotated[bool, typer.Option("--data", help="Also encrypt every record anew.")] = False,
    no_color: NoColorOption = False,
) -> None:
    """Make a new key and wrap everything with it; the old key is useless afterwards."""
    from gridloop.apps.wiring import opened
    from gridloop.security.rotation import rotate

    with opened(workspace) as session, session.workspace.lock(command="vault rotate"):
        done = rotate(session.vault, data=data)
        session.ledger.audit.record("operator", "vault.rotated", session.workspace.config.id, {"data": data})
    style = style_of(no_color=no_color)
    say(f"The key is {done.new_key_id} now; {done.data_keys} data keys are wrapped with it.", style)
    say(f"Copies of the old key {done.old_key_id} open nothing any more.", style)
    say(f"Back the new one up: gridloop vault export-key FILE -w {workspace}", style)


@vault.command("export-key")
def export_vault_key(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; keep it apart from the workspace.")],
    workspace: WorkspaceOption = HERE,
    passphrase: Annotated[
        str,
        typer.Option(
            envvar=PASSPHRASE,
            prompt=True,
            confirmation_prompt=True,
            hide_input=True,
            help="Passphrase that locks the copy.",
        ),
    ] = "",
    no_color: NoColorOption = False,
) -> None:
    """Write a copy of the key, locked with a passphrase."""
    from gridloop.apps.wiring import opened
    from gridloop.security.backup import export_key

    with opened(workspace) as session:
        path = export_key(session.vault.keys, passphrase, file)
        session.ledger.audit.record("operator", "vault.key_exported", session.workspace.config.id, {})
    say(f"The key's copy is in {path}.", style_of(no_color=no_color))


@vault.command("import-key")
def import_vault_key(
    file: Annotated[Path, typer.Argument(help="The copy that `export-key` wrote.")],
    workspace: WorkspaceOption = HERE,
    passphrase: Annotated[
        str,
        typer.Option(
            envvar=PASSPHRASE, prompt=True, hide_input=True, help="Passphrase that the copy was locked with."
        ),
    ] = "",
    no_color: NoColorOption = False,
) -> None:
    """Put a lost key back from its copy."""
    from gridloop.apps.keys import restore_key

    path = restore_key(workspace, file, passphrase)
    say(f"The key is back in {path}.", style_of(no_color=no_color))


@vault.command("erase")
def erase_person(
    customer: Annotated[str, typer.Argument(help="Customer: pseudonym, or the number in the source system.")],
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
    requester: Annotated[str, typer.Option(help="Reference of the request, such as a letter's number.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Erase a person everywhere: vault, lake and its history, landing files, ledger; a signed tombstone stays."""
    from gridloop.apps.erasing import carry_out, preview, require_reference
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, no_color=no_color)
    if not dry_run:
        require_reference(requester)
    with opened(workspace) as session, session.workspace.lock(command="vault erase"):
        planned = preview(session, customer)
        if dry_run or style.form == "text":
            show_rows(planned, style, title="Would be erased")
        if dry_run:
            return
        if not yes:
            typer.confirm("Erase for good?", abort=True)
        show_rows(carry_out(session, customer, requester), style, title="Erased")


@audit.command("verify")
def verify(
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Check that no entry of the audit chain was changed or taken out."""
    from gridloop.apps.wiring import opened

    style = style_of(as_json=as_json, as_csv=as_csv, no_color=no_color)
    with opened(workspace) as session:
        findings = session.ledger.audit.verify()
    show_findings(findings, style)
    if findings:
        raise typer.Exit(1)
    say("The chain is unbroken.", style)


@audit.command("list")
def list_entries(
    workspace: WorkspaceOption = HERE,
    most: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_color: NoColorOption = False,
) -> None:
    """List the newest entries."""
    from gridloop.apps.wiring import opened

    with opened(workspace) as session:
        entries = session.ledger.audit.entries(most)
    rows = [
        {"at": e.at, "actor": e.actor, "action": e.action, "subject": e.subject, "details": e.details}
        for e in entries
    ]
    show_rows(
        rows, style_of(as_json=as_json, as_csv=as_csv, no_color=no_color), empty="Nothing was recorded yet."
    )
