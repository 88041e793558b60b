"""Write the tables of `docs/methods/features.md` from the feature catalogue; run by `make docs`.

With `--check` nothing is written, and the exit code is 1 when the page is out of step.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from gridloop.kernels.features.catalogue import FEATURES
from gridloop.kernels.features.reason import Reason

PAGE = Path(__file__).resolve().parent / "methods" / "features.md"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def feature_table() -> str:
    """Every feature: what it is called, its unit and its formula."""
    rows = (
        (
            f"`{spec.name}`",
            f"{spec.label.en} · {spec.label.zh}",
            f"{spec.unit}{', by slot' * spec.vector}",
            spec.formula,
        )
        for spec in FEATURES
    )
    return table(("name", "label", "unit", "formula"), rows)


def minimum_table() -> str:
    """Every feature: what it needs, how ties are decided, where the definition comes from."""
    rows = (
        (
            f"`{spec.name}`",
            str(spec.minimum_days),
            f"{spec.minimum_coverage:.0%}",
            spec.needs or "—",
            spec.tie_rule,
            spec.source,
        )
        for spec in FEATURES
    )
    return table(("name", "usable days", "coverage", "further needs", "tie rule", "source"), rows)


def reason_table() -> str:
    """Every reason code."""
    return table(("code", "meaning", "含义"), ((f"`{r.code}`", r.label.en, r.label.zh) for r in Reason))


SECTIONS = {"features": feature_table, "minimum": minimum_table, "reasons": reason_table}


def renewed(page: str) -> str:
    """The page with every generated section as the catalogue has it now."""
    for name, write in SECTIONS.items():
        begin, end = f"<!-- generated: {name} -->\n", f"\n<!-- end: {name} -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"the page has no section between {begin.strip()} and {end.strip()}")
        page = f"{before}{begin}{write()}{end}{after}"
    return page


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 when the page is in step, 1 when `--check` finds that it is not."""
    parser = argparse.ArgumentParser(description="Write the feature tables from the catalogue.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail when the page is out of step"
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="the page")
    options = parser.parse_args(arguments)
    old = options.page.read_text(encoding="utf-8")
    new = renewed(old)
    if options.check:
        sys.stdout.write(
            f"{options.page.name} is {'in' if old == new else 'out of'} step with the catalogue\n"
        )
        return int(old != new)
    options.page.write_text(new, encoding="utf-8")
    sys.stdout.write(f"{options.page.name}: {len(FEATURES)} features\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
