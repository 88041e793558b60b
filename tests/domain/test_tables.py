"""Invariants of the catalogue (docs/conventions.md §5): what every generated thing relies on."""

from __future__ import annotations

import re

import pytest

from gridloop.domain.errors import UsageError
from gridloop.domain.reading import Channel
from gridloop.domain.table import Kind, Privacy, Stage, Store
from gridloop.domain.tables import CATALOGUE, table
from gridloop.domain.tables.columns import UNITLESS
from gridloop.domain.tables.null_phrases import NULL_PHRASES_ZH
from gridloop.domain.unit import parse_unit

FILLED = [spec for spec in CATALOGUE.values() if not spec.planned]
PLANNED = [spec for spec in CATALOGUE.values() if spec.planned]
EVERY_COLUMN = [(spec, column) for spec in FILLED for column in spec]

NUMBERS = {Kind.INT, Kind.LONG, Kind.DOUBLE, Kind.MONEY, Kind.INT_LIST, Kind.DOUBLE_LIST}
OTHER_UNITS = {"currency", "bytes", "days", "hours", "minutes", "seconds", "deg", "km", "km2", "m/s", "W/m2"}

ARCHITECTURE = """
customer account contract contact consent unsubscribe region industry organisation_unit service_point meter
meter_history reading register_reading meter_event area_supply tariff_assignment bill bill_line payment
dunning_step ticket outage interruption application inspection visit interaction message_event substation feeder
transformer asset asset_event supplier ev_charger charging_session der_unit weather calendar economy population
policy price_series price_event landing_file quarantine quality_finding feature tag segment segment_member model
forecast score recommendation offer_value outcome effect alert release product plan campaign assignment send
response enrolment dr_event settlement bid case case_event approval job_run audit row_account completeness map_feature
"""


def broken(columns):
    """`table.column` of every pair, as a failing test should show them."""
    return [f"{spec.name}.{column.name}" for spec, column in columns]


def test_every_table_of_the_architecture_is_declared_once():
    assert sorted(CATALOGUE) == sorted(ARCHITECTURE.split())
    assert all(name == spec.name for name, spec in CATALOGUE.items())


def test_a_planned_table_has_name_key_and_owner_only():
    assert [spec.name for spec in PLANNED] == [
        "organisation_unit",
        "visit",
        "policy",
        "forecast",
        "release",
        "dr_event",
        "settlement",
        "bid",
    ]
    for spec in PLANNED:
        assert spec.key
        assert not spec.columns
    assert all(spec.columns for spec in FILLED)


def test_names_are_snake_case_and_unique_within_a_table():
    snake = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
    assert [name for name in CATALOGUE if not snake.fullmatch(name)] == []
    assert broken((s, c) for s, c in EVERY_COLUMN if not snake.fullmatch(c.name)) == []
    assert [s.name for s in FILLED if len({c.name for c in s}) != len(s.columns)] == []


def test_a_key_names_columns_that_are_never_absent():
    for spec in FILLED:
        assert spec.key
        for name in spec.key:
            column = spec.column(name)
            assert not column.nullable, f"{spec.name}.{name}"
            assert not column.volatile, f"{spec.name}.{name}"


def test_knowledge_time_is_part_of_the_key_of_every_table_that_declares_it():
    for spec in FILLED:
        declared = [c for c in spec if c.name == "available_at" and not c.volatile]
        assert spec.bitemporal == bool(declared), spec.name
        assert not (spec.bitemporal and spec.store is not Store.LAKE), spec.name


def test_every_reference_points_to_a_key_column_of_a_declared_table_of_the_same_kind():
    for spec, column in EVERY_COLUMN:
        if column.references is None:
            continue
        target, _, name = column.references.partition(".")
        assert name in CATALOGUE[target].key, f"{spec.name}.{column.name}"
        if not CATALOGUE[target].planned:
            assert CATALOGUE[target].column(name).kind is column.kind, f"{spec.name}.{column.name}"


def test_every_number_has_a_unit_and_nothing_else_has_one():
    assert broken((s, c) for s, c in EVERY_COLUMN if (c.unit is not None) != (c.kind in NUMBERS)) == []


def test_every_unit_is_known_or_told_by_a_column_of_the_row():
    for spec, column in EVERY_COLUMN:
        if column.unit is None or column.unit in OTHER_UNITS | {UNITLESS}:
            continue
        price, _, teller = column.unit.partition("@")
        if teller:
            assert spec.column(teller).kind is Kind.STRING, f"{spec.name}.{column.name}"
            assert price in ("", "currency/"), f"{spec.name}.{column.name}"
        else:
            assert parse_unit(column.unit).symbol == column.unit, f"{spec.name}.{column.name}"


def test_a_unit_in_a_name_is_the_unit_of_the_column():
    endings = {"_wh": "Wh", "_kwh": "kWh", "_kva": "kVA", "_kw": "kW", "_kv": "kV", "_minutes": "minutes"}
    endings |= {"_percent": "percent", "_hours": "hours", "_seconds": "seconds", "_km": "km", "_mva": "MVA"}
    for spec, column in EVERY_COLUMN:
        for ending, unit in endings.items():
            if column.name.endswith(ending):
                assert column.unit == unit, f"{spec.name}.{column.name}"


def test_money_is_in_a_currency_and_only_money_is():
    for spec, column in EVERY_COLUMN:
        is_money = (column.unit or "").startswith("currency")
        assert is_money == (column.kind is Kind.MONEY), f"{spec.name}.{column.name}"


def test_every_label_is_translated():
    chinese = re.compile("[\u4e00-\u9fff]")
    labels = [(spec.name, spec.label) for spec in CATALOGUE.values()]
    labels += [(f"{spec.name}.{column.name}", column.label) for spec, column in EVERY_COLUMN]
    for name, label in labels:
        assert label.en and label.en != label.zh, name
        assert not chinese.search(label.en), name
        assert chinese.search(label.zh), name


def test_an_absent_value_has_a_meaning_in_both_languages():
    assert broken((s, c) for s, c in EVERY_COLUMN if c.nullable != bool(c.null_means)) == []
    assert {c.null_means for _, c in EVERY_COLUMN if c.null_means} == set(NULL_PHRASES_ZH)


def test_personal_columns_are_in_the_vault_only():
    outside = [
        (s, c)
        for s, c in EVERY_COLUMN
        if c.privacy in (Privacy.PERSONAL, Privacy.SECRET) and s.store is not Store.VAULT
    ]
    assert broken(outside) == []
    assert [spec.name for spec in FILLED if spec.store is Store.VAULT] == ["contact"]
    assert all(c.privacy is Privacy.PERSONAL for c in table("contact") if c.name != "customer_id")


def test_the_owner_of_a_table_is_one_stage():
    assert all(isinstance(spec.owner, Stage) for spec in CATALOGUE.values())
    assert table("reading").owner is Stage.DATA
    assert table("feature").owner is Stage.INSIGHT
    assert table("effect").owner is Stage.EVALUATION
    assert table("contact").owner is Stage.SECURITY


def test_ranges_and_closed_sets_are_sound():
    for spec, column in EVERY_COLUMN:
        name = f"{spec.name}.{column.name}"
        if column.minimum is not None and column.maximum is not None:
            assert column.minimum < column.maximum, name
        if column.values:
            assert column.kind is Kind.STRING, name
            assert len(set(column.values)) == len(column.values) > 1, name
    assert table("reading").column("channel").values == tuple(Channel)


def test_update_frequency_and_retention_are_iso_durations_or_words():
    duration = re.compile(r"P(\d+[YMWD])+|PT\d+[HM]")
    for spec in CATALOGUE.values():
        assert spec.update_frequency == "event" or duration.fullmatch(spec.update_frequency), spec.name
        assert spec.retention == "forever" or duration.fullmatch(spec.retention), spec.name


def test_files_are_sorted_by_columns_of_the_table_alone():
    for spec in CATALOGUE.values():
        assert set(spec.clustered) <= {column.name for column in spec}, spec.name


def test_partitions_name_columns():
    for spec in FILLED:
        for part in spec.partition:
            assert spec.column(part.removeprefix("month(").removesuffix(")")), spec.name


def test_readings_have_the_columns_that_the_engine_is_built_on():
    reading = table("reading")
    names = "bucket meter_id channel day zone interval_minutes available_at revision wh quality"
    assert " ".join(column.name for column in reading) == names
    assert reading.key == ("meter_id", "channel", "day", "available_at", "revision")
    assert reading.partition == ("bucket", "month(day)")


def test_sealed_bytes_do_not_change_a_content_digest():
    # Sealing draws a fresh nonce each time, so the same row never has the same bytes twice.
    assert table("quarantine").column("row_sealed").volatile
    assert table("landing_file").column("key_id").volatile


def test_an_unknown_table_names_the_closest_one():
    with pytest.raises(UsageError) as refused:
        table("readings")
    assert refused.value.what == "There is no table 'readings' in the catalogue."
    assert refused.value.ways_out == ("Did you mean 'reading' or 'register_reading' or 'release'?",)


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        CATALOGUE["reading"] = table("bill")  # type: ignore[index]
