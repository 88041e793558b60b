from __future__ import annotations

import pickle
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridloop.domain.errors import UnitMismatch, UsageError
from gridloop.domain.quantity import Quantity, total
from gridloop.domain.unit import parse_unit

PLAIN = (
    "Wh",
    "kWh",
    "MWh",
    "varh",
    "kvarh",
    "W",
    "kW",
    "MW",
    "var",
    "VA",
    "kVA",
    "V",
    "kV",
    "A",
    "K",
    "s",
    "h",
    "1",
)
MONEY = ("CNY", "GBP")

whole = st.integers(-(10**9), 10**9)
plain = st.builds(Quantity, whole, st.sampled_from(PLAIN))
energy = st.builds(Quantity, whole, st.sampled_from(("Wh", "kWh", "MWh", "GWh")))
cash = st.builds(Quantity, st.decimals(-(10**6), 10**6, places=4), st.sampled_from(MONEY))


def test_energies_add_in_the_unit_of_the_left_side():
    assert str(Quantity(3, "kWh") + Quantity(500, "Wh")) == "3.5 kWh"
    assert str(Quantity(500, "Wh") + Quantity(3, "kWh")) == "3500 Wh"


def test_whole_numbers_stay_whole_where_they_can():
    assert type(Quantity(3000, "Wh").to("kWh").value) is int
    assert type(Quantity(3, "kWh").to("Wh").value) is int
    assert Quantity(Decimal("0.1"), "kWh").to("MWh").value == Decimal("0.0001")


def test_power_and_energy_do_not_add():
    with pytest.raises(UnitMismatch) as refused:
        Quantity(5, "kW") + Quantity(3, "kWh")
    assert str(refused.value) == (
        "Cannot add 5 kW and 3 kWh.\n"
        "  left: kW (power)\n"
        "  right: kWh (energy)\n"
        "  Ways out:\n"
        "    - Multiply the power by a duration, or divide the energy by one."
    )


def test_active_and_reactive_energy_do_not_add():
    with pytest.raises(UnitMismatch):
        Quantity(5, "kWh") + Quantity(3, "kvarh")


def test_a_bare_number_has_no_unit():
    with pytest.raises(UnitMismatch, match="has no unit"):
        Quantity(5, "kWh") + 3  # type: ignore[operator]


def test_power_times_duration_is_energy():
    assert Quantity(2, "kW") * Quantity(90, "min") == Quantity(3, "kWh")
    assert Quantity(15, "min") * Quantity(4, "MW") == Quantity(1, "MWh")
    assert Quantity(2, "kvar") * Quantity(1, "h") == Quantity(2, "kvarh")


def test_energy_over_duration_is_power_and_over_power_is_duration():
    assert Quantity(250, "Wh") / Quantity(15, "min") == Quantity(1000, "W")
    assert Quantity(6, "kWh") / Quantity(2000, "W") == Quantity(3, "h")
    with pytest.raises(UnitMismatch):
        Quantity(6, "kvarh") / Quantity(2, "kW")


def test_voltage_times_current_is_apparent_power():
    assert Quantity(230, "V") * Quantity(10, "A") == Quantity(2300, "VA")
    assert Quantity(10, "kV") * Quantity(100, "A") == Quantity(1, "MVA")


def test_a_zero_product_is_still_a_product():
    assert Quantity(0, "kW") * Quantity(1, "h") == Quantity(0, "kWh")


def test_price_times_energy_is_money_to_the_last_digit():
    price = Quantity(Decimal("0.5283"), "CNY/kWh")
    assert price * Quantity(1234, "Wh") == Quantity(Decimal("0.6519222"), "CNY")
    assert Quantity(3, "kWh") * price == Quantity(Decimal("1.5849"), "CNY")
    assert Quantity(Decimal("1.5849"), "CNY") / Quantity(3, "kWh") == price


def test_a_tax_in_percent_is_exact():
    assert Quantity(Decimal("89.99"), "CNY") * Quantity(13, "percent") == Quantity(Decimal("11.6987"), "CNY")
    assert Quantity(Decimal("113"), "CNY") / Quantity(113, "percent") == Quantity(100, "CNY")
    with pytest.raises(UnitMismatch, match="Cannot divide"):
        Quantity(1, "CNY") / Quantity(3, "degC")


def test_money_is_never_a_float():
    with pytest.raises(UsageError, match="inexact money"):
        Quantity(0.52, "CNY")
    with pytest.raises(UsageError, match="inexact money"):
        Quantity(Decimal("0.52"), "CNY/kWh") * Quantity(1.5, "kWh")
    assert Quantity(3, "CNY").value == Decimal(3)


def test_currencies_never_mix():
    with pytest.raises(UnitMismatch, match="Cannot add 1 CNY and 1 GBP") as refused:
        Quantity(1, "CNY") + Quantity(1, "GBP")
    assert refused.value.ways_out == (
        "Convert one side by an exchange rate that is stated with its day and source.",
    )
    with pytest.raises(UnitMismatch):
        Quantity(1, "CNY").to("GBP")
    assert Quantity(1, "CNY") != Quantity(1, "GBP")


def test_prices_per_kwh_and_per_mwh_add_only_when_told_to():
    retail, wholesale = Quantity(Decimal("0.50"), "CNY/kWh"), Quantity(400, "CNY/MWh")
    with pytest.raises(UnitMismatch) as refused:
        retail + wholesale
    assert refused.value.ways_out == ("Convert one side first: .to('CNY/kWh').",)
    assert retail + wholesale.to("CNY/kWh") == Quantity(Decimal("0.90"), "CNY/kWh")


def test_a_price_per_power_does_not_become_one_per_energy():
    with pytest.raises(UnitMismatch):
        Quantity(30, "CNY/kW").to("CNY/kWh")


def test_temperatures_differ_in_kelvin_and_do_not_add():
    assert Quantity(21, "degC") - Quantity(18, "degC") == Quantity(3, "K")
    assert Quantity(18, "degC") + Quantity(3, "K") == Quantity(21, "degC")
    assert Quantity(3, "K") + Quantity(18, "degC") == Quantity(21, "degC")
    assert Quantity(18, "degC") - Quantity(3, "K") == Quantity(15, "degC")
    for wrong in (
        lambda: Quantity(18, "degC") + Quantity(3, "degC"),
        lambda: Quantity(3, "K") - Quantity(1, "degC"),
    ):
        with pytest.raises(UnitMismatch):
            wrong()


def test_a_percentage_is_taken_of_anything():
    assert Quantity(200, "kWh") * Quantity(15, "percent") == Quantity(30, "kWh")
    assert Quantity(15, "percent").to("1").value == 0.15
    assert Quantity(30, "kWh") / Quantity(200, "kWh") == Quantity(0.15, "1")


def test_ordering_refuses_another_dimension_and_equality_denies_it():
    assert Quantity(999, "Wh") < Quantity(1, "kWh") <= Quantity(1000, "Wh")
    assert Quantity(1, "kWh") != Quantity(1, "kW")
    assert Quantity(1, "kWh") != 1
    with pytest.raises(UnitMismatch, match="Cannot compare"):
        Quantity(1, "kWh") < Quantity(2, "kW")  # noqa: B015
    with pytest.raises(UnitMismatch):
        max(Quantity(1, "CNY"), Quantity(2, "GBP"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("nan"), True, "3", None])
def test_what_is_not_an_amount_is_refused(value):
    with pytest.raises(UsageError, match="not an amount"):
        Quantity(value, "kWh")


def test_rounding_is_half_away_from_zero_unless_told_otherwise():
    assert Quantity(Decimal("2.345"), "CNY").rounded(2).value == Decimal("2.35")
    assert Quantity(Decimal("-2.345"), "CNY").rounded(2).value == Decimal("-2.35")
    assert Quantity(Decimal("2.345"), "CNY").rounded(2, ROUND_HALF_EVEN).value == Decimal("2.34")
    assert Quantity(2.345, "kWh").rounded(2).value == 2.35
    assert Quantity(17, "kWh").rounded(0).value == 17


def test_a_total_starts_at_zero_in_the_unit_asked_for():
    assert total([Quantity(500, "Wh"), Quantity(1, "kWh")], "kWh") == Quantity(1.5, "kWh")
    assert str(total([], "CNY")) == "0 CNY"
    with pytest.raises(UnitMismatch):
        total([Quantity(1, "kW")], "kWh")


def test_floats_compare_closely_on_demand():
    tenths = Quantity(0.1, "kWh") + Quantity(0.2, "kWh")
    assert tenths != Quantity(0.3, "kWh")
    assert tenths.is_close(Quantity(0.3, "kWh"))
    assert not tenths.is_close(Quantity(0.301, "kWh"))


@settings(max_examples=60)
@given(energy, energy, energy)
def test_addition_of_energies_is_commutative_and_associative(a, b, c):
    exact = [Quantity(q.to("Wh").value, "Wh") for q in (a, b, c)]
    assert exact[0] + exact[1] == exact[1] + exact[0]
    assert (exact[0] + exact[1]) + exact[2] == exact[0] + (exact[1] + exact[2])
    assert (a + b).is_close(b + a, 1e-6)


@settings(max_examples=60)
@given(plain, plain)
def test_plain_quantities_add_exactly_when_their_dimensions_agree(a, b):
    if a.dimension is b.dimension:
        assert (a + b).unit == a.unit
    else:
        for refuse in (lambda: a + b, lambda: a - b, lambda: a < b, lambda: a.to(b.unit)):
            with pytest.raises(UnitMismatch):
                refuse()


@settings(max_examples=60)
@given(cash, cash)
def test_money_adds_exactly_within_a_currency_only(a, b):
    if a.unit == b.unit:
        assert (a + b).value == a.value + b.value
        assert a + b - b == a
    else:
        with pytest.raises(UnitMismatch):
            a + b


@settings(max_examples=60)
@given(plain, st.sampled_from(PLAIN))
def test_a_conversion_there_and_back_changes_nothing(a, unit):
    if parse_unit(unit).dimension is a.dimension:
        assert a.to(unit).to(a.unit).is_close(a, 1e-12)


@settings(max_examples=60)
@given(energy, energy)
def test_equal_quantities_have_equal_hashes(a, b):
    assert a == a.to("Wh")
    assert hash(a) == hash(a.to("Wh"))
    assert (a == b) == (a.to("Wh").value == b.to("Wh").value)
    assert pickle.loads(pickle.dumps(a)) == a
