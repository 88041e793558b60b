"""What every text file must keep: cited rules exist, nothing is unfinished, no machine is named."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SUFFIXES = set(".py .md .toml .txt .yaml .yml .ini .cfg .html .js .css .json .sh .sql .mako".split()) | {""}  # noqa: SIM905
LARGEST = 1_000_000

# Each pattern is joined from pieces, so that this file does not name what it forbids.
FOLDERS = ["/" + name + "/" for name in ("work", "farm", "root", "tmp")]
HOMES = ["/" + home + r"/(?!<)\w" for home in ("home", "Users")]
HOSTS = [
    "python" + "hosted",
    "py" + r"pi\.org",
    "registry" + r"\.npm",
    "deb" + r"\.debian",
    "archive" + r"\.ubuntu",
]
WORKPLACE = ["farm-" + "studio", "farm-" + "bench", r"\bsub" + "agent"]
MACHINES = re.compile("|".join([*FOLDERS, *HOMES, *HOSTS, *WORKPLACE]), re.I)
UNFINISHED = re.compile(
    r"\b(TO" + "DO|FIX" + "ME|XX" + "X|NotImplemented" + r"Error|pytest\.mark\.sk" + r"ip\()"
)
SECTION = re.compile("\u00a7 ?([0-9]+(?:\\.[0-9]+)*)")

FRONT = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGE = re.compile(r"\bdocs/[\w./-]+\.(?:md|json|py)\b")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def texts(root: Path, *folders: str) -> Iterator[tuple[str, str]]:
    """Every text file of the repository, tracked or about to be, by its path; any tree counts as one."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = listing.stdout.splitlines() if listing.returncode == 0 else everything(root)
    for name in sorted(set(found)):
        path = root / name
        if (
            name.startswith(folders)
            and path.suffix in SUFFIXES
            and path.is_file()
            and path.stat().st_size < LARGEST
        ):
            yield name, path.read_text(encoding="utf-8", errors="replace")


def everything(root: Path) -> list[str]:
    """Every file of a tree that git does not know, such as an unpacked archive, but for built ones."""
    paths = (path.relative_to(root) for path in root.rglob("*"))
    return [str(path) for path in paths if not re.match(r"\.(venv|git)|demo/|build/|dist/", f"{path}/")]


def matches(pattern: re.Pattern[str], root: Path, *folders: str) -> list[str]:
    """Lines of text files that match, as `path:line matched words`."""
    return [
        f"{name}:{number} {match.group()}"
        for name, text in texts(root, *folders)
        for number, line in enumerate(text.splitlines(), start=1)
        for match in pattern.finditer(line)
    ]


def machine_names(root: Path) -> list[str]:
    """A path of one machine, a download host or a tool of one workplace works for nobody else."""
    return matches(MACHINES, root, "")


def unfinished_code(root: Path) -> list[str]:
    """Work that is not done is an issue with a number, not a comment that nobody reads."""
    return matches(UNFINISHED, root, "src/", "tests/", "bench/")


def unknown_sections(root: Path) -> list[str]:
    """A cited rule that does not exist proves nothing: each is a heading of docs/conventions.md."""
    rules = (root / "docs/conventions.md").read_text(encoding="utf-8")
    known = {
        number for line in rules.splitlines() if line.startswith("#") for number in SECTION.findall(line)
    }
    return [
        hit for hit in matches(SECTION, root, "src/", "tests/", "docs/", "bench/") if cited(hit) not in known
    ]


def cited(hit: str) -> str:
    """The number of the section that a hit cites."""
    return SECTION.findall(hit)[-1]


def absent_pages(root: Path) -> list[str]:
    """A message or page that sends its reader to a file that is not there ends the search in the wrong place."""
    named = [
        (hit, root / hit.split(" ", 1)[1]) for hit in matches(PAGE, root, "src/", "docs/", "bench/", *FRONT)
    ]
    linked = [
        (f"{name} {target}", root / Path(name).parent / target)
        for name, text in texts(root, "docs/", *FRONT)
        if name.endswith(".md")
        for target in LINK.findall(text)
    ]
    return [hit for hit, path in [*named, *linked] if not path.exists()]


RULES = [machine_names, unfinished_code, unknown_sections, absent_pages]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(repository, rule):
    assert rule(repository) == []


def test_the_rules_read_the_tree(repository):
    names = {name for name, _ in texts(repository, "")}
    assert {
        "README.md",
        "Makefile",
        "src/gridloop/domain/table.py",
        "tests/architecture/test_text.py",
    } <= names


def test_a_machine_is_named(plant):
    paths = [
        "/" + "work/main",
        "/" + "home/ann/gridloop",
        "https://" + "py" + "pi.org/simple",
        "the sub" + "agent",
    ]
    found = machine_names(plant({"docs/a.md": "\n".join([*paths, "homework/done", "/home/<you>"])}))
    assert [hit.split()[0] for hit in found] == ["docs/a.md:1", "docs/a.md:2", "docs/a.md:3", "docs/a.md:4"]


def test_unfinished_code_is_named(plant):
    lines = ["# TO" + "DO later", "raise NotImplemented" + "Error", "@pytest.mark.sk" + "ip('x')", "todo = 1"]
    found = unfinished_code(plant({"src/gridloop/a.py": "\n".join(lines), "README.md": lines[0]}))
    assert [hit.split()[0] for hit in found] == [f"src/gridloop/a.py:{line}" for line in (1, 2, 3)]


def test_a_section_that_is_not_a_heading_is_named(plant):
    mark = "\u00a7"
    rules = f"## {mark}1 Time\n\nsee {mark}2\n\n### {mark}1.2 Zones\n"
    code = f"# conventions.md {mark}1, {mark} 1.2\nmessage = 'see {mark}9'\n"
    assert unknown_sections(plant({"docs/conventions.md": rules, "src/gridloop/a.py": code})) == [
        f"docs/conventions.md:3 {mark}2",
        f"src/gridloop/a.py:2 {mark}9",
    ]


def test_a_page_that_is_named_or_linked_but_absent_is_named(plant):
    page = "[rules](conventions.md#time), [why](decisions/0009.md), [out](https://a.org/a.md), docs/methods/peak.md"
    root = plant(
        {"docs/a.md": page, "docs/conventions.md": "", "src/gridloop/a.py": "see = 'docs/conventions.md'"}
    )
    assert absent_pages(root) == ["docs/a.md:1 docs/methods/peak.md", "docs/a.md decisions/0009.md"]
