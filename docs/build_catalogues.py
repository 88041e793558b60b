"""Keep the message catalogues in step with the console; run by `make docs` and `make catalogues`.

Every message of a page is in `library/locale/zh/LC_MESSAGES/<page>.po`, shared ones in `console.po`. New messages are
added untranslated, unused ones are dropped. With `--check` nothing is written, and the exit code is 1 when something
is missing, fuzzy, the same in Chinese as in English, or filled in with other values than the English has.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

import gridloop

sys.path.insert(0, str(Path(__file__).resolve().parent))
from spoken import spoken

PACKAGE = Path(gridloop.__file__).parent
SOURCES = (PACKAGE / "apps" / "web", PACKAGE / "apps" / "console", PACKAGE / "apps" / "words.py")
FOLDER = PACKAGE / "library" / "locale" / "zh" / "LC_MESSAGES"
SHARED = "console"
KEYWORDS: dict[str, Any] = {
    "_": None,
    "text": None,
    "mark": None,
    "words": None,
    "ngettext": (1, 2),
    "plural": (1, 2),
}

SAME = frozenset(
    {
        "Gridloop",
        "CSV",
        "JSON",
        "gridloop run -w {0}",
        "gridloop segment try \"tag('evening_peak') and daily_mean > 8000\"",
        "pip install 'gridloop[postgres]'",
    }
)
"""Messages that are the same in both languages."""

Key = str | tuple[str, ...]


def messages(sources: Sequence[Path] = SOURCES) -> dict[Key, str]:
    """Every message with the catalogue it belongs to: that of the page which alone has it, or the shared one."""
    homes: dict[Key, set[str]] = {}
    for folder in sources:
        within = sorted([*folder.rglob("*.py"), *folder.rglob("*.html")])
        for path in within if folder.is_dir() else [folder]:
            home = path.stem if folder.name == SHARED and path.stem not in ("__init__", "app") else SHARED
            method = "python" if path.suffix == ".py" else "jinja2.ext:babel_extract"
            for _, found, _, _ in extract_from_file(method, path, keywords=KEYWORDS):
                homes.setdefault(found, set()).add(home)
    found = {key: next(iter(home)) if len(home) == 1 else SHARED for key, home in homes.items()}
    return found | {text: home for text, home in spoken(PACKAGE).items() if text not in found}


def catalogues(folder: Path = FOLDER) -> dict[str, Catalog]:
    """The catalogues there are, by name."""
    found = {}
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            found[path.stem] = read_po(file, locale="zh_Hans_CN")
    return found


def gaps(wanted: Mapping[Key, str], known: Mapping[str, Catalog]) -> Iterator[str]:
    """What a reader of Chinese would stumble over, as `catalogue: message: fault`."""
    said: dict[str, tuple[str, ...]] = {}
    for name, catalogue in known.items():
        for message in catalogue:
            if not message.id:
                continue
            key, told = _first(message.id), _all(message.string)
            place = f"{name}: {key}"
            if message.fuzzy:
                yield f"{place}: fuzzy"
            elif not all(told):
                yield f"{place}: not translated"
            elif said.setdefault(key, told) != told:
                yield f"{place}: translated in two ways"
            elif key in told and key not in SAME:
                yield f"{place}: the same as in English"
            elif any(_values(text) != _values(_all(message.id)[-1]) for text in told):
                yield f"{place}: other values than in English"
    yield from (
        f"{home}: {_first(key)}: missing" for key, home in wanted.items() if _first(key) not in _keys(known)
    )


def _keys(known: Mapping[str, Catalog]) -> set[str]:
    return {_first(message.id) for catalogue in known.values() for message in catalogue if message.id}


def _first(key: Any) -> str:
    return str(key if isinstance(key, str) else key[0])


def _all(texts: Any) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _values(text: str) -> set[str]:
    return {name for name in re.findall(r"\{\{|\}\}|\{(\w+)", text) if name}


def update(wanted: Mapping[Key, str], known: Mapping[str, Catalog], folder: Path = FOLDER) -> list[str]:
    """Add what is missing, drop what nobody says any more; answers the names of the files that changed."""
    used, there = {_first(key) for key in wanted}, _keys(known)
    made = {name: _new() for name in {*known, *wanted.values()}}
    for name, catalogue in known.items():
        for message in catalogue:
            if message.id and _first(message.id) in used:
                made[name].add(message.id, message.string)
    for key, home in wanted.items():
        if _first(key) not in there:
            made[home].add(key)
    changed = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, catalogue in sorted(made.items()):
        path = folder / f"{name}.po"
        before = path.read_bytes() if path.exists() else b""
        with path.open("wb") as file:
            file.write(HEADER.encode())
            write_po(file, catalogue, width=110, omit_header=True, no_location=True, sort_output=True)
        if path.read_bytes() != before:
            changed.append(path.name)
    return changed


HEADER = """msgid ""
msgstr ""
"Language: zh_Hans_CN\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""


def _new() -> Catalog:
    return Catalog(locale="zh_Hans_CN", fuzzy=False)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 when nothing is missing."""
    parser = argparse.ArgumentParser(description="Keep the message catalogues in step with the console.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when something is missing")
    options = parser.parse_args(arguments)
    wanted, known = messages(), catalogues()
    if not options.check:
        for name in update(wanted, known):
            sys.stdout.write(f"written: {name}\n")
        known = catalogues()
    found = list(gaps(wanted, known))
    sys.stdout.write("".join(f"{fault}\n" for fault in found))
    sys.stdout.write(f"{len(wanted)} messages, {len(found)} faults in the catalogues\n")
    return int(options.check and bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
