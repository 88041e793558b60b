"""The first page: where the loop stands, what it has brought, what needs a person."""

from __future__ import annotations

from typing import Any

from gridloop.apps.console.jobs import standing
from gridloop.apps.console.standing import (
    campaign_results,
    completeness_by_day,
    mean_day,
    play_windows,
    todo,
)
from gridloop.apps.remembering import waiting_plans
from gridloop.apps.web.charts import Effect, Forest, Lines, Series, charted
from gridloop.apps.web.drawing import PHONE, curve, interval, sparkline, twice
from gridloop.apps.web.page import Answer, Context, Page, mark

TREND_DAYS = 60
SLOTS_A_DAY = 96


def overview(context: Context) -> Answer:
    """Stage strip, figures with their basis, the mean day, what to do, campaigns."""
    imported = bool(context.view.snapshots)
    campaigns = campaign_results(context) if imported else []
    tasks = todo(context)
    pictures: dict[str, str | list[str]] = {"trend": "", "day": ""}
    facts: dict[str, Any] = {
        "imported": imported,
        "tour": imported and context.session.workspace.config.demo,
        "stages": stages(context, campaigns),
        "figures": _figures(context, campaigns, pictures) if imported else [],
        "learned": _learned(context),
        "todo": tasks,
        "campaigns": [{k: v for k, v in one.items() if k != "result"} for one in campaigns],
        "day_basis": None,
        "hours": [],
    }
    if imported:
        pictures["day"] = _day(context)
        facts["hours"] = _hours(mean_day(context))
        facts["day_basis"] = context.basis(
            context.text(
                "Sum over all meters that draw from the grid of their mean power in each quarter of an hour, "
                "over the whole time they were read."
            ),
            ("feature",),
            "insight.features",
        )
    pictures["intervals"] = [_interval(context, one) for one in campaigns]
    return Answer([_plain_figure(one) for one in facts["figures"]], facts, pictures)


def _plain_figure(figure: dict[str, Any]) -> dict[str, Any]:
    return {name: figure[name] for name in ("figure", "value", "unit", "meaning")}


def stages(context: Context, campaigns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per stage a leading figure, a sentence, and whether its jobs are up to date."""
    words, view, ledger = context.words, context.view, context.session.ledger
    jobs = standing(context)
    days = completeness_by_day(context) if view.exists("completeness") else []
    plans = waiting_plans(context.session)
    running = [one for one in ledger.campaigns.recent(1000) if one.status in ("running", "paused")]
    told = {
        "data": (
            words.number(context.count("reading")) if view.exists("reading") else "–",
            context.text(
                "meter days of readings, to {day}", day=words.day(days[-1]["day"] if days else None)
            ),
        ),
        "insight": (
            words.number(context.count("segment")) if view.exists("segment") else "–",
            words.plural(
                "segment over {count} customer",
                "segments over {count} customers",
                context.count("customer"),
            ),
        ),
        "strategy": (
            words.number(len(plans)),
            words.plural("plan waits for a person", "plans wait for a person", len(plans)),
        ),
        "reach": (
            words.number(len(running)),
            words.plural("campaign is running", "campaigns are running", len(running)),
        ),
        "evaluate": (
            words.number(len(campaigns)),
            words.plural("campaign was judged", "campaigns were judged", len(campaigns)),
        ),
    }
    found = []
    for name, (figure, says) in told.items():
        own = [one for one in jobs if one["stage"] == name]
        state = (
            "never"
            if not any(one["ran"] for one in own)
            else "fresh"
            if all(one["fresh"] for one in own)
            else "stale"
        )
        found.append({"name": name, "figure": figure, "says": says, "state": state})
    return found


def _share(days: list[dict[str, Any]]) -> float | None:
    expected = sum(one["expected"] for one in days)
    return sum(one["present"] for one in days) / expected if expected else None


def _figures(
    context: Context, campaigns: list[dict[str, Any]], pictures: dict[str, str | list[str]]
) -> list[dict[str, Any]]:
    """The figures that lead, each with what it means and where it comes from."""
    found = [_customers(context)]
    if context.view.exists("completeness"):
        found.append(_complete(context, pictures))
    found.append(_enrolled(context))
    judged = [one for one in campaigns if one["trusted"] is not None]
    if judged:
        found += [_effect(context, judged[0]), _worth(context, judged[0])]
    return found


def _customers(context: Context) -> dict[str, Any]:
    words = context.words
    count = context.count("customer")
    meters = context.count("meter")
    return {
        "figure": context.text("Customers"),
        "value": count,
        "shown": words.number(count),
        "unit": "",
        "meaning": words.plural("with {count} meter", "with {count} meters", meters),
        "spark": "",
        "href": context.to("/customers"),
        "basis": context.basis(
            context.text("Customers in the register as it was imported last; meters ever installed."),
            ("customer", "meter"),
        ),
    }


def _complete(context: Context, pictures: dict[str, str | list[str]]) -> dict[str, Any]:
    words = context.words
    days = completeness_by_day(context)
    share = _share(days[-30:])
    trend = [_share([one]) for one in days[-TREND_DAYS:]]
    pictures["trend"] = sparkline(
        trend, context.text("Share of readings that are in, by day, over {days} days", days=len(trend))
    )
    return {
        "figure": context.text("Readings complete"),
        "value": share,
        "shown": words.percent(share),
        "unit": "",
        "meaning": context.text("over the last 30 days read"),
        "spark": "trend",
        "href": context.to("/data/quality"),
        "basis": context.basis(
            context.text(
                "Intervals with a reading ÷ intervals that the meters' days have, over all channels."
            ),
            ("completeness",),
            "data.check",
        ),
    }


def _enrolled(context: Context) -> dict[str, Any]:
    words = context.words
    count = len({one.account_id for one in context.session.ledger.enrolments.under_way()})
    return {
        "figure": context.text("Enrolled"),
        "value": count,
        "shown": words.number(count),
        "unit": "",
        "meaning": words.plural("account has taken up an offer", "accounts have taken up an offer", count),
        "spark": "",
        "href": context.to("/campaigns"),
        "basis": context.basis(
            context.text("Accounts with an enrolment in the ledger that is pending or active.")
        ),
    }


def _effect(context: Context, last: dict[str, Any]) -> dict[str, Any]:
    words = context.words
    share = last["percent"]
    if share is None or not last["trusted"]:
        shown = words.cell(None)
        meaning = context.text("withheld: a trust check failed") if share else context.text("not computable")
    else:
        shown = f"{words.signed(share['value'])} %"
        meaning = context.text(
            "95 % interval {low} to {high} %, against the holdout",
            low=words.signed(share["ci_low"]),
            high=words.signed(share["ci_high"]),
        )
    return {
        "figure": context.text("{measure}, last campaign", measure=last["measure"]),
        "value": share["value"] if share and last["trusted"] else None,
        "shown": shown,
        "unit": "",
        "meaning": meaning,
        "spark": "",
        "href": last["href"],
        "basis": context.basis(
            context.text(
                "Mean of everyone assigned to the offer against the holdout drawn by chance, reached or not, "
                "adjusted for use before the start."
            ),
            ("effect", "outcome"),
            "evaluation.effects",
        ),
    }


def _worth(context: Context, last: dict[str, Any]) -> dict[str, Any]:
    words, money = context.words, last["money"]
    net = None if money is None else money["net"]
    meaning = (
        context.text("not computable")
        if net is None
        else context.text(
            "{low} to {high} over {days} days",
            low=words.money(net["ci_low"]),
            high=words.money(net["ci_high"]),
            days=money["horizon_days"],
        )
    )
    return {
        "figure": context.text("Net worth, last campaign"),
        "value": None if net is None else net["value"],
        "shown": words.money(None if net is None else net["value"]),
        "unit": "",
        "meaning": meaning,
        "spark": "",
        "href": last["href"],
        "basis": context.basis(
            context.text(
                "Effect × customers assigned × days × worth of a kWh, less messages and enrolments."
            ),
            ("effect",),
            "evaluation.effects",
        ),
    }


def _learned(context: Context) -> dict[str, Any] | None:
    """What the newest waiting plan does differently because of a campaign."""
    for plan in waiting_plans(context.session):
        expected: Any = plan.content.expectation or {}
        for lesson in expected.get("learned", ()):
            text = lesson[f"text_{context.words.language}"]
            href = context.to(f"/plans/{plan.plan_id}", f"/campaigns/{plan.plan_id}")
            return {"text": text, "plan": str(plan.plan_id), "href": href}
    return None


def _day(context: Context) -> str:
    values = mean_day(context)
    if not values:
        return ""
    words, slots = context.words, len(values)
    hour = slots / 24
    windows = [
        (start * hour, min(end * hour, slots - 1), context.text("evening window"))
        for start, end in play_windows(context)
    ]
    top = max(values)
    title = context.text(
        "Mean load of all customers over the day: highest {top} kW at {time}, lowest {low} kW.",
        top=words.number(top),
        low=words.number(min(values)),
        time=_clock(values.index(top), slots),
    )

    def draw(width: float) -> str:
        hours = range(0, 25, 4 if width > PHONE else 6)
        marks = [(h * hour if h < 24 else slots - 1, f"{h:02d}:00") for h in hours]
        lines = [(context.text("Mean day"), values, "")]
        return curve(lines, marks, title, "kW", (width, 270), windows=windows)

    places = [_clock(slot, slots) for slot in range(slots)]
    line = Series(context.text("Mean day"), values)
    return charted(twice(draw), Lines(title, "kW", places, [line], every=slots // 6, windows=windows))


def _hours(values: list[float]) -> list[dict[str, Any]]:
    """The mean day as a table: mean power of every hour."""
    step = max(len(values) // 24, 1)
    means = [sum(values[i : i + step]) / step for i in range(0, len(values), step)]
    return [{"hour": f"{hour:02d}:00", "kw": round(mean, 1)} for hour, mean in enumerate(means)]


def _clock(slot: int, slots: int) -> str:
    minutes = slot * 1440 // slots
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _interval(context: Context, one: dict[str, Any]) -> str:
    share = one["percent"]
    if share is None or not one["trusted"]:
        return ""
    title = context.text(
        "{measure}: {value} %, 95 % interval {low} to {high} %",
        measure=one["measure"],
        value=context.words.signed(share["value"]),
        low=context.words.signed(share["ci_low"]),
        high=context.words.signed(share["ci_high"]),
    )
    words, (value, low, high) = context.words, (share[name] for name in ("value", "ci_low", "ci_high"))
    text = f"{words.signed(value)} % ({words.signed(low)} … {words.signed(high)})"
    return charted(
        interval(value, low, high, title),
        Forest(title, "%", [Effect(one["measure"], value, low, high, text)]),
    )


PAGES = (Page("/", mark("Overview"), "", "overview.html", overview),)
