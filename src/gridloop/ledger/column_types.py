"""Column types that read back the same value from SQLite and PostgreSQL: aware instants and exact money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Numeric
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from gridloop.domain.errors import InvalidInterval, UsageError

MILLIONTH = Decimal("0.000001")
"""Smallest amount of money a ledger column holds, in units of the workspace currency (docs/conventions.md §3)."""

LARGEST_AMOUNT = Decimal(10) ** 12
"""Money columns are decimal(18, 6): amounts are below this."""


class Instant(TypeDecorator[datetime]):
    """A UTC instant to the microsecond: `timestamptz` in PostgreSQL, sortable UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware instant in UTC. Raises InvalidInterval for one without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidInterval(
                "The ledger keeps instants, and a time without a zone is none.",
                evidence={"time": value.isoformat()},
                ways_out=("Add tzinfo=datetime.UTC, or convert from the local zone.",),
            )
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The instant as it was written, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount, decimal(18, 6): `numeric` in PostgreSQL, whole millionths in SQLite, which has no decimals."""

    impl = Numeric(18, 6)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own type."""
        own: TypeEngine[Any] = BigInteger() if dialect.name == "sqlite" else Numeric(18, 6)
        return dialect.type_descriptor(own)

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | int | None:
        """The amount for the database. Raises UsageError for a float or more than six decimal places."""
        if value is None:
            return None
        amount = Decimal(value) if isinstance(value, int) else value
        if not isinstance(amount, Decimal) or not amount.is_finite() or abs(amount) >= LARGEST_AMOUNT:
            raise UsageError("Money is an exact decimal below 10^12.", evidence={"amount": repr(value)})
        if amount != amount.quantize(MILLIONTH):
            raise UsageError("Money has at most six decimal places.", evidence={"amount": str(value)})
        return int(amount / MILLIONTH) if dialect.name == "sqlite" else amount

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        """The amount with six decimal places."""
        if value is None:
            return None
        return Decimal(value).scaleb(-6) if dialect.name == "sqlite" else Decimal(value).quantize(MILLIONTH)
