"""Write the data dictionary, `docs/dictionary/en` and `docs/dictionary/zh`, from the catalogue; run by `make docs`.

With `--check` nothing is written, and the exit code is 1 when a page differs, is absent or is left over.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gridloop.domain.dictionary import LANGUAGES, dictionary_pages

DICTIONARY = Path(__file__).resolve().parent / "dictionary"


def stale_pages(folder: Path) -> list[str]:
    """Paths below `folder` that differ from the catalogue: changed, absent or left over."""
    wanted = dictionary_pages()
    present = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for language in LANGUAGES
        for path in (folder / language).glob("*.md")
    }
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write_pages(folder: Path) -> list[str]:
    """Bring the pages below `folder` in step with the catalogue; the paths that were written or removed."""
    wanted = dictionary_pages()
    changed = stale_pages(folder)
    for name in changed:
        page = folder / name
        if name in wanted:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(wanted[name], encoding="utf-8")
        else:
            page.unlink()
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 when the pages are in step, 1 when `--check` finds one that is not."""
    parser = argparse.ArgumentParser(description="Write the data dictionary from the catalogue.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a page is out of step")
    parser.add_argument("--folder", type=Path, default=DICTIONARY, help="where the pages are")
    options = parser.parse_args(arguments)
    changed = stale_pages(options.folder) if options.check else write_pages(options.folder)
    verb = "out of step" if options.check else "written or removed"
    sys.stdout.write("".join(f"{verb}: {name}\n" for name in changed))
    sys.stdout.write(f"{len(changed)} of {len(dictionary_pages())} dictionary pages {verb}\n")
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
