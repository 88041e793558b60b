"""The result of a campaign: one sentence and a decision, whether to trust it, then pictures, money, what misleads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from gridloop.apps.console.campaign import named
from gridloop.apps.console.standing import result_of
from gridloop.apps.console.trail import plan_title, status_of, trail
from gridloop.apps.judged import report_path
from gridloop.apps.web.charts import Effect, Forest, charted
from gridloop.apps.web.drawing import sized
from gridloop.apps.web.page import Answer, Context, Page, mark
from gridloop.apps.web.sessions import Sessions
from gridloop.domain.errors import GridloopError, UsageError
from gridloop.evaluation.report.sentences import decision_line, lead, trust_lines
from gridloop.evaluation.report.words import LANGUAGES, word

if TYPE_CHECKING:
    from gridloop.evaluation.outcomes import Observation
    from gridloop.evaluation.report.exhibits import Exhibit
    from gridloop.evaluation.result import CampaignResult

COLOURS = {"scale": "good", "stop": "bad", "guardrail": "bad", "look": "bad", "wait": "warn", "more": "warn"}
"""Kind of a decision → colour of its panel."""
SHAPES = frozenset(
    {"svg", "title", "g", "line", "path", "rect", "circle", "polyline", "polygon", "text", "tspan"}
)
"""What a drawing consists of; anything else is not shown."""
_DRAWN = re.compile(r'<section id="(\w+)">(?:(?!</section>).)*?<div class="wide">(<svg .*?</svg>)</div>'
                    r'<div class="narrow">(<svg .*?</svg>)</div>', re.DOTALL)  # fmt: skip
FIGURES = ("value", "ci_low", "ci_high", "mde", "unit", "units_treated", "units_control", "trusted", "reason")


def result_page(context: Context) -> Answer:
    """What a campaign caused; rows are its effects."""
    campaign = named(context)
    plan = context.session.ledger.plans.plan(campaign.plan_id)
    facts: dict[str, Any] = {
        "campaign": str(campaign.campaign_id),
        "started": campaign.starts_at,
        "status": status_of(context, campaign.status, campaign=True),
        "trail": trail(context, plan, "result"),
        "judged": False,
    }
    heading = context.text("Result: {title}", title=plan_title(context, plan))
    found = result_of(context, campaign)
    if found is None:
        return Answer((), facts, heading=heading)
    facts |= _said(context, found)
    shown = _exhibits(context, found)
    facts["exhibits"] = {one.key: _twin(one) for one in shown}
    pictures = _pictures(context, found, shown)
    return Answer([_row(row) for row in found.rows], facts, pictures, heading)


def _said(context: Context, found: CampaignResult) -> dict[str, Any]:
    language, decision = context.words.language, found.decision
    share = found.checks.get("percent")
    reports = [one for one in LANGUAGES if report_path(context.session, found.campaign_id, one).exists()]
    return {
        "judged": True,
        "complete": found.complete,
        "withheld": found.primary["value"] is None,
        "lead": lead(found, language),
        "decision": {
            "code": decision.code,
            "text": decision_line(found, language),
            "facts": dict(decision.facts),
        },
        "colour": COLOURS.get(decision.code.partition("_")[0], "warn"),
        "trust": [{"check": n, "state": s, "found": t} for n, s, t in trust_lines(found, language)],
        "states": {name: word(name, language) for name in ("passed", "failed", "unchecked", "open")},
        "measure": context.words.label(found.play.success.primary.label),
        "percent": share,
        "money": found.money,
        "assigned": dict(found.funnel.assigned),
        "enrolled": _few(context, found.funnel.enrolled),
        "sent": found.funnel.sent,
        "misleading": word("naive_note", language),
        "reports": reports,
        "basis": context.basis(
            context.text(
                "Mean of everyone assigned to the offer against the holdout drawn by chance, reached or not, adjusted "
                "for use before the start."
            ),
            ("effect", "outcome", "reading"),
            "evaluation.effects",
            method=found.primary["method"],
        ),
    }


def _few(context: Context, count: int) -> str:
    """A count of people; fewer than a small cell holds are not told apart, as in the report."""
    from gridloop.evaluation.result import SMALL_CELL

    return f"<{SMALL_CELL}" if 0 < count < SMALL_CELL else context.words.number(count)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """An effect as a line of the CSV."""
    share = row["checks"].get("percent") or {}
    return {
        "role": row["checks"]["role"],
        **{name: row[name] for name in ("population", "measure", "arm", "contrast", "method", *FIGURES)},
        **{f"percent_{name}": share.get(name) for name in ("value", "ci_low", "ci_high")},
    }


def _exhibits(context: Context, found: CampaignResult) -> list[Exhibit]:
    from gridloop.evaluation.report.exhibits import exhibits

    return exhibits(found, _observed(context, found), context.words.language)


def _observed(context: Context, found: CampaignResult) -> Observation:
    """Outcomes as they were published; daily means are not, so that their curve comes from the report."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from gridloop.evaluation.outcomes import Observation, campaign_windows

    def look() -> pa.Table:
        rows = context.view.arrow("outcome")
        return rows.filter(pc.equal(rows["campaign_id"], found.campaign_id))

    starts = named(context).starts_at.astimezone(context.words.zone).date()
    mine: pa.Table = context.remembered(f"outcomes.{found.campaign_id}", look, single=True)
    return Observation(mine, pa.table({}), campaign_windows(found.play.success, starts), None)


def _twin(one: Exhibit) -> dict[str, Any]:
    """The numbers behind a picture, and its words."""
    return {
        "note": one.note,
        "absent": one.absent,
        "head": list(one.head),
        "rows": [list(row) for row in one.rows],
    }


def _pictures(context: Context, found: CampaignResult, shown: list[Exhibit]) -> dict[str, str]:
    plots = {one.key: one.plots for one in shown if one.plots[0]}
    page = report_path(context.session, found.campaign_id, context.words.language)
    if page.exists():
        drawn = report_drawings(page.read_text(encoding="utf-8"))
        plots |= {key: pair for key, pair in drawn.items() if key == "curve"}
    return {f"plot_{one.key}": _picture(one, plots[one.key]) if one.key in plots else "" for one in shown}


def _picture(one: Exhibit, plots: tuple[str, str]) -> str:
    """An exhibit's drawing; one of intervals can be asked for its values."""
    still = sized(*plots)
    if not one.intervals:
        return still
    rows = [Effect(r.label, r.value, r.low, r.high, r.text, r.misleading) for r in one.intervals]
    title = "; ".join(f"{row.name}: {row.text}" for row in rows)
    return charted(still, Forest(title, one.unit, rows, digits=3))


def report_drawings(page: str) -> dict[str, tuple[str, str]]:
    """The drawings of a report by section, for a desk and for a telephone; only those that are nothing but shapes."""
    return {
        key: (wide, narrow)
        for key, wide, narrow in _DRAWN.findall(page)
        if only_shapes(wide) and only_shapes(narrow)
    }


def only_shapes(drawing: str) -> bool:
    """Whether an SVG holds shapes and text alone: no script, no link, no style, nothing that acts."""
    if "<!" in drawing or "<?" in drawing:
        return False
    try:
        parts = list(ElementTree.fromstring(drawing).iter())
    except ElementTree.ParseError:
        return False
    return all(
        part.tag in SHAPES
        and not any(name.startswith("on") or "href" in name or name == "style" for name in part.attrib)
        for part in parts
    )


def downloads(sessions: Sessions, refuse: Callable[..., Response]) -> Callable[[Request], Any]:
    """The route of reports: self-contained pages, only to be saved, because their styles are within.

    Args:
        sessions: lends the workspace.
        refuse: makes the page of an error.
    """

    def read(request: Request) -> Response:
        identity, language = (request.path_params[name] for name in ("campaign_id", "language"))
        try:
            with sessions.borrow() as (session, _):
                session.ledger.campaigns.campaign(identity)
                chosen = next((one for one in LANGUAGES if one == language), None)
                path = None if chosen is None else report_path(session, identity, chosen)
                if path is None or not path.exists():
                    raise UsageError(
                        mark("There is no report of this campaign yet."),
                        ways_out=(mark("Carry out the loop: it judges the campaign and writes the report."),),
                    )
                body = path.read_bytes()
        except GridloopError as error:
            return refuse(request, error)
        name = f"{identity}.{language}.html"
        return Response(
            body, media_type="text/html", headers={"Content-Disposition": f'attachment; filename="{name}"'}
        )

    async def serve(request: Request) -> Response:
        return await run_in_threadpool(read, request)

    return serve


PAGES = (
    Page(
        "/campaigns/{campaign_id}/result",
        mark("Result"),
        "evaluate",
        "result.html",
        result_page,
        listed=False,
    ),
)
