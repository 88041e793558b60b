"""A finding is a value: what was found, the numbers that prove it, how grave it is (docs/conventions.md §9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How grave a finding is: INFO tells, WARNING wants a look, ERROR casts doubt on results, CRITICAL stops a gate."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for INFO up to 3 for CRITICAL."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found about data, a model, a release or a campaign.

    Attributes:
        code: stable identifier, `area.what` in lower case, such as `reading.zero_run`.
        text: one sentence for a person; never personal data.
        evidence: the numbers behind the sentence, by name with unit in the name (`longest_run_hours`).
        severity: see `Severity`.
        table: the canonical table concerned, if one is.
        subject: the key of the thing concerned within that table (a pseudonym or a network id), if one is.
    """

    code: str
    text: str
    evidence: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = Severity.WARNING
    table: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class NotComputable:
    """The answer where a number would be invented: why it cannot be computed, and what would be needed.

    Attributes:
        code: stable identifier of the reason, such as `too_few_days`.
        reason: one sentence for a person.
        evidence: what there is and what is needed, by name.
    """

    code: str
    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return False
