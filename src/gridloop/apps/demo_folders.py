"""Where a demo lies, and which county it holds."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from gridloop.domain.errors import ServiceMissing, UsageError

MARK = "county.toml"


@dataclass(frozen=True)
class DemoCounty:
    """Which county a demo holds; equal ones have equal files.

    Attributes:
        customers, days, seed: see `twin.settings.TwinSettings`.
        continued_days: days after those that answer to the campaign.
    """

    customers: int
    days: int
    seed: int
    continued_days: int

    @property
    def text(self) -> str:
        """As it is written beside the sources."""
        return "".join(f"{name} = {value}\n" for name, value in asdict(self).items())


@dataclass(frozen=True)
class DemoFolders:
    """Where a demo lies.

    Attributes:
        root: the folder of all.
    """

    root: Path

    @property
    def sources(self) -> Path:
        """The county's files, as its systems export them."""
        return self.root / "sources"

    @property
    def later_sources(self) -> Path:
        """Its files of the days after, in which the customers have answered."""
        return self.root / "later"

    @property
    def late_sources(self) -> Path:
        """Of these what has not arrived: a demo shows how that looks; importing this folder mends it."""
        return self.root / "late"

    @property
    def answers(self) -> Path:
        """What the county's people remember of the messages that they got."""
        return self.root / "answers"

    @property
    def truth(self) -> Path:
        """What no stage may read; deleting it changes nothing but comparisons with it."""
        return self.root / "truth"

    @property
    def workspace(self) -> Path:
        """The Gridloop workspace."""
        return self.root / "workspace"

    def claim(self, county: DemoCounty) -> bool:
        """Make the folder this county's; answers whether its files are complete already.

        Raises:
            UsageError: the folder holds another demo.
        """
        mark = self.root / MARK
        if not mark.exists():
            return False
        if mark.read_text(encoding="utf-8") != county.text:
            raise UsageError(
                f"{self.root} holds another demo.",
                evidence={
                    "there": _words(mark.read_text(encoding="utf-8")),
                    "asked_for": _words(county.text),
                },
                ways_out=("Name another folder.", f"Remove {self.root} to start anew."),
            )
        return True

    def complete(self, county: DemoCounty) -> None:
        """Say that the county's files are all there."""
        from gridloop.engine.durable import write_durably

        write_durably(self.root / MARK, county.text.encode())


def _words(text: str) -> str:
    """The lines of a mark as words: `customers=12 days=40`."""
    return " ".join(line.replace(" = ", "=") for line in text.splitlines())


def county_of(workspace: Path) -> tuple[DemoFolders, DemoCounty]:
    """The demo that a workspace belongs to.

    Raises:
        ServiceMissing: the county is not beside the workspace any more, so nobody can answer.
    """
    folders = DemoFolders(workspace.parent)
    mark = folders.root / MARK
    if not mark.is_file():
        raise ServiceMissing(
            "The synthetic county that this workspace belongs to is not beside it.",
            evidence={"missing": str(mark)},
            ways_out=(
                "Put the workspace back into its demo folder.",
                "Set another transport for its channels in gridloop.toml.",
            ),
        )
    return folders, DemoCounty(**tomllib.loads(mark.read_text(encoding="utf-8")))
