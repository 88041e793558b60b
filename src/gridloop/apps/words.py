"""Words, numbers and times as the reader writes them: gettext catalogues and Babel's rules, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers

from gridloop.apps.recognition import told
from gridloop.apps.translations import LANGUAGES, Language, catalogue, mark
from gridloop.domain.table import Label

TAGS: Mapping[Language, str] = {"en": "en", "zh": "zh-CN"}
"""What `html lang` says."""

NOTHING = "–"
"""Stands where there is no value; a zero is a zero."""

_LOCALES = {"en": Locale("en"), "zh": Locale("zh", "CN", script="Hans")}


def chosen_language(cookie: str | None, accepted: str | None) -> Language:
    """The reader's language: what was chosen last, else what the browser prefers, else English.

    Args:
        cookie: what was chosen.
        accepted: the header Accept-Language.
    """
    if cookie in LANGUAGES:
        return "zh" if cookie == "zh" else "en"
    wished: list[tuple[float, str]] = []
    for part in (accepted or "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wished.append((-float(weight or 1), tag[:2].lower()))
        except ValueError:
            continue
    return next(("zh" if tag == "zh" else "en" for _, tag in sorted(wished) if tag in LANGUAGES), "en")


class Words:
    """Says things in one language.

    Args:
        language: which.
        zone: in which times are told.
        now: the present, for ages.
        currency: of money.
    """

    def __init__(self, language: Language, zone: str, now: datetime, currency: str) -> None:
        self.language: Language = language
        self.tag = TAGS[language]
        self.zone = ZoneInfo(zone)
        self.now = now
        self.currency = currency
        self._known = catalogue(language)
        self._locale = _LOCALES[language]

    def __call__(self, message: str, **values: object) -> str:
        """A message translated; one that no catalogue has stays as it is."""
        said = self._known.get(message, (message,))[0]
        return said.format(**values) if values else said

    def told(self, text: str) -> str:
        """A finished English text, such as an error's or a finding's, as far as it is known."""
        return told(text, self.language)

    def plural(self, one: str, many: str, count: int, **values: object) -> str:
        """A message that counts; `{count}` is the number as the reader writes it."""
        forms = self._known.get(one, (one, many))
        said = forms[0] if len(forms) == 1 or count == 1 else forms[1]
        return said.format(count=self.number(count), **values)

    def label(self, label: Label | Mapping[str, str] | object) -> str:
        """The reader's half of a label in two languages."""
        if isinstance(label, Mapping):
            return str(label[self.language])
        return str(getattr(label, self.language))

    def number(self, value: float | Decimal | None, digits: int | None = None) -> str:
        """A number: thousands separated; with `digits` decimals, or as many as four figures need."""
        if value is None or value != value:
            return NOTHING
        if digits is None:
            size = abs(float(value))
            digits = 0 if isinstance(value, int) or size >= 1000 else 1 if size >= 100 else 2
            text = numbers.format_decimal(value, f"#,##0.{'#' * digits}", locale=self._locale)
        else:
            text = numbers.format_decimal(value, f"#,##0.{'0' * digits}", locale=self._locale)
        return _signed(text)

    def signed(self, value: float | Decimal | None, digits: int = 1) -> str:
        """A difference: with its sign, a true minus."""
        text = self.number(value, digits)
        if value is None or not text.strip("−0.,"):
            return text.lstrip("−")
        return f"+{text}" if value > 0 else text

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share (0 to 1) in percent."""
        if share is None or share != share:
            return NOTHING
        return _signed(numbers.format_percent(share, f"0.{'0' * digits}%", locale=self._locale))

    def money(self, amount: float | Decimal | str | None, digits: int = 0) -> str:
        """An amount in the currency of the workspace."""
        if amount is None:
            return NOTHING
        pattern = f"¤#,##0{'.' + '0' * digits if digits else ''}"
        made = numbers.format_currency(
            Decimal(str(amount)), self.currency, pattern, locale=self._locale, currency_digits=False
        )
        return _signed(made)

    def day(self, value: date | datetime | None) -> str:
        """A civil day; an instant's day is that of the workspace's zone."""
        if value is None:
            return NOTHING
        if isinstance(value, datetime):
            value = value.astimezone(self.zone).date()
        return dates.format_date(
            value, "d MMM y" if self.language == "en" else "y年M月d日", locale=self._locale
        )

    def time(self, value: datetime | None) -> str:
        """An instant to the minute, in the zone of the workspace."""
        if value is None:
            return NOTHING
        local = value.astimezone(self.zone)
        return f"{self.day(local.date())} {local:%H:%M}"

    def age(self, value: datetime | None) -> str:
        """How long ago an instant was, in the largest unit."""
        if value is None:
            return NOTHING
        gone = min(value - self.now, timedelta(0))
        return dates.format_timedelta(gone, add_direction=True, locale=self._locale, granularity="second")

    def duration(self, seconds: float | None) -> str:
        """A length of time: `0.4 s`, `12 s`, `3 min`."""
        if seconds is None:
            return NOTHING
        if seconds < 10:
            return self(mark("{number} s"), number=self.number(seconds, 1))
        if seconds < 120:
            return self(mark("{number} s"), number=self.number(seconds, 0))
        return self(mark("{number} min"), number=self.number(seconds / 60, 0))

    def cell(self, value: object) -> str:
        """Any value as it stands in a table."""
        if value is None:
            return NOTHING
        if isinstance(value, bool):
            return self(mark("yes") if value else mark("no"))
        if isinstance(value, datetime):
            return self.time(value if value.tzinfo else value.replace(tzinfo=UTC))
        if isinstance(value, date):
            return self.day(value)
        if isinstance(value, int | float | Decimal):
            return self.number(value)
        return str(value)


def _signed(text: str) -> str:
    """With a true minus sign."""
    return text.replace("-", "−")
