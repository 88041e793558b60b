"""Amounts with a unit, that refuse to be mixed up (docs/conventions.md §10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import total_ordering
from math import isfinite

from gridloop.domain.errors import UnitMismatch, UsageError
from gridloop.domain.unit import PRICED, Dimension, Unit, parse_unit

Number = int | float | Decimal
"""What an amount may be; money is always a Decimal."""

_TIMES_DURATION = {
    "W": "Wh",
    "kW": "kWh",
    "MW": "MWh",
    "GW": "GWh",
    "var": "varh",
    "kvar": "kvarh",
    "Mvar": "Mvarh",
}
_PER_HOUR = {energy: power for power, energy in _TIMES_DURATION.items()}
_HOUR = parse_unit("h").scale
_HOURLY = (Dimension.POWER, Dimension.REACTIVE_POWER)
_STORED = (Dimension.ENERGY, Dimension.REACTIVE_ENERGY)


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """An amount in a unit: `Quantity(3, "kWh")`, `Quantity(Decimal("0.52"), "CNY/kWh")`.

    Quantities of one dimension add, subtract and compare, and the result is in the unit of the left one. Money and
    prices take no part in that: both sides must have the same unit, and their amounts are exact decimals.
    `==` is exact and false between dimensions; `<` between dimensions is refused.

    Attributes:
        value: the amount, finite; a Decimal for money and prices.
        unit: symbol of the unit, as `parse_unit` writes it.

    Raises:
        UsageError: the unit is not known, the amount is not a finite number, or money is not exact.
    """

    value: Number
    unit: str

    def __post_init__(self) -> None:
        unit = parse_unit(self.unit)
        object.__setattr__(self, "unit", unit.symbol)
        object.__setattr__(self, "value", _checked(self.value, unit))

    @property
    def dimension(self) -> Dimension:
        """What it measures."""
        return parse_unit(self.unit).dimension

    def to(self, unit: str) -> Quantity:
        """The same amount in another unit of its dimension.

        Raises:
            UnitMismatch: `unit` measures something else, or is another currency.
        """
        mine, wanted = parse_unit(self.unit), parse_unit(unit)
        if mine == wanted:
            return self
        if not mine.same_kind(wanted):
            raise _mismatch(f"Cannot express {self} in {wanted.symbol}.", mine, wanted)
        return Quantity(_scaled(self.value, mine.scale / wanted.scale), wanted.symbol)

    def rounded(self, places: int, rounding: str = ROUND_HALF_UP) -> Quantity:
        """Rounded to that many decimal places, halves away from zero unless `rounding` says otherwise."""
        exact = Decimal(str(self.value)) if isinstance(self.value, float) else Decimal(self.value)
        cut = exact.quantize(Decimal(1).scaleb(-places), rounding)
        return Quantity(float(cut) if isinstance(self.value, float) else cut, self.unit)

    def is_close(self, other: Quantity, relative: float = 1e-9) -> bool:
        """Whether both differ by at most `relative` of the larger; for amounts that went through floats.

        Raises:
            UnitMismatch: they measure different things.
        """
        mine, theirs = self._base(), self._alike(other, "compare")._base()
        return abs(mine - theirs) <= Fraction(relative) * max(abs(mine), abs(theirs))

    def __str__(self) -> str:
        return f"{self.value} {self.unit}" if self.unit != "1" else str(self.value)

    def __hash__(self) -> int:
        unit = parse_unit(self.unit)
        return hash((unit.dimension, unit.currency, self._base()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return parse_unit(self.unit).same_kind(parse_unit(other.unit)) and self._base() == other._base()

    def __lt__(self, other: Quantity) -> bool:
        return self._base() < self._alike(other, "compare")._base()

    def __neg__(self) -> Quantity:
        return Quantity(-self.value, self.unit)

    def __abs__(self) -> Quantity:
        return -self if self.value < 0 else self

    def __add__(self, other: Quantity) -> Quantity:
        mine, theirs = self.dimension, _quantity(other, "add").dimension
        if mine is Dimension.TEMPERATURE and theirs is Dimension.TEMPERATURE_DIFFERENCE:
            return Quantity(_sum(self.value, other.value), self.unit)
        if mine is Dimension.TEMPERATURE_DIFFERENCE and theirs is Dimension.TEMPERATURE:
            return Quantity(_sum(self.value, other.value), other.unit)
        if mine is theirs is Dimension.TEMPERATURE:
            raise _mismatch(f"Cannot add {self} and {other}.", parse_unit(self.unit), parse_unit(other.unit))
        return Quantity(_sum(self.value, self._alike(other, "add").to(self.unit).value), self.unit)

    def __sub__(self, other: Quantity) -> Quantity:
        mine, theirs = self.dimension, _quantity(other, "subtract").dimension
        if mine is theirs is Dimension.TEMPERATURE:
            return Quantity(_sum(self.value, -other.value), "K")
        if mine is Dimension.TEMPERATURE and theirs is Dimension.TEMPERATURE_DIFFERENCE:
            return Quantity(_sum(self.value, -other.value), self.unit)
        return Quantity(_sum(self.value, -self._alike(other, "subtract").to(self.unit).value), self.unit)

    def __mul__(self, other: Quantity | Number) -> Quantity:
        if not isinstance(other, Quantity):
            return Quantity(_product(self.value, other), self.unit)
        found = _multiplied(self, other)
        if found is None:
            found = _multiplied(other, self)
        if found is None:
            raise _mismatch(
                f"Cannot multiply {self} by {other}.", parse_unit(self.unit), parse_unit(other.unit)
            )
        return found

    def __rmul__(self, other: Number) -> Quantity:
        return self * other

    def __truediv__(self, other: Quantity | Number) -> Quantity:
        if not isinstance(other, Quantity):
            return Quantity(_quotient(self.value, other), self.unit)
        return _divided(self, other)

    def _base(self) -> Fraction:
        return Fraction(self.value) * parse_unit(self.unit).scale

    def _alike(self, other: Quantity, verb: str) -> Quantity:
        mine, theirs = parse_unit(self.unit), parse_unit(_quantity(other, verb).unit)
        if not mine.same_kind(theirs) or (mine.is_money and mine != theirs):
            raise _mismatch(f"Cannot {verb} {self} and {other}.", mine, theirs)
        return other


def total(quantities: Iterable[Quantity], unit: str) -> Quantity:
    """The sum in `unit`; zero when there are none.

    Raises:
        UnitMismatch: one of them measures something else.
    """
    result = Quantity(0, unit)
    for quantity in quantities:
        result = result + quantity
    return result


def _multiplied(left: Quantity, right: Quantity) -> Quantity | None:
    """`left` × `right` where `left` is the power, the price, the voltage or the thing a ratio is taken of."""
    mine, theirs = parse_unit(left.unit), parse_unit(right.unit)
    # Scaled after the product, so that a whole number of Wh times a price per kWh stays exact.
    product = _product(left.value, right.value)
    if theirs.dimension is Dimension.RATIO:
        return Quantity(_scaled(product, theirs.scale), left.unit)
    if mine.dimension in _HOURLY and theirs.dimension is Dimension.DURATION:
        return Quantity(_scaled(product, theirs.scale / _HOUR), _TIMES_DURATION[mine.symbol])
    if mine.dimension is Dimension.VOLTAGE and theirs.dimension is Dimension.CURRENT:
        return Quantity(_scaled(product, mine.scale * theirs.scale), "VA")
    if mine.per is not None and mine.currency and parse_unit(mine.per).same_kind(theirs):
        return Quantity(_scaled(product, mine.scale * theirs.scale), mine.currency)
    return None


def _divided(left: Quantity, right: Quantity) -> Quantity:
    mine, theirs = parse_unit(left.unit), parse_unit(right.unit)
    if mine.same_kind(theirs) and mine.dimension is not Dimension.TEMPERATURE:
        return Quantity(_quotient(left.value, right.value, mine.scale / theirs.scale), "1")
    if theirs.dimension is Dimension.RATIO:
        return Quantity(_quotient(left.value, right.value, 1 / theirs.scale), left.unit)
    if mine.dimension in _STORED and theirs.dimension is Dimension.DURATION:
        return Quantity(_quotient(left.value, right.value, _HOUR / theirs.scale), _PER_HOUR[mine.symbol])
    energy = _TIMES_DURATION.get(theirs.symbol)
    if energy is not None and parse_unit(energy).dimension is mine.dimension:
        return Quantity(_quotient(left.value, right.value, mine.scale / theirs.scale), "h")
    if mine.dimension is Dimension.MONEY and theirs.dimension in PRICED:
        return Quantity(_quotient(left.value, right.value), f"{mine.symbol}/{theirs.symbol}")
    raise _mismatch(f"Cannot divide {left} by {right}.", mine, theirs)


def _checked(value: Number, unit: Unit) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise UsageError(f"{value!r} is not an amount.", ways_out=("Give an int, a float or a Decimal.",))
    if not isfinite(value):
        raise UsageError(
            f"{value} {unit.symbol} is not an amount.",
            ways_out=("A value that is missing has no quantity (docs/conventions.md §2).",),
        )
    if not unit.is_money:
        return value
    if isinstance(value, float):
        raise UsageError(
            f"{value} {unit.symbol} would be inexact money.",
            evidence={"type": "float"},
            ways_out=(
                'Write it as a Decimal: Decimal("0.52").',
                "Use whole Wh, not float kWh, when pricing.",
            ),
        )
    return Decimal(value)


def _quantity(other: object, verb: str) -> Quantity:
    if isinstance(other, Quantity):
        return other
    raise UnitMismatch(
        f"Cannot {verb} a quantity and {other!r}, which has no unit.",
        ways_out=('Give it its unit: Quantity(3, "kWh").',),
    )


def _mismatch(what: str, left: Unit, right: Unit) -> UnitMismatch:
    return UnitMismatch(
        what,
        evidence={
            "left": f"{left.symbol} ({left.dimension.value})",
            "right": f"{right.symbol} ({right.dimension.value})",
        },
        ways_out=_ways_out(left, right),
    )


def _ways_out(left: Unit, right: Unit) -> tuple[str, ...]:
    dimensions = {left.dimension, right.dimension}
    if left.is_money and right.is_money and left.currency != right.currency:
        return ("Convert one side by an exchange rate that is stated with its day and source.",)
    if left.is_money and left.same_kind(right):
        return (f"Convert one side first: .to({left.symbol!r}).",)
    if dimensions in (
        {Dimension.POWER, Dimension.ENERGY},
        {Dimension.REACTIVE_POWER, Dimension.REACTIVE_ENERGY},
    ):
        return ("Multiply the power by a duration, or divide the energy by one.",)
    if dimensions == {Dimension.TEMPERATURE}:
        return ("Subtract them: a difference of temperatures is in K.",)
    if dimensions == {Dimension.TEMPERATURE, Dimension.TEMPERATURE_DIFFERENCE}:
        return ("Temperatures are in degC, their differences in K: add a difference to a temperature.",)
    if Dimension.PRICE in dimensions:
        return ("Multiply the price by the amount that is priced to get money.",)
    return ("Check which side has the wrong unit; they measure different things.",)


def _scaled(value: Number, ratio: Fraction) -> Number:
    if ratio.denominator == 1:
        return value * ratio.numerator
    if isinstance(value, int) and value % ratio.denominator == 0:
        return value // ratio.denominator * ratio.numerator
    return value * ratio.numerator / ratio.denominator


def _sum(left: Number, right: Number) -> Number:
    if isinstance(left, Decimal) and isinstance(right, Decimal | int):
        return left + right
    if isinstance(left, int) and isinstance(right, Decimal | int):
        return left + right
    return float(left) + float(right)


def _product(left: Number, right: Number) -> Number:
    if isinstance(left, float) or isinstance(right, float):
        return float(left) * float(right)
    return left * right


def _quotient(left: Number, right: Number, factor: Fraction = Fraction(1)) -> Number:
    # The factor goes in before the division, so that 250 Wh in 15 min are exactly 1000 W.
    above, below = _product(left, factor.numerator), _product(right, factor.denominator)
    if isinstance(above, float) or isinstance(below, float):
        return float(above) / float(below)
    return above / below
