"""Tariffs are declarations that are checked: shipped ones are valid, wrong ones are refused with a way out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gridloop.domain.errors import UsageError
from gridloop.strategy.tariff import list_tariffs, load_tariff
from gridloop.strategy.tariff.store import NOT_SUPPORTED, parse_tariff, read_tariff, tariff_paths

GOOD: dict[str, Any] = {
    "name": "a-tariff",
    "version": "1",
    "title": {"en": "A tariff", "zh": "电价"},
    "source": "made up by a test",
    "currency": "CNY",
    "zone": "Asia/Shanghai",
    "tax": {"included": True, "rate": "0.13"},
    "valid_from": "2024-01-01",
    "energy": {"rates": {"flat": "0.5"}},
}
BAND = {"start": "08:00", "end": "22:00", "period": "flat"}


def test_every_shipped_tariff_is_valid_and_carries_its_file_name() -> None:
    names = [tariff.name for tariff in list_tariffs()]
    assert {"lcl-flat", "lcl-dtou", "tou-evening", "county-residential-flat"} <= set(names)
    assert {"cn-residential-flat-tiered", "cn-residential-tou", "cn-commercial-tou"} <= set(names)
    assert names == sorted(names)


def test_invented_values_say_so() -> None:
    assert [t.name for t in list_tariffs() if not t.example] == ["lcl-dtou", "lcl-flat"]


def test_the_trial_prices_are_the_published_pence() -> None:
    assert load_tariff("lcl-flat").energy.rates == {"flat": Decimal("0.14228")}
    rates = load_tariff("lcl-dtou").energy.rates
    assert {period: rate * 100 for period, rate in rates.items()} == {
        "high": Decimal("67.20"),
        "normal": Decimal("11.76"),
        "low": Decimal("3.99"),
    }


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UsageError, match=r"no tariff 'tou-evning'") as caught:
        load_tariff("tou-evning")
    assert caught.value.ways_out == ("Did you mean 'tou-evening'?",)


def test_a_workspace_overrides_a_shipped_tariff_by_name(tmp_path: Path) -> None:
    (tmp_path / "tariffs").mkdir()
    text = tariff_paths()["lcl-flat"].read_text(encoding="utf-8").replace("0.14228", "0.20")
    (tmp_path / "tariffs/lcl-flat.yaml").write_text(text, encoding="utf-8")
    assert load_tariff("lcl-flat", tmp_path).energy.rates == {"flat": Decimal("0.20")}


@pytest.mark.parametrize("key", sorted(NOT_SUPPORTED))
def test_what_cannot_be_priced_right_is_refused_by_name(key: str) -> None:
    with pytest.raises(UsageError, match="not supported yet"):
        parse_tariff(GOOD | {key: {"rate": "40"}})


@pytest.mark.parametrize(
    ("change", "says", "way_out"),
    [
        ({"surcharge": []}, "a key that tariffs do not know", "Did you mean 'surcharges'"),
        ({"fixed": [{"item": "a", "per": "day", "amout": "1"}]}, "do not know", "Did you mean 'amount'?"),
        ({"zone": "Asia/Shanghia"}, "not a time zone", None),
        ({"currency": "yuan"}, "pattern", None),
        ({"valid_to": "2023-01-01"}, "`valid_to` lies after `valid_from`", None),
        ({"energy": {"rates": {"flat": 0.5}}}, "no exact price", None),
        ({"energy": {"rates": {"flat": "0.1234567"}}}, "more than six decimals", None),
        ({"energy": {"rates": {"flat": "cheap"}}}, "no price such as", None),
        ({"energy": {"rates": {"flat": "1", "peak": "2"}}}, "`otherwise` must name", None),
        (
            {"energy": {"rates": {"flat": "1", "peak": "2"}, "otherwise": "flat"}},
            "no time is ever in the period 'peak'",
            None,
        ),
        (
            {"energy": {"rates": {"flat": "1"}, "schedule": [{"bands": [BAND | {"period": "flatt"}]}]}},
            "Did you mean 'flat'",
            None,
        ),
        (
            {"energy": {"rates": {"flat": "1"}, "schedule": [{"bands": [BAND | {"end": "07:00"}]}]}},
            "a band ends after it starts",
            None,
        ),
        (
            {"energy": {"rates": {"flat": "1"}, "schedule": [{"bands": [BAND | {"end": "24:30"}]}]}},
            "no time of day",
            None,
        ),
        ({"tiers": {"per": "month", "blocks": [{"adder": "0"}, {"adder": "1"}]}}, "`up_to_kwh`", None),
        (
            {
                "tiers": {
                    "per": "year",
                    "blocks": [
                        {"up_to_kwh": 9, "adder": "0"},
                        {"up_to_kwh": 9, "adder": "1"},
                        {"adder": "2"},
                    ],
                }
            },
            "rises from block to block",
            None,
        ),
    ],
)
def test_a_wrong_declaration_is_refused_with_what_is_wrong(
    change: dict[str, Any], says: str, way_out: str | None
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_tariff(GOOD | change)
    assert says in str(caught.value)
    assert way_out is None or caught.value.ways_out[0].startswith(way_out)


def test_a_file_that_is_no_tariff_is_refused(tmp_path: Path) -> None:
    for text, says in (("a: [", "cannot be read"), ("- 1", "holds no tariff")):
        path = tmp_path / "bad.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=says):
            read_tariff(path)


def test_a_file_is_named_like_its_tariff(tmp_path: Path) -> None:
    text = (Path(str(__import__("gridloop").__path__[0])) / "library/tariffs/lcl-flat.yaml").read_text(
        "utf-8"
    )
    (tmp_path / "other.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="declares the name 'lcl-flat'"):
        read_tariff(tmp_path / "other.yaml")
