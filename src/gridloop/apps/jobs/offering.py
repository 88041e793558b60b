"""The job `strategy.offers`: what the offer of each play would have meant to every customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from gridloop.apps.jobs.definitions import follows
from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Stage

if TYPE_CHECKING:
    from gridloop.apps.wiring import Session
    from gridloop.strategy.playbook.model import Playbook
    from gridloop.strategy.repricing import Repricing
    from gridloop.strategy.tariff import Tariff


def _price_offers(context: JobContext, *, more: tuple[str, ...]) -> JobReport:
    """Price the offer of every play that the workspace runs, and of `more`; each pair of tariffs once."""
    from gridloop.strategy.repricing import offer_values, reprice
    from gridloop.strategy.tariff import load_tariff

    root = context.session.workspace.root
    pairs = list(
        dict.fromkeys((play.offer.base, play.offer.tariff) for play in _plays(context.session, more))
    )
    if not pairs and not context.view.exists("offer_value"):
        return JobReport({"offers": 0, "contracts": 0})
    priced: list[Repricing] = []
    findings: list[Finding] = []
    for base, offer in ((load_tariff(base, root), load_tariff(offer, root)) for base, offer in pairs):

        def told(channel: str, done: int, total: int, name: str = offer.name) -> None:
            context.progress(f"pricing {name}, {channel}", done, total)

        found = reprice(context.view, base, offer, threads=context.threads, progress=told)
        priced.append(found)
        findings += _offer_findings(found, base, offer)
    rows = offer_values(priced)
    context.writer.replace("offer_value", rows)
    computed = rows.num_rows - rows["saving"].null_count
    return JobReport({"offers": len(pairs), "contracts": rows.num_rows, "priced": computed}, tuple(findings))


def _offer_findings(priced: Repricing, base: Tariff, offer: Tariff) -> Iterator[Finding]:
    """Who would save and who would lose, and how many could not be priced for which reason; never who they are."""
    from gridloop.strategy.repricing import REASONS

    invented = " Its prices are invented, so this is no result." if offer.example else ""
    lost = None if priced.largest_loser is None else -priced.largest_loser[1]
    worst = "" if lost is None else f" The largest loss is {lost:.2f} {offer.currency} a year."
    yield Finding(
        "offer.priced",
        f"Offer {offer.name!r} in place of {base.name!r}, use unchanged: {priced.winners:,} would pay less, "
        f"{priced.losers:,} more, {priced.unchanged:,} the same.{worst}{invented}",
        {
            "winners": priced.winners,
            "losers": priced.losers,
            "unchanged": priced.unchanged,
            "undecided": priced.undecided,
            "largest_loss": None if lost is None else str(lost),
            "total_saving": str(priced.total_saving),
            "currency": offer.currency,
        },
        Severity.INFO,
        "offer_value",
        offer.name,
    )
    for reason, count in sorted(priced.reasons.items()):
        yield Finding(
            f"offer.{reason}",
            f"{count:,} contracts could not be priced under {offer.name!r}: {REASONS[reason].reason}",
            {"contracts": count},
            Severity.INFO,
            "offer_value",
            offer.name,
        )


def _names(session: Session, more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*session.workspace.config.playbooks, *more)))


def _plays(session: Session, more: tuple[str, ...]) -> list[Playbook]:
    """The plays that the workspace runs, and `more`."""
    from gridloop.strategy.playbook.store import load_playbook

    return [load_playbook(name, session.workspace.root) for name in _names(session, more)]


def _offers_follow(session: Session, *, more: tuple[str, ...]) -> Mapping[str, object]:
    """What the offers' values depend on besides tables: which plays are run, their files and those of tariffs."""
    return {"plays": _names(session, more), **follows("playbooks", "tariffs")(session)}


def offering_job(more: tuple[str, ...] = ()) -> Job:
    """The job.

    Args:
        more: plays besides those that the workspace has chosen.
    """
    return Job(
        "strategy.offers",
        Stage.STRATEGY,
        "Price every customer's past year under the offers of the plays",
        reads=("reading", "meter", "meter_history", "contract", "account", "calendar", "price_series"),
        writes=("offer_value",),
        run=partial(_price_offers, more=more),
        depends=partial(_offers_follow, more=more),
    )


JOBS: tuple[Job, ...] = (offering_job(),)
"""In the order of the loop."""
