"""Units that a utility measures and bills in, and how their names are read (docs/conventions.md §10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from gridloop.domain.errors import UsageError, did_you_mean


class Dimension(StrEnum):
    """What a unit measures; quantities of different dimensions never add or compare."""

    ENERGY = "energy"
    REACTIVE_ENERGY = "reactive energy"
    POWER = "power"
    REACTIVE_POWER = "reactive power"
    APPARENT_POWER = "apparent power"
    VOLTAGE = "voltage"
    CURRENT = "current"
    TEMPERATURE = "temperature"
    TEMPERATURE_DIFFERENCE = "temperature difference"
    DURATION = "duration"
    RATIO = "ratio"
    MONEY = "money"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit.

    Attributes:
        symbol: as it is written: `kWh`, `degC`, `CNY`, `CNY/kWh`.
        dimension: what it measures.
        scale: how many base units it is (Wh, varh, W, var, VA, V, A, degC, K, s, 1; one unit of the currency).
        currency: ISO 4217 code of money and prices.
        per: of a price, symbol of the unit that is priced.
    """

    symbol: str
    dimension: Dimension
    scale: Fraction
    currency: str | None = None
    per: str | None = None

    @property
    def is_money(self) -> bool:
        """Whether amounts in it are exact decimals that never convert by themselves (docs/conventions.md §3)."""
        return self.currency is not None

    def same_kind(self, other: Unit) -> bool:
        """Whether amounts in both can be converted into each other."""
        if self.dimension is not other.dimension or self.currency != other.currency:
            return False
        if self.per is None or other.per is None:
            return self.per == other.per
        return parse_unit(self.per).dimension is parse_unit(other.per).dimension


_SCALES: dict[Dimension, dict[str, Fraction]] = {
    Dimension.ENERGY: {
        "Wh": Fraction(1),
        "kWh": Fraction(10**3),
        "MWh": Fraction(10**6),
        "GWh": Fraction(10**9),
    },
    Dimension.REACTIVE_ENERGY: {"varh": Fraction(1), "kvarh": Fraction(10**3), "Mvarh": Fraction(10**6)},
    Dimension.POWER: {"W": Fraction(1), "kW": Fraction(10**3), "MW": Fraction(10**6), "GW": Fraction(10**9)},
    Dimension.REACTIVE_POWER: {"var": Fraction(1), "kvar": Fraction(10**3), "Mvar": Fraction(10**6)},
    Dimension.APPARENT_POWER: {"VA": Fraction(1), "kVA": Fraction(10**3), "MVA": Fraction(10**6)},
    Dimension.VOLTAGE: {"V": Fraction(1), "kV": Fraction(10**3)},
    Dimension.CURRENT: {"A": Fraction(1), "kA": Fraction(10**3)},
    Dimension.TEMPERATURE: {"degC": Fraction(1)},
    Dimension.TEMPERATURE_DIFFERENCE: {"K": Fraction(1)},
    Dimension.DURATION: {"s": Fraction(1), "min": Fraction(60), "h": Fraction(3600)},
    Dimension.RATIO: {"1": Fraction(1), "percent": Fraction(1, 100)},
}

_ISO_4217 = """
AED ALL AMD ARS AUD AZN BAM BDT BGN BHD BND BOB BRL BWP BYN CAD CHF CLP CNY COP CRC CUP CZK DKK DOP
DZD EGP ETB EUR FJD GBP GEL GHS GTQ HKD HNL HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KRW
KWD KZT LAK LBP LKR LYD MAD MDL MGA MKD MMK MNT MOP MUR MVR MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR
PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SDG SEK SGD SYP THB TJS TMT TND TRY TTD TWD TZS
UAH UGX USD UYU UZS VES VND XAF XOF YER ZAR ZMW
"""

CURRENCIES = frozenset(_ISO_4217.split())
"""ISO 4217 codes that money may be kept in."""

_ALIASES = {
    "%": "percent",
    "°C": "degC",
    "℃": "degC",
    "hour": "h",
    "hours": "h",
    "minute": "min",
    "minutes": "min",
    "second": "s",
    "seconds": "s",
    "瓦时": "Wh",
    "千瓦时": "kWh",
    "度": "kWh",
    "兆瓦时": "MWh",
    "千乏时": "kvarh",
    "瓦": "W",
    "千瓦": "kW",
    "兆瓦": "MW",
    "千伏安": "kVA",
    "元": "CNY",
    "£": "GBP",
    "€": "EUR",
}

_UNITS = {
    symbol: Unit(symbol, dimension, scale)
    for dimension, scales in _SCALES.items()
    for symbol, scale in scales.items()
} | {code: Unit(code, Dimension.MONEY, Fraction(1), currency=code) for code in sorted(CURRENCIES)}

PRICED = (Dimension.ENERGY, Dimension.REACTIVE_ENERGY, Dimension.POWER, Dimension.APPARENT_POWER)
"""What a price can be for."""

_BY_LOWER_CASE = {symbol.lower(): symbol for symbol in _UNITS}


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit:
    """The unit that `text` names: a symbol, a Chinese or common alias, or a price such as `CNY/kWh`.

    Upper and lower case may differ (`KWH`), except where milli and mega would be confused (`mwh`).

    Raises:
        UsageError: no such unit; the ways out name the closest ones.
    """
    name = text.strip()
    if "/" in name:
        return _parse_price(name)
    unit = _plain_unit(name)
    if unit is None:
        raise UsageError(f"{text!r} is not a unit that Gridloop knows.", ways_out=did_you_mean(name, _UNITS))
    return unit


def _plain_unit(name: str) -> Unit | None:
    symbol = _ALIASES.get(name, name)
    if symbol in _UNITS:
        return _UNITS[symbol]
    folded = _BY_LOWER_CASE.get(name.lower())
    if folded is None or (folded[0] == "M" and name[0] == "m"):
        return None
    return _UNITS[folded]


def _parse_price(name: str) -> Unit:
    money_name, _, per_name = name.partition("/")
    money, per = parse_unit(money_name), parse_unit(per_name)
    if money.dimension is not Dimension.MONEY or per.dimension not in PRICED:
        raise UsageError(
            f"{name!r} is not a price: a price is money per energy or power.",
            evidence={money.symbol: money.dimension.value, per.symbol: per.dimension.value},
            ways_out=("Write it like 'CNY/kWh' or 'GBP/kVA'.",),
        )
    return Unit(
        f"{money.symbol}/{per.symbol}", Dimension.PRICE, 1 / per.scale, money.currency, per=per.symbol
    )
