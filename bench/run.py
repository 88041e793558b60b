"""Run every bench module and write docs/figures/bench.json: `python -m bench.run [--size small|full]
[--only NAME]`.

Each row runs in a process of its own with two threads, so that its peak memory is its own. The ratio is the
other's time over ours: above 1 we are faster.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures" / "bench.json"
SIZES = ("small", "full")
THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "2"
)


def modules() -> list[str]:
    """The bench modules beside this one."""
    return sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name != "run")


def parts_of(module: str) -> list[str]:
    """The functions of `ROWS` in a module, one row each; else `rows`; nothing for a module that only helps
    others.
    """
    loaded = importlib.import_module(f"bench.{module}")
    if hasattr(loaded, "ROWS"):
        return [one.__name__ for one in loaded.ROWS]
    return ["rows"] if hasattr(loaded, "rows") else []


def measured(module: str, part: str, size: str) -> list[dict[str, object]]:
    """Rows of one part, measured in a fresh process."""
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        command = [
            sys.executable,
            "-m",
            "bench.run",
            "--size",
            size,
            "--part",
            f"{module}.{part}",
            "--answer",
            answer.name,
        ]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | THREADS | {"PYTHONPATH": path})
        rows: list[dict[str, object]] = json.loads(Path(answer.name).read_text(encoding="utf-8"))
    return rows


def answer_part(part: str, size: str, answer: Path) -> None:
    """Measure one part in this process and leave its rows in a file."""
    from bench.timing import peak_rss_mb

    module, function = part.split(".")
    found = getattr(importlib.import_module(f"bench.{module}"), function)(size)
    rows = [found] if isinstance(found, dict) else list(found)
    for row in rows:
        if row.get("peak_rss_mb") is None:
            row["peak_rss_mb"] = round(peak_rss_mb())
    answer.write_text(json.dumps(rows), encoding="utf-8")


def machine() -> dict[str, object]:
    """Processor, cores and memory; nothing that names the machine."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "python": sys.version.split()[0],
    }


def commit() -> str:
    """The commit measured, marked where the tree holds changes; `unknown` outside a repository."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def table(rows: list[dict[str, object]]) -> str:
    """The rows as text."""
    widest = max((len(str(row["name"])) for row in rows), default=4)
    head = f"{'ours':>10}  {'other':>10}  {'ratio':>7}  {'min–max':>15}  {'target':>6}  {'MB':>6}  unit"
    lines = [f"{'name':<{widest}}  {head}"]
    for row in rows:
        span = f"{row['ratio_min']}–{row['ratio_max']}"
        target = row.get("target")
        lines.append(
            f"{row['name']:<{widest}}  {row['ours']:>10}  {row['other']:>10}  {row['ratio']:>7}  {span:>15}"
            f"  {'' if target is None else target:>6}  {row['peak_rss_mb']:>6}  {row['unit']}"
        )
    return "\n".join(lines)


def write_figures(path: Path, size: str, rows: list[dict[str, object]]) -> None:
    """Write the figures so that a reader sees the old file or the new one, never half of it."""
    figures = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "size": size,
        "rows": rows,
        "targets": {row["name"]: row["target"] for row in rows if row.get("target") is not None},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".json.tmp")
    draft.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--only", help="one module, such as shapes; prints without writing figures")
    parser.add_argument("--out", type=Path, default=FIGURES, help="where the figures go")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.part:
        answer_part(chosen.part, chosen.size, chosen.answer)
        return
    rows: list[dict[str, object]] = []
    for module in [chosen.only] if chosen.only else modules():
        for part in parts_of(module):
            print(f"measuring {module}.{part} ({chosen.size}) …", file=sys.stderr, flush=True)
            rows += measured(module, part, chosen.size)
    print(table(rows))
    if not chosen.only:
        write_figures(chosen.out, chosen.size, rows)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
