from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from gridloop.domain.finding import Finding, NotComputable, Severity


def test_severities_have_a_rank():
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3]
    assert max(Severity, key=lambda severity: severity.rank) is Severity.CRITICAL


def test_a_finding_is_a_value():
    one = Finding("reading.zero_run", "A run of zeros.", {"longest_run_hours": 30})
    assert one == Finding("reading.zero_run", "A run of zeros.", {"longest_run_hours": 30})
    assert one.severity is Severity.WARNING
    with pytest.raises(FrozenInstanceError):
        one.code = "x"  # type: ignore[misc]


def test_what_is_not_computable_counts_as_no_answer():
    reason = NotComputable("too_few_days", "92 days cannot show a year.", {"days": 92, "needed": 328})
    assert not reason
    assert reason.evidence["needed"] == 328
