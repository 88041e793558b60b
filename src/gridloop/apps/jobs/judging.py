"""Jobs of the evaluation stage: outcomes are measured and effects are told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gridloop import __version__
from gridloop.apps.jobs.job import Job, JobContext, JobReport
from gridloop.apps.judged import (
    CampaignRecord,
    launched_campaigns,
    ledger_digest,
    named,
    play_of,
    record_of,
    report_path,
)
from gridloop.domain.finding import Finding, Severity
from gridloop.domain.table import Stage

if TYPE_CHECKING:
    import pyarrow as pa

    from gridloop.evaluation.outcomes import Observation
    from gridloop.evaluation.result import CampaignResult

ACTOR = "evaluation.effects"
"""In whose name a campaign is finished."""
READS = ("reading", "meter", "meter_history", "contract", "account", "recommendation")


def _judge_campaigns(context: JobContext) -> JobReport:
    """Judge every launched campaign that has no final verdict; a final one is written once and kept."""
    kept_outcomes, kept_effects = _published(context, "outcome"), _published(context, "effect")
    final = _final(kept_effects)
    findings: list[Finding] = []
    done, decided = 0, []
    campaigns = launched_campaigns(context.session)
    for number, campaign in enumerate(campaigns):
        context.progress("judging campaigns", number, len(campaigns))
        play = play_of(campaign)
        if play is None:
            continue
        complete = campaign.campaign_id in final
        if not complete or not _reported(context, campaign.campaign_id):
            record = record_of(context.session, context.view, campaign, play)
            observed = _observed(context, record)
            if not complete:
                outcomes, effects = observed.outcomes, _effects(record, observed)
                kept_outcomes = _with(kept_outcomes, outcomes, campaign.campaign_id)
                kept_effects = _with(kept_effects, effects, campaign.campaign_id)
                complete, done = observed.complete, done + 1
            result = _result(record, kept_effects)
            if result is not None:
                findings += _findings(result)
                _write_reports(context, result, observed)
        if complete and campaign.status == "running":
            decided.append(campaign.campaign_id)
    if done:
        context.writer.replace("outcome", kept_outcomes)
        context.writer.replace("effect", kept_effects)
    for identity in decided:
        context.session.ledger.campaigns.finish(identity, ACTOR)
    counts = {"campaigns": done, "decided": len(decided), "effects": kept_effects.num_rows}
    return JobReport(counts, tuple(findings))


def _published(context: JobContext, name: str) -> pa.Table:
    return context.view.arrow(name)


def _final(effects: pa.Table) -> set[str]:
    """Campaigns whose whole window was seen when they were judged."""
    checks = zip(effects["campaign_id"].to_pylist(), effects["checks"].to_pylist(), strict=True)
    return {
        campaign
        for campaign, text in checks
        if campaign is not None and json.loads(text).get("window", {}).get("passed")
    }


def _with(rows: pa.Table, fresh: pa.Table, campaign_id: str) -> pa.Table:
    """The rows of other campaigns and the fresh ones of this."""
    import pyarrow as pa
    import pyarrow.compute as pc

    others = rows.filter(pc.fill_null(pc.not_equal(rows["campaign_id"], campaign_id), True))
    return pa.concat_tables([others, fresh.cast(others.schema)])


def _observed(context: JobContext, record: CampaignRecord) -> Observation:
    from gridloop.evaluation.outcomes import observe

    zone = context.session.workspace.config.zone
    return observe(
        context.view,
        record.assignments,
        record.campaign.campaign_id,
        record.play,
        record.starts(zone),
        threads=context.threads,
    )


def _effects(record: CampaignRecord, observed: Observation) -> pa.Table:
    from gridloop.evaluation.effects import campaign_effects

    return campaign_effects(observed, record.assignments, record.play, record.costs).rows


def _result(record: CampaignRecord, effects: pa.Table) -> CampaignResult | None:
    from gridloop.evaluation.result import results_of

    results = results_of(named(record.campaign), record.play, effects, record.funnel, record.costs.currency)
    return results[0] if results else None


def _reported(context: JobContext, campaign_id: str) -> bool:
    from gridloop.evaluation.report.words import LANGUAGES

    return all(report_path(context.session, campaign_id, language).exists() for language in LANGUAGES)


def _write_reports(context: JobContext, result: CampaignResult, observed: Observation) -> None:
    from gridloop.engine.durable import write_durably
    from gridloop.evaluation.report.page import Provenance, render_report
    from gridloop.evaluation.report.words import LANGUAGES

    read = {name: number for name, number in context.view.snapshots.items() if name in READS}
    now = context.session.clock.now().isoformat(timespec="seconds")
    provenance = Provenance(now, __version__, read)
    for language in LANGUAGES:
        page = render_report(result, observed, provenance, language)
        write_durably(report_path(context.session, result.campaign_id, language), page.encode())


def _findings(result: CampaignResult) -> Iterable[Finding]:
    """What a person should look at: a verdict that is withheld, a limit that is passed."""
    from gridloop.evaluation.report.sentences import decision_line, lead

    decision = result.decision
    if decision.code in ("look", "guardrail"):
        text = lead(result, "en") if decision.code == "look" else decision_line(result, "en")
        code = str(decision.facts.get("reason", "guardrail"))
        yield Finding(
            f"campaign.{code}", text, dict(decision.facts), Severity.WARNING, "effect", result.campaign_id
        )


JOBS: tuple[Job, ...] = (
    Job(
        "evaluation.effects",
        Stage.EVALUATION,
        "Judge every launched campaign against its holdout",
        reads=READS,
        writes=("outcome", "effect"),
        run=_judge_campaigns,
        depends=ledger_digest,
    ),
)
"""In the order of the loop."""
