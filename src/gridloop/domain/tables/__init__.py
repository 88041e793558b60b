"""The canonical model: every table of Gridloop, declared once, as data (docs/conventions.md §5)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridloop.domain.errors import UsageError, did_you_mean
from gridloop.domain.table import TableSpec
from gridloop.domain.tables import (
    billing,
    channel,
    environment,
    intake,
    ledger,
    metering,
    network,
    party,
    results,
    service,
)

_SUBJECTS = (party, metering, billing, service, channel, network, environment, intake, results, ledger)

CATALOGUE: Mapping[str, TableSpec] = MappingProxyType(
    {spec.name: spec for subject in _SUBJECTS for spec in subject.TABLES}
)
"""Every table by name, in the order of the dictionary."""


def table(name: str) -> TableSpec:
    """The table of that name.

    Raises:
        UsageError: there is no such table; the ways out name the closest ones.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UsageError(
            f"There is no table {name!r} in the catalogue.", ways_out=did_you_mean(name, CATALOGUE)
        ) from None
