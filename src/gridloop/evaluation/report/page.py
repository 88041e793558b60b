"""The report as one HTML file that needs nothing else: no script, no request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from gridloop.evaluation.outcomes import Observation
from gridloop.evaluation.report.exhibits import exhibits
from gridloop.evaluation.report.sentences import decision_line, lead, trust_lines
from gridloop.evaluation.report.words import DEFINITIONS, Language, chosen, word
from gridloop.evaluation.result import CampaignResult


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a report rests on.

    Attributes:
        judged_at: when it was judged, as text.
        code_version: of Gridloop.
        snapshots: table → snapshot id that was read.
    """

    judged_at: str
    code_version: str
    snapshots: Mapping[str, int]


def render_report(
    result: CampaignResult, observed: Observation, provenance: Provenance, language: Language
) -> str:
    """The page of one arm of a campaign.

    Args:
        result: effects, checks, money, funnel.
        observed: daily means and values before.
        provenance: for the end of the page.
        language: of all words.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    template = (files("gridloop.evaluation.report") / "page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    title = result.play.title.zh if language == "zh" else result.play.title.en
    shown = exhibits(result, observed, language)
    return environment.from_string(template).render(
        language="zh-CN" if language == "zh" else "en",
        word=lambda key: word(key, language),
        play=title,
        result=result,
        lead=lead(result, language),
        decision=decision_line(result, language),
        decision_kind=result.decision.code.partition("_")[0],
        trust=trust_lines(result, language),
        marks={"passed": "✓", "failed": "✕", "unchecked": "?", "open": "…"},
        exhibits=[(one, *map(Markup, one.plots)) for one in shown],
        definitions=[(chosen(term, language), chosen(meaning, language)) for term, meaning in DEFINITIONS],
        provenance=_provenance(result, observed, provenance, language),
    )


def _provenance(
    result: CampaignResult, observed: Observation, provenance: Provenance, language: Language
) -> list[tuple[str, str]]:
    windows = observed.windows
    snapshots = ", ".join(f"{name} {number}" for name, number in sorted(provenance.snapshots.items()))
    return [
        (word("campaign", language), f"{result.name} · {result.campaign_id}"),
        (word("status", language), result.status),
        (word("baseline", language), f"{windows.baseline_first} … {windows.baseline_last}"),
        (word("window", language), f"{windows.first} … {windows.last}"),
        (word("method", language), str(result.primary["method"])),
        (word("judged_at", language), provenance.judged_at),
        (word("code", language), provenance.code_version),
        (word("snapshots", language), snapshots),
    ]
