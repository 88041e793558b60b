"""Where tariffs lie and how one is read: shipped ones, and those of a workspace, which override by name."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gridloop.domain.declaration import explain_declaration
from gridloop.domain.declared_files import FileStamp, read_declared, stamps
from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.strategy.tariff.model import Tariff

PAGE = "docs/methods/tariff-bills.md explains every key."

NOT_SUPPORTED = {
    "demand": "A charge by maximum demand",
    "demand_charge": "A charge by maximum demand",
    "maximum_demand": "A charge by maximum demand",
    "contract_demand": "A charge by contract demand",
    "ratchet": "A demand ratchet",
    "power_factor": "A power-factor adjustment",
    "minimum_bill": "A minimum bill",
    "net_metering": "Net metering",
}
"""Keys that tariffs of the field have and that are refused by name rather than priced approximately."""


def tariff_paths(workspace: Path | None = None) -> dict[str, Path]:
    """File of every tariff by name; a workspace's `tariffs/NAME.yaml` overrides the shipped one.

    Args:
        workspace: root folder of a workspace, if one is open.
    """
    shipped = Path(str(files("gridloop") / "library" / "tariffs"))
    folders = [shipped] if workspace is None else [shipped, workspace / "tariffs"]
    return {
        path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.yaml"))
    }


def list_tariffs(workspace: Path | None = None) -> list[Tariff]:
    """Every tariff that can be priced, by name."""
    return [read_tariff(path) for _, path in sorted(tariff_paths(workspace).items())]


def load_tariff(name: str, workspace: Path | None = None) -> Tariff:
    """The tariff of that name.

    Raises:
        UsageError: there is none, or its file is not a valid tariff; says where and what is close.
    """
    paths = tariff_paths(workspace)
    if name not in paths:
        raise UsageError(f"There is no tariff {name!r}.", ways_out=did_you_mean(name, paths))
    return read_tariff(paths[name])


def read_tariff(path: Path) -> Tariff:
    """Read and check one tariff file; every value is taken as the text that was written.

    Raises:
        UsageError: not YAML, an unknown or unsupported key, a missing or wrong value.
    """
    return _tariff_of(path, stamps([path]))


@lru_cache(maxsize=128)
def _tariff_of(path: Path, _written: tuple[FileStamp, ...]) -> Tariff:
    """A tariff, read and checked again when its file was written."""
    try:
        # as text: a float would already have lost the number
        declared = read_declared(path, text=True)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"Tariff file {path.name!r} cannot be read.", evidence={"reason": str(error).replace("\n", " ")}
        ) from error
    if not isinstance(declared, dict):
        raise UsageError(
            f"Tariff file {path.name!r} holds no tariff.", ways_out=("Start with `name:`.", PAGE)
        )
    tariff = parse_tariff(declared, path.name)
    if tariff.name != path.stem:
        raise UsageError(
            f"Tariff file {path.name!r} declares the name {tariff.name!r}.",
            ways_out=(f"Name the file {tariff.name}.yaml.",),
        )
    return tariff


def parse_tariff(declared: dict[str, Any], where: str = "tariff") -> Tariff:
    """Check a declaration and turn it into a `Tariff`.

    Args:
        declared: the parsed YAML, prices as text.
        where: named in errors.

    Raises:
        UsageError: see `read_tariff`.
    """
    for key, thing in NOT_SUPPORTED.items():
        if key in declared:
            raise UsageError(
                f"{thing} is not supported yet, so tariff {where!r} cannot be priced.",
                evidence={"key": key},
                ways_out=("Price a tariff without it; an approximation would give wrong bills.", PAGE),
            )
    try:
        return Tariff.model_validate(declared)
    except ValidationError as error:
        raise explain_declaration(error, Tariff, noun="tariff", where=where, page=PAGE) from error
