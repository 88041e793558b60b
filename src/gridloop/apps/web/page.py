"""What a page is: an address, a name, and one function whose answer becomes HTML, JSON or CSV."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from gridloop import __version__
from gridloop.apps.translations import mark as mark

if TYPE_CHECKING:
    from gridloop.apps.web.memory import Memory
    from gridloop.apps.wiring import Session
    from gridloop.apps.words import Words
    from gridloop.engine.view import LakeView

STAGES = ("data", "insight", "strategy", "reach", "evaluate", "govern")
"""The parts of the navigation, in the order of the loop; `""` is the overview."""


@dataclass(frozen=True)
class Answer:
    """What a page says.

    Attributes:
        rows: its main table: what `.csv` gives; dictionaries with the same keys.
        facts: everything else, by name; plain values, for the template and `.json`.
        pictures: SVG by name, or lists of it, for the template alone; made by `web.drawing`, never from text.
        heading: instead of the page's title, in the reader's language.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    heading: str = ""


@dataclass(frozen=True)
class Context:
    """What a page is made from: one request, and the workspace as it was published when the request came.

    Attributes:
        session: the workspace; its ledger and clock.
        view: all tables at the published state; only to be read, closed by whoever lent it.
        words: translates, and writes numbers and times as the reader does.
        parameters: parts of the address, such as `customer_id`.
        query: the query string; filters live there.
        actor: who acts.
        base: whatever the app has for all its pages, by name, such as the runner of jobs.
    """

    session: Session
    view: LakeView
    words: Words
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    actor: str = ""
    base: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def state(self) -> Hashable:
        """Equal as long as what is published, records, and the workspace's settings and definitions stay as they are.

        Messages and answers change within runs only, so the newest run stands for them.
        """
        ledger, root = self.session.ledger, self.session.workspace.root
        runs = [(run.run_id, run.outcome, run.finished_at) for run in ledger.runs.recent(1)]
        files = sorted(
            (str(path), path.stat().st_mtime_ns) for path in (*root.glob("*.toml"), *root.glob("*/*.yaml"))
        )
        manifest = sorted(self.view.snapshots.items())
        return tuple(manifest), tuple(runs), tuple(files), ledger.audit.head().sequence

    def remembered(self, name: str, make: Callable[[], Any], *, single: bool = False) -> Any:
        """What `make` answers, computed once as long as neither what is published nor a record has changed.

        Only for values that do not depend on the reader: no words, nothing of who acts.

        Args:
            name: unique; with whatever else it depends on.
            make: computes it.
            single: it is one of many objects' own, such as one customer's; only the latest of these are kept.
        """
        memory: Memory = self.base["memory"]
        return memory.get(self.state, name, make, single=single)

    def count(self, name: str) -> int:
        """Rows of a table; 0 when nothing of it is published."""
        return int(self.remembered(f"count.{name}", lambda: self.view.count(name)))

    def to(self, *paths: str) -> str:
        """The first of some addresses at which a page answers; empty when there is none."""
        known: Callable[[str], bool] = self.base["known"]
        return next((path for path in paths if known(path)), "")

    def text(self, message: str, **values: object) -> str:
        """A message in the reader's language; `{name}` in it is replaced by `values`."""
        return self.words(message, **values)

    def basis(
        self, meaning: str, tables: Sequence[str] = (), job: str | None = None, **facts: object
    ) -> dict[str, Any]:
        """The answer to "how was this computed?", for the macro `basis` and for `.json`.

        Args:
            meaning: the definition, in the reader's language.
            tables: tables it was read from; their snapshots are added.
            job: the job that computed it; its last success is added.
            **facts: whatever else proves it.
        """
        run = self.session.ledger.runs.last_success(job) if job else None
        return {
            "meaning": meaning,
            "tables": [{"table": name, "snapshot": self.view.snapshots.get(name)} for name in tables],
            "job": job,
            "computed_at": None if run is None else run.finished_at,
            "run": None if run is None else str(run.run_id),
            "code_version": __version__ if run is None else run.code_version,
            **facts,
        }


@dataclass(frozen=True)
class Page:
    """One page; `console` says how to add one.

    Attributes:
        path: its address, such as `/customers` or `/customers/{customer_id}`; `.json` and `.csv` are added to it.
        title: marked message; its name in the navigation too.
        stage: one of `STAGES`, or `""`.
        template: file in a folder `templates`.
        answer: makes what it says; raises GridloopError for what is not there.
        listed: whether the navigation names it; an object's own page is reached from a list.
    """

    path: str
    title: str
    stage: str
    template: str
    answer: Callable[[Context], Answer]
    listed: bool = True


@dataclass(frozen=True)
class Action:
    """What a form does; it comes only from our own pages (`web.guard`).

    Attributes:
        path: where the form is posted.
        act: does it and answers the address that is shown next; raises GridloopError when it must not be done.
    """

    path: str
    act: Callable[[Context, Mapping[str, str]], str]


def address(path: str, **query: object) -> str:
    """An address with a query string; values that are None or empty are left out."""
    kept = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path
