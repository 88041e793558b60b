"""What was dear to compute is computed once, and again as soon as anything it could depend on has changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gridloop.apps.web.memory import Memory
from gridloop.apps.web.page import Context
from gridloop.apps.wiring import Session
from gridloop.apps.words import Words


@pytest.fixture
def look(session: Session) -> Callable[[], int]:
    """Computes something through a new request; answers how often it was really computed."""
    memory, made = Memory(), []

    def ask() -> int:
        view = session.lake.view(session.ledger.runs.published())
        words = Words("en", "UTC", session.clock.now(), "CNY")
        context = Context(session, view, words, base={"memory": memory})
        context.remembered("dear", lambda: made.append(1))
        view.close()
        return len(made)

    return ask


def test_it_is_computed_once_while_nothing_changes(look):
    assert [look(), look(), look()] == [1, 1, 1]


def test_a_record_a_run_or_a_definition_makes_it_anew(look, session: Session):
    assert look() == 1
    session.ledger.audit.record("ann", "plan.looked_at", "plan:1")
    assert look() == 2
    run = session.ledger.runs.start("data.check", "data", "digest", "0", {})
    assert look() == 3
    session.ledger.runs.succeed(run, {}, {})
    assert look() == 4
    tags = session.workspace.root / "tags"
    tags.mkdir()
    (tags / "own.yaml").write_text("[]")
    assert look() == 5
    os.utime(Path(tags / "own.yaml"), ns=(1, 1))
    assert [look(), look()] == [6, 6]


def test_what_was_remembered_of_an_earlier_state_is_gone():
    memory = Memory()
    memory.get("first", "a", lambda: 1)
    memory.get("second", "b", lambda: 2)
    assert memory.get("first", "a", lambda: 3) == 3


def test_of_single_objects_only_the_latest_are_kept():
    memory, made = Memory(kept=2), []

    def ask(name: str) -> None:
        memory.get("state", name, lambda: made.append(name), single=True)

    for name in ("a", "b", "a", "c", "a", "b"):
        ask(name)
    assert made == ["a", "b", "c", "b"]  # b went when c came, for a had been asked for since


def test_what_all_pages_share_is_not_pushed_out_by_single_objects():
    memory, made = Memory(kept=1), []
    memory.get("state", "shared", lambda: made.append("shared"))
    for name in ("a", "b"):
        memory.get("state", name, lambda: made.append("own"), single=True)
    memory.get("state", "shared", lambda: made.append("shared"))
    assert made == ["shared", "own", "own"]
    memory.get("next state", "a", lambda: made.append("anew"), single=True)
    assert made[-1] == "anew"


def test_of_requests_that_come_at_once_one_computes():
    memory, made, begun = Memory(), [], threading.Event()

    def slowly() -> str:
        made.append(1)
        begun.wait(5)
        return "value"

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(memory.get, "state", "dear", slowly) for _ in range(4)]
        begun.set()
        assert {one.result(10) for one in asked} == {"value"}
    assert made == [1]


def test_what_could_not_be_computed_is_tried_again_by_whoever_waited():
    memory = Memory()

    def fail() -> None:
        raise ValueError("not now")

    with pytest.raises(ValueError, match="not now"):
        memory.get("state", "dear", fail)
    assert memory.get("state", "dear", lambda: 1) == 1
