"""Fetch the pinned scripts of others from npm and check them against `docs/vendor.toml`; run by `make vendor`."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "docs" / "vendor.toml"


def packages() -> list[dict[str, Any]]:
    """What is listed: name, version, licence, files."""
    listed: list[dict[str, Any]] = tomllib.loads(LIST.read_text(encoding="utf-8"))["package"]
    return listed


def built() -> list[dict[str, Any]]:
    """What is made of packages: name, entry, packages, builder, file."""
    listed: list[dict[str, Any]] = tomllib.loads(LIST.read_text(encoding="utf-8")).get("built", [])
    return listed


def pinned() -> dict[str, str]:
    """The digest of every committed file."""
    files = [file for package in packages() for file in package["files"].values()]
    return dict([*files, *(one["file"] for one in built())])


def altered(root: Path = ROOT) -> list[str]:
    """Committed files that are not what the list says."""
    return [
        path
        for path, digest in pinned().items()
        if not (root / path).is_file() or hashlib.sha256((root / path).read_bytes()).hexdigest() != digest
    ]


def fetch(package: dict[str, Any]) -> list[str]:
    """Write a package's files; answers those whose digest differs, which are not written."""
    refused = []
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"{package['name']}@{package['version']}"
        command = ["npm", "pack", "--silent", "--ignore-scripts", wanted]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            for name, (path, digest) in package["files"].items():
                member = packed.extractfile(f"package/{name}")
                content = member.read() if member is not None else b""
                if hashlib.sha256(content).hexdigest() != digest:
                    refused.append(f"{wanted}: {name}")
                    continue
                (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
                (ROOT / path).write_bytes(content)
    return refused


def build(one: dict[str, Any]) -> list[str]:
    """Bundle what an entry uses of packages; answers its name when the bytes differ, which are not written then."""
    path, digest = one["file"]
    with tempfile.TemporaryDirectory() as folder:
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save"]
        subprocess.run([*install, "--ignore-scripts", *one["packages"]], cwd=folder, check=True)
        subprocess.run([*install, *one["packages"], one["builder"]], cwd=folder, check=True)
        shutil.copy(ROOT / one["entry"], Path(folder) / "entry.js")
        command = ["npx", "esbuild", "entry.js", "--bundle", "--minify", "--format=esm", "--target=es2020"]
        command += ["--legal-comments=none", "--log-level=error", "--outfile=out.js"]
        subprocess.run(command, cwd=folder, check=True)
        content = (Path(folder) / "out.js").read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        return [f"{one['name']}: built otherwise"]
    (ROOT / path).write_bytes(content)
    return []


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 when every file is what the list says."""
    parser = argparse.ArgumentParser(description="Fetch the pinned scripts of others, or check them.")
    parser.add_argument("--check", action="store_true", help="fetch nothing, fail when a file differs")
    options = parser.parse_args(arguments)
    refused = [] if options.check else [name for package in packages() for name in fetch(package)]
    refused += [] if options.check else [name for one in built() for name in build(one)]
    for name in (*refused, *altered()):
        sys.stdout.write(f"not what the list says: {name}\n")
    return int(bool(refused or altered()))


if __name__ == "__main__":
    raise SystemExit(main())
