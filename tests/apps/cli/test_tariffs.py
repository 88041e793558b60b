"""Tariffs are listed and shown in words; a comparison has winners and losers, and reasons for the rest."""

from __future__ import annotations

import csv
import io
import itertools
from decimal import Decimal

import pytest

from gridloop.apps.tariffs import histogram
from gridloop.strategy.tariff import list_tariffs

BASE, OFFER = "county-residential-flat", "tou-evening"


def test_every_tariff_is_listed_with_the_contracts_on_it(command, town):
    rows = {row["tariff"]: row for row in command("tariff", "list", "-w", town, "--json").rows}
    assert set(rows) == {tariff.name for tariff in list_tariffs()}
    assert (rows[BASE]["contracts"], rows[OFFER]["contracts"]) == (6, 0)
    assert rows[OFFER]["prices"] == "day 0.4183, evening 0.7483, night 0.2283"
    assert "gridloop tariff show NAME" in command("tariff", "list", "-w", town).out


def test_a_tariff_is_shown_in_words(command, town):
    text = " ".join(command("tariff", "show", "cn-commercial-tou", "-w", town).out.split())
    assert "valley 0.3700 00:00–07:00, 23:00–24:00; 10:00–14:00 (holidays)" in text
    assert "critical 1.3300 19:00–21:00 (months 7, 8); 18:00–20:00 (months 12, 1)" in text
    assert "flat 0.7400 all other time" in text
    assert "government funds 0.0280 kWh all energy taken" in text
    assert "Prices contain tax of 13%." in text
    tiers = " ".join(command("tariff", "show", BASE, "-w", town).out.split())
    assert "flat 0.4983 always" in tiers
    assert "block 2 0.05 kWh from 230 to 400 kWh a month" in tiers
    assert "high 0.6720 called as High" in " ".join(
        command("tariff", "show", "lcl-dtou", "-w", town).out.split()
    )
    assert command("tariff", "show", OFFER, "-w", town, "--json").rows["energy"]["rates"]["night"] == "0.2283"
    periods = command("tariff", "show", OFFER, "-w", town, "--csv").out.splitlines()
    assert periods[0] == "period,per_kwh,when"


def test_a_tariff_of_the_workspace_goes_before_the_shipped_one(command, town_copy):
    shipped = command("tariff", "show", OFFER, "-w", town_copy, "--json").rows
    (town_copy / "tariffs").mkdir()
    (town_copy / "tariffs" / "own-flat.yaml").write_text(
        'name: own-flat\nversion: "1"\ntitle: {en: Our own, zh: 自有电价}\nsource: Our price list.\ncurrency: CNY\n'
        "zone: Asia/Shanghai\ntax: {included: true, rate: 0.13}\nvalid_from: 2024-01-01\n"
        "energy:\n  rates: {flat: 0.60}\n",
        encoding="utf-8",
    )
    rows = {row["tariff"]: row for row in command("tariff", "list", "-w", town_copy, "--json").rows}
    assert (rows["own-flat"]["prices"], rows["own-flat"]["invented"]) == ("flat 0.60", False)
    assert rows[OFFER]["title"] == shipped["title"]["en"]


def test_a_comparison_shows_winners_losers_and_reasons(command, town):
    found = command("tariff", "compare", BASE, OFFER, "-w", town, "--json").rows
    assert (found["winners"], found["losers"], found["unchanged"], found["computed"]) == (2, 3, 0, 5)
    assert (found["window_start"], found["window_end"]) == ("2024-01-01", "2024-12-31")
    assert [(row["reason"], row["contracts"]) for row in found["not_computable"]] == [("too_few_days", 1)]
    assert found["largest_loser"] in {"k-e00", "k-e01", "k-e02"}
    assert Decimal(found["largest_loss"]) > 0 > Decimal(found["median_saving"])
    assert sum(bar["contracts"] for bar in found["histogram"]) == 5
    text = " ".join(command("tariff", "compare", BASE, OFFER, "-w", town).out.split())
    assert "would pay less 2" in text and "would pay more 3" in text
    assert "too_few_days 1 The customer was not at this place for the whole year." in text
    assert "prices invented" in text and "not what one is worth" in text
    assert "--contracts --csv" in text


def test_contract_by_contract_the_largest_loss_comes_first_and_what_is_not_known_last(command, town):
    answer = command("tariff", "compare", BASE, OFFER, "--contracts", "--csv", "-w", town)
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    savings = [Decimal(row["saving"]) for row in rows if row["saving"]]
    assert savings == sorted(savings) and len(savings) == 5
    assert (rows[-1]["contract_id"], rows[-1]["reason"]) == ("k-m02", "too_few_days")
    assert all(Decimal(r["bill_now"]) - Decimal(r["bill_offered"]) == Decimal(r["saving"]) for r in rows[:-1])


def test_contracts_on_another_tariff_are_not_priced_unless_it_is_asked_for(command, town):
    words = ("tariff", "compare", "cn-residential-flat-tiered", "cn-residential-tou", "-w", town)
    found = command(*words, "--json").rows
    assert (found["computed"], found["median_saving"], found["histogram"]) == (0, None, [])
    assert [row["reason"] for row in found["not_computable"]] == ["other_tariff"]
    assert "no contract could be priced" in command(*words).out
    assert command(*words, "--assume-base", "--json").rows["computed"] == 5


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("show", "tou-evning"), "'tou-evening'"),
        (("compare", BASE, "tou-evning"), "'tou-evening'"),
        (("compare", BASE, "lcl-flat"), "their currency differs"),
    ],
)
def test_tariffs_that_are_not_there_or_do_not_compare_are_refused(command, town, words, hint):
    answer = command("tariff", *words, "-w", town)
    assert (answer.code, hint in answer.err) == (2, True)


def test_without_readings_nothing_is_priced(command, workspace_path):
    command("init", workspace_path)
    assert command("tariff", "list", "-w", workspace_path).code == 0
    answer = command("tariff", "compare", BASE, OFFER, "-w", workspace_path)
    assert (answer.code, "There are no readings to price" in answer.err) == (2, True)


def test_bars_are_of_one_round_width_with_zero_as_an_edge_and_count_everything_once():
    savings = sorted(Decimal(value) for value in (-500, -30, -10, 0, 0, 5, 10, 20, 40, 41))
    bars = histogram(savings)
    assert sum(bar["contracts"] for bar in bars) == len(savings)
    counted = [(bar["above"], bar["up_to"], bar["contracts"]) for bar in bars if bar["contracts"]]
    assert counted == [(None, -500, 1), (-50, 0, 4), (0, 50, 5)]
    edges = [bar["up_to"] for bar in bars[:-1]]
    assert Decimal(0) in edges
    assert len({high - low for low, high in itertools.pairwise(edges)}) == 1
    assert bars[0]["above"] is None and bars[-1]["up_to"] is None
    assert histogram([]) == []
    assert sum(bar["contracts"] for bar in histogram([Decimal(0)])) == 1
