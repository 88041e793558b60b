"""Products that are offered, and who has taken them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, select, update

from gridloop.domain.clock import Clock
from gridloop.domain.errors import UsageError
from gridloop.ledger.canonical import document
from gridloop.ledger.database import Database
from gridloop.ledger.schema import TABLES

_PRODUCT = TABLES["product"]
_ENROLMENT = TABLES["enrolment"]
_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Product:
    """Something that customers may take up, as the table `product` declares it.

    Attributes:
        product_id: its key.
        name: for people.
        product_kind: tariff, demand_response, efficiency, green_power, prepayment or service.
        valid_from, valid_to: first and last day on which it is offered; no end when None.
        terms: what it says, as JSON.
        status: draft, offered or withdrawn.
        tariff_id: of a tariff product.
        unit_cost: cost of one enrolment in the workspace's currency.
    """

    product_id: str
    name: str
    product_kind: str
    valid_from: date
    terms: Mapping[str, object] = field(default_factory=dict)
    status: str = "offered"
    tariff_id: str | None = None
    unit_cost: Decimal | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An account that has taken up a product.

    Attributes:
        product_id, account_id, customer_id: what and who.
        enrolled_at: when, aware.
        source: where it came from: a channel's answer, the service hall …
        campaign_id: the campaign that offered it, if one did.
        status: pending, active, declined, withdrawn or ended.
        ended_at, end_reason: of one that has ended.
    """

    product_id: str
    account_id: str
    customer_id: str
    enrolled_at: datetime
    source: str
    campaign_id: str | None = None
    status: str = "active"
    ended_at: datetime | None = None
    end_reason: str | None = None

    @property
    def enrolment_id(self) -> str:
        """One per product, account and campaign: the same acceptance twice is one."""
        text = "|".join((self.product_id, self.account_id, self.campaign_id or ""))
        return f"enrolment-{sha256(text.encode()).hexdigest()[:24]}"


class Products:
    """The products of a ledger; made by `Ledger`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def upsert(self, product: Product) -> Product:
        """Write the product, or what has changed of it; its first day of offer stays the one written first."""
        row = {**asdict(product), "terms": document(product.terms)}
        with self._database.write("products") as connection:
            known = select(_PRODUCT.c.product_id).where(_PRODUCT.c.product_id == product.product_id)
            if connection.scalar(known) is None:
                connection.execute(insert(_PRODUCT), {**row, "created_at": self._clock.now()})
            else:
                del row["valid_from"]
                changed = update(_PRODUCT).where(_PRODUCT.c.product_id == product.product_id)
                connection.execute(changed.values(**row))
        return self.product(product.product_id)

    def product(self, product_id: str) -> Product:
        """The product of that id. Raises UsageError when there is none."""
        with self._database.read() as connection:
            query = select(_PRODUCT).where(_PRODUCT.c.product_id == product_id)
            row = connection.execute(query).one_or_none()
        if row is None:
            raise UsageError(f"There is no product {product_id!r}.")
        return Product(**{name: row._mapping[name] for name in Product.__dataclass_fields__})

    def all(self) -> list[Product]:
        """Every product, by id."""
        with self._database.read() as connection:
            ids = list(connection.scalars(select(_PRODUCT.c.product_id).order_by(_PRODUCT.c.product_id)))
        return [self.product(one) for one in ids]


class Enrolments:
    """The enrolments of a ledger; made by `Ledger`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(self, enrolments: Iterable[Enrolment]) -> int:
        """Write enrolments, all or none; one that is there already is left as it is.

        Returns:
            How many are new.

        Raises:
            LedgerConflict: one names a product or campaign that there is not.
        """
        wanted = {one.enrolment_id: one for one in reversed(list(enrolments))}
        with self._database.write("enrolments") as connection:
            keys = list(wanted)
            for first in range(0, len(keys), _AT_ONCE):
                chosen = _ENROLMENT.c.enrolment_id.in_(keys[first : first + _AT_ONCE])
                for known in connection.scalars(select(_ENROLMENT.c.enrolment_id).where(chosen)):
                    wanted.pop(known, None)
            rows = [{**asdict(one), "enrolment_id": key} for key, one in wanted.items()]
            if rows:
                connection.execute(insert(_ENROLMENT), rows)
        return len(rows)

    def of(self, campaign_id: str) -> list[Enrolment]:
        """Enrolments that a campaign brought, in the order they came."""
        return self._read(_ENROLMENT.c.campaign_id == campaign_id)

    def in_product(self, product_id: str) -> list[Enrolment]:
        """Enrolments in a product, whatever brought them, in the order they came."""
        return self._read(_ENROLMENT.c.product_id == product_id)

    def _read(self, condition: Any) -> list[Enrolment]:
        order = (_ENROLMENT.c.enrolled_at, _ENROLMENT.c.enrolment_id)
        with self._database.read() as connection:
            rows = connection.execute(select(_ENROLMENT).where(condition).order_by(*order))
            return [
                Enrolment(**{name: row._mapping[name] for name in Enrolment.__dataclass_fields__})
                for row in rows
            ]
