"""What a playbook declares (docs/methods/playbooks.md); shipped in `library/playbooks`, overridden by a workspace."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gridloop.insight.tags.catalogue import NAME, Bilingual

PLAY_NAME = r"^[a-z][a-z0-9-]{2,47}$"
CHANNELS = ("app", "email", "sms", "phone")
"""Channels that a consent may name."""

_TIME = re.compile(r"^([01]\d|2[0-3]):(00|15|30|45)$|^24:00$")


class Hours(BaseModel):
    """A span of the local day, from `start` up to and without `end`, on quarters of an hour."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str = Field(description="Local time HH:MM, on a quarter of an hour.")
    end: str = Field(description="Local time HH:MM; 24:00 is the end of the day.")

    @field_validator("start", "end")
    @classmethod
    def _on_a_quarter(cls, text: str) -> str:
        if not _TIME.match(text):
            raise ValueError(f"{text!r} is no time HH:MM on a quarter of an hour")
        return text

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.minutes[0] >= self.minutes[1]:
            raise ValueError(f"{self.start} to {self.end} is no span of one day; give two spans")
        return self

    @property
    def minutes(self) -> tuple[int, int]:
        """Minutes after local midnight, [start, end)."""
        first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (self.start, self.end))
        return first, last


class Measure(BaseModel):
    """A number per unit and day that a campaign is judged by, from import readings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME, description="Snake case; the value of `measure` in outcomes and effects.")
    label: Bilingual = Field(description="Its name for people.")
    kind: Literal["energy", "share"] = Field(
        default="energy",
        description="`energy`: mean Wh a day within the hours; `share`: that as a share of the day's energy.",
    )
    hours: tuple[Hours, ...] = Field(default=(), description="Spans of the local day; the whole day if none.")
    aim: Literal["less", "more"] = Field(description="Which direction is success.")

    @property
    def unit(self) -> str:
        """Unit of its value."""
        return "Wh" if self.kind == "energy" else "1"


class Exclusion(BaseModel):
    """Who is left out although the audience's rule holds; the first that applies is the reason given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME, description="Snake case; the reason code in lists.")
    label: Bilingual = Field(description="The reason for people.")
    rule: str | None = Field(default=None, description="Rule in the language of tags; who meets it is out.")
    check: (
        Literal[
            "account_closed",
            "short_tenure",
            "other_tariff",
            "not_priced",
            "saving_too_small",
            "no_consent",
            "unsubscribed",
            "contacted_lately",
            "in_running_campaign",
        ]
        | None
    ) = Field(default=None, description="A check that needs more than the customer's row.")
    days: int | None = Field(default=None, ge=1, description="Days that a check speaks of.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rule is None) == (self.check is None):
            raise ValueError("an exclusion has either a rule or a check")
        if (self.check in ("short_tenure", "contacted_lately")) != (self.days is not None):
            raise ValueError("`days` goes with short_tenure and contacted_lately, and they need it")
        return self


class Offer(BaseModel):
    """A tariff that is offered in the place of another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str = Field(description="Tariff that customers are on, by name.")
    tariff: str = Field(description="Tariff that they are offered, by name.")
    minimum_saving: Decimal = Field(
        default=Decimal(0),
        description="Saving a year, in the currency, from which the offer is made; use unchanged.",
    )


class Holdout(BaseModel):
    """Who is not contacted, so that the effect can be told (docs/conventions.md §6)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(gt=0, lt=1, description="Share of the selected units that is held out.")
    strata: tuple[Literal["baseline", "region", "saving"], ...] = Field(
        default=("baseline",),
        description="What the draw is balanced on: thirds of the measure before, region, thirds of the saving.",
    )
    seed: int = Field(default=1, ge=0, description="Fixes the draw; stored, never drawn again.")


class QuietHours(BaseModel):
    """Local time in which nothing is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str = Field(default="21:00", description="From, local time.")
    end: str = Field(default="08:00", description="Until, local time; may be after midnight.")

    @field_validator("start", "end")
    @classmethod
    def _on_a_quarter(cls, text: str) -> str:
        if not _TIME.match(text):
            raise ValueError(f"{text!r} is no time HH:MM on a quarter of an hour")
        return text


class FrequencyCap(BaseModel):
    """How often one customer may be contacted, over all campaigns and channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: int = Field(default=2, ge=1, description="Messages at the most …")
    days: int = Field(default=30, ge=1, description="… within so many days.")


class Contact(BaseModel):
    """How the offer is made known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: str = Field(default="marketing", description="The consent that it needs.")
    channels: tuple[Literal["app", "email", "sms", "phone"], ...] = Field(
        min_length=1,
        description="In order of preference; the first that a customer may be reached by is used.",
    )
    template: str = Field(pattern=PLAY_NAME, description="Content, by name.")
    quiet_hours: QuietHours = Field(default_factory=QuietHours, description="When nothing is sent.")
    cap: FrequencyCap = Field(default_factory=FrequencyCap, description="How often at the most.")
    capacity: int | None = Field(
        default=None, ge=1, description="Contacts at the most in this campaign; the best ones first."
    )


class Value(BaseModel):
    """What success is worth and what trying costs, in the currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_kwh: Decimal = Field(
        ge=0, description="Worth to the utility of one kWh less (or more, as the measure aims) in the hours."
    )
    contact_cost: dict[str, Decimal] = Field(description="Cost of one message, by channel.")
    enrolment_cost: Decimal = Field(default=Decimal(0), ge=0, description="Cost of one enrolment.")
    assumed_uptake: float = Field(
        default=1, ge=0, le=1, description="Share of those offered who enrol, as the first plan assumes."
    )
    saving_borne: Decimal = Field(
        default=Decimal(0),
        ge=0,
        le=1,
        description="Share of what customers save that the utility bears; 0 where prices are reset to make it up.",
    )
    horizon_days: int = Field(default=365, ge=1, description="Days over which the effect is valued.")


class Success(BaseModel):
    """How the campaign is judged; fixed before it starts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    primary: Measure = Field(description="The one measure that decides.")
    secondary: tuple[Measure, ...] = Field(
        default=(), description="Further measures, reported, not decisive."
    )
    baseline_days: int = Field(
        default=56, ge=14, description="Days before the start that the estimate is adjusted by."
    )
    settle_days: int = Field(default=7, ge=0, description="Days after the start that are not judged.")
    window_days: int = Field(default=42, ge=7, description="Days that are judged.")
    least_days: int = Field(
        default=14, ge=1, description="Complete days of the window, and of the baseline, that a unit needs."
    )
    assumed_effect_percent: float = Field(
        description="Effect on those assigned to the offer that the first plan assumes, percent of the measure."
    )
    assumed_source: str = Field(description="Where that assumption comes from.")


class Guardrails(BaseModel):
    """Limits beyond which a campaign is stopped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unsubscribed_share: float = Field(
        default=0.03, gt=0, le=1, description="Of messages accepted by the channel."
    )
    bounced_share: float = Field(default=0.15, gt=0, le=1, description="Of messages accepted by the channel.")
    after_messages: int = Field(default=100, ge=20, description="Messages before which no limit is judged.")


class Playbook(BaseModel):
    """One play."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=PLAY_NAME, description="Lower case with hyphens; also the name of its file.")
    version: int = Field(ge=1, description="Raised with every change of what it does.")
    title: Bilingual = Field(description="Its name for people.")
    description: Bilingual = Field(description="What it does and for whom.")
    goal: Literal["acquire", "activate", "retain", "grow"] = Field(
        description="Which of the four scenarios it serves."
    )
    unit: Literal["account"] = Field(default="account", description="Unit of randomisation.")
    audience: str = Field(description="Rule in the language of tags: whom it is for.")
    exclusions: tuple[Exclusion, ...] = Field(default=(), description="Who is left out, in order.")
    offer: Offer = Field(description="What is offered.")
    holdout: Holdout = Field(description="Who is held out.")
    contact: Contact = Field(description="How it is made known.")
    success: Success = Field(description="How it is judged.")
    value: Value = Field(description="What it is worth.")
    guardrails: Guardrails = Field(default_factory=Guardrails, description="When it is stopped.")
    requirements: tuple[str, ...] = Field(default=(), description="Numbers of the requirements it serves.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        missing = [name for name in self.contact.channels if name not in self.value.contact_cost]
        if missing:
            raise ValueError(f"value.contact_cost lacks the channels {', '.join(missing)}")
        names = [measure.name for measure in (self.success.primary, *self.success.secondary)]
        if len(set(names)) != len(names):
            raise ValueError("two measures of success have one name")
        reasons = [exclusion.name for exclusion in self.exclusions]
        if len(set(reasons)) != len(reasons):
            raise ValueError("two exclusions have one name")
        return self
