from __future__ import annotations

import pickle

import pytest

from gridloop.domain import errors
from gridloop.domain.errors import GridloopError, SourceUnreadable, did_you_mean

EVERY_ERROR = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GridloopError)
]


def test_an_error_shows_what_the_evidence_and_the_ways_out():
    error = SourceUnreadable(
        "meters.csv ends in the middle of a row.",
        evidence={"last whole row": 120},
        ways_out=("Ask the source to send it again.", "Import what is there with --partial."),
    )
    assert str(error).splitlines() == [
        "meters.csv ends in the middle of a row.",
        "  last whole row: 120",
        "  Ways out:",
        "    - Ask the source to send it again.",
        "    - Import what is there with --partial.",
    ]


def test_an_error_without_evidence_is_one_line():
    assert str(GridloopError("It broke.")) == "It broke."


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_an_error_crosses_a_process_border_whole(kind):
    error = pickle.loads(pickle.dumps(kind("what", evidence={"n": 1}, ways_out=["a", "b"])))
    assert type(error) is kind
    assert (error.what, error.evidence, error.ways_out) == ("what", {"n": 1}, ("a", "b"))


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_exit_codes_are_those_of_the_conventions(kind):
    assert kind.exit_code in {1, 2, 3, 4, 5}


def test_an_unknown_name_is_answered_with_close_names_or_all():
    assert did_you_mean("metre", ["meter", "bill"]) == ("Did you mean 'meter'?",)
    assert did_you_mean("zzz", ["meter", "bill"]) == ("Known names: bill, meter",)
    assert did_you_mean("zzz", []) == ()
