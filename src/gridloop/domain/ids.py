"""Typed identifiers: strings checked once, that a type checker keeps apart (docs/conventions.md §4)."""

from __future__ import annotations

from hashlib import sha256
from typing import ClassVar, Self

from gridloop.domain.errors import InvalidId, UsageError

MAX_ID_LENGTH = 128
"""Longest identifier, in characters."""


class Identifier(str):
    """Base of all identifiers: 1 to 128 printable characters, no path separator, no blank at either end.

    Raises:
        InvalidId: the text breaks one of these rules; the error says which.
    """

    __slots__ = ()

    noun: ClassVar[str] = "identifier"

    def __new__(cls, text: str) -> Self:
        fault = identifier_fault(text)
        if fault is not None:
            raise InvalidId(
                f"{text[:MAX_ID_LENGTH]!r} cannot be a {cls.noun}: it {fault}.",
                evidence={"length": len(text), "longest allowed": MAX_ID_LENGTH},
                ways_out=(
                    "Map the source column to a stable code without blanks at its ends, '/' or '\\'.",
                    "If the column holds no identifier, change the mapping of the recipe.",
                ),
            )
        return super().__new__(cls, text)


def identifier_fault(text: str) -> str | None:
    """Why `text` cannot be an identifier, as the end of a sentence; None when it can."""
    if not text:
        return "is empty"
    if len(text) > MAX_ID_LENGTH:
        return f"is longer than {MAX_ID_LENGTH} characters"
    if text != text.strip():
        return "begins or ends with a blank"
    if not text.isprintable():
        return "holds a control character or another that cannot be printed"
    if "/" in text or "\\" in text or text in (".", ".."):
        return "could be read as a path"
    return None


class CustomerId(Identifier):
    """A customer: a person or body that uses energy, by pseudonym or by the source's code."""

    __slots__ = ()
    noun = "customer id"


class AccountId(Identifier):
    """An account: what bills are sent to; the usual unit of randomisation."""

    __slots__ = ()
    noun = "account id"


class ContractId(Identifier):
    """A contract between an account and a service point."""

    __slots__ = ()
    noun = "contract id"


class ServicePointId(Identifier):
    """A place where energy is delivered."""

    __slots__ = ()
    noun = "service point id"


class MeterId(Identifier):
    """A meter."""

    __slots__ = ()
    noun = "meter id"


class TransformerId(Identifier):
    """A distribution transformer."""

    __slots__ = ()
    noun = "transformer id"


class FeederId(Identifier):
    """A feeder."""

    __slots__ = ()
    noun = "feeder id"


class SubstationId(Identifier):
    """A substation."""

    __slots__ = ()
    noun = "substation id"


class RegionId(Identifier):
    """A region of any level."""

    __slots__ = ()
    noun = "region id"


class TariffId(Identifier):
    """A tariff of the library or the workspace."""

    __slots__ = ()
    noun = "tariff id"


class RunId(Identifier):
    """One run of a job."""

    __slots__ = ()
    noun = "run id"


class PlanId(Identifier):
    """A plan."""

    __slots__ = ()
    noun = "plan id"


class CampaignId(Identifier):
    """A campaign."""

    __slots__ = ()
    noun = "campaign id"


class SendId(Identifier):
    """One message to one customer."""

    __slots__ = ()
    noun = "send id"


def bucket_of(meter_id: str, buckets: int) -> int:
    """The bucket of a meter: first four bytes of SHA-256(meter id in UTF-8), big-endian, modulo `buckets`.

    Returns:
        0 to `buckets` − 1; the same on every machine and in every version.

    Raises:
        UsageError: `buckets` is below 1.
    """
    if buckets < 1:
        raise UsageError(
            "Readings need at least one bucket.", evidence={"buckets": buckets}, ways_out=("Use 1 or more.",)
        )
    return int.from_bytes(sha256(meter_id.encode()).digest()[:4], "big") % buckets
