"""The job `strategy.offers`: what the offer of each play would have meant to every customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def _price_offers(context: JobContext) -> JobReport:
    """Price the offer of every play that the workspace runs; each pair of tariffs once."""
    from gridloop.strategy.repricing import offer_values, reprice
    from gridloop.strategy.tariff import load_tariff

    root = context.session.workspace.root
    pairs = list(dict.fromkeys((play.offer.base, play.offer.tariff) for play in _plays(context.session)))
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


def _plays(session: Session) -> list[Playbook]:
    """The plays that the workspace runs."""
    from gridloop.strategy.playbook.store import load_playbook

    return [load_playbook(name, session.workspace.root) for name in session.workspace.config.playbooks]


def _offers_follow(session: Session) -> Mapping[str, object]:
    """What the offers' values depend on besides tables: which plays are run, their files and those of tariffs."""
    return {
        "plays": session.workspace.config.playbooks,
        **follows("playbooks", "tariffs")(session),
    }


JOBS: tuple[Job, ...] = (
    Job(
        "strategy.offers",
        Stage.STRATEGY,
        "Price every customer's past year under the offers of the plays",
        reads=("reading", "meter", "meter_history", "contract", "account", "calendar", "price_series"),
        writes=("offer_value",),
        run=_price_offers,
        depends=_offers_follow,
    ),
)
"""In the order of the loop."""
