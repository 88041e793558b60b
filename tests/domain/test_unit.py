from __future__ import annotations

import pytest

from gridloop.domain.errors import UsageError
from gridloop.domain.unit import CURRENCIES, Dimension, parse_unit


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("kWh", "kWh"),
        (" KWH ", "kWh"),
        ("kvarh", "kvarh"),
        ("千瓦时", "kWh"),
        ("度", "kWh"),
        ("%", "percent"),
        ("℃", "degC"),
        ("元", "CNY"),
        ("gbp", "GBP"),
        ("元/千瓦时", "CNY/kWh"),
        ("GBP / MWh", "GBP/MWh"),
    ],
)
def test_names_of_units_are_read(text, symbol):
    assert parse_unit(text).symbol == symbol


@pytest.mark.parametrize("text", ["mwh", "mw", "mva"])
def test_a_small_m_is_not_taken_for_mega(text):
    with pytest.raises(UsageError):
        parse_unit(text)


def test_an_unknown_unit_names_the_closest_ones():
    with pytest.raises(UsageError) as refused:
        parse_unit("kWhh")
    assert refused.value.ways_out == ("Did you mean 'kWh' or 'kW' or 'Wh'?",)
    assert "'kWhh' is not a unit" in str(refused.value)


@pytest.mark.parametrize("text", ["kWh/CNY", "CNY/degC", "CNY/GBP"])
def test_a_price_is_money_per_energy_or_power(text):
    with pytest.raises(UsageError, match="not a price"):
        parse_unit(text)


@pytest.mark.parametrize("text", ["", " ", "/", "CNY/", "/kWh", "CNY/kWh/h", "?"])
def test_what_is_no_unit_is_refused(text):
    with pytest.raises(UsageError):
        parse_unit(text)


def test_a_price_scales_by_the_unit_that_is_priced():
    price = parse_unit("CNY/MWh")
    assert price.dimension is Dimension.PRICE
    assert (price.currency, price.per) == ("CNY", "MWh")
    assert price.scale * 1_000_000 == 1


def test_currencies_are_three_capital_letters():
    assert {"CNY", "GBP", "EUR", "USD"} <= CURRENCIES
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCIES)
