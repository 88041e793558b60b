"""Where energy is measured: service points, meters and their history, readings, registers, area supply."""

from __future__ import annotations

from gridloop.domain.reading import INTERVAL_MINUTES, Channel
from gridloop.domain.table import Column, Kind, Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    UNITLESS,
    available_at,
    day,
    instant,
    key_id,
    latitude,
    long,
    longitude,
    number,
    one_of,
    text,
    whole,
)

_CHANNELS = "|".join(Channel)


def _interval_minutes() -> Column:
    return whole(
        "interval_minutes",
        "Interval length",
        "采集间隔",
        "minutes",
        minimum=min(INTERVAL_MINUTES),
        maximum=max(INTERVAL_MINUTES),
    )


SERVICE_POINT = TableSpec(
    name="service_point",
    subject="metering",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("service_point_id", "available_at"),
    label=Label("Service point", "用电点"),
    retention="forever",
    columns=(
        key_id("service_point_id", "Service point", "用电点"),
        key_id("region_id", "Region", "区域", "region.region_id", "region not known"),
        key_id("transformer_id", "Transformer", "配电变压器", "transformer.transformer_id", "not known"),
        key_id("feeder_id", "Feeder", "馈线", "feeder.feeder_id", "not known"),
        latitude(),
        longitude(),
        text("voltage_level", "Voltage level", "电压等级", "not known"),
        number("capacity_kva", "Connected capacity", "报装容量", "kVA", "not known", 0),
        text("zone", "Time zone", "时区"),
        available_at(),
    ),
)

METER = TableSpec(
    name="meter",
    subject="metering",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("meter_id", "available_at"),
    label=Label("Meter", "电表"),
    retention="forever",
    columns=(
        key_id("meter_id", "Meter", "电表"),
        key_id("service_point_id", "Service point", "用电点", "service_point.service_point_id"),
        text("channel_set", "Channels, comma-separated", "量测通道(逗号分隔)"),
        _interval_minutes(),
        text("zone", "Time zone", "时区"),
        number("ct_ratio", "Current transformer ratio", "电流互感器变比", UNITLESS, "connected directly", 0),
        number("pt_ratio", "Voltage transformer ratio", "电压互感器变比", UNITLESS, "connected directly", 0),
        day("installed", "Installed", "安装日期", "not known"),
        available_at(),
    ),
)

METER_HISTORY = TableSpec(
    name="meter_history",
    subject="metering",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("meter_id", "service_point_id", "valid_from", "available_at"),
    label=Label("Meter history", "电表履历"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("meter_id", "Meter", "电表", "meter.meter_id"),
        key_id("service_point_id", "Service point", "用电点", "service_point.service_point_id"),
        day("valid_from", "Valid from", "生效日"),
        day("valid_to", "Valid to (exclusive)", "失效日(不含)", "still valid"),
        one_of("reason", "Reason", "变更原因", "installed|exchanged|move_in|move_out|ct_change"),
        number("ct_ratio", "Current transformer ratio", "电流互感器变比", UNITLESS, "connected directly", 0),
        available_at(),
    ),
)

READING = TableSpec(
    name="reading",
    subject="metering",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("meter_id", "channel", "day", "available_at", "revision"),
    label=Label("Reading (one day of one channel)", "负荷曲线(单通道单日)"),
    partition=("bucket", "month(day)"),
    columns=(
        whole("bucket", "Bucket", "分桶号"),
        key_id("meter_id", "Meter", "电表", "meter.meter_id"),
        one_of("channel", "Channel", "量测通道", _CHANNELS),
        day("day", "Civil day of the zone", "当地日期"),
        text("zone", "Time zone", "时区"),
        _interval_minutes(),
        available_at(),
        whole("revision", "Revision (0 as delivered)", "修订号(0 为原始)"),
        Column(
            "wh",
            Kind.INT_LIST,
            Label(
                "Values, null where missing (varh in reactive channels)",
                "各时段电量,缺失为空(无功通道为 varh)",
            ),
            "Wh",
        ),
        Column(
            "quality",
            Kind.INT_LIST,
            Label("Quality code of each value", "各值质量码"),
            UNITLESS,
            nullable=True,
            null_means="all measured",
        ),
    ),
)

REGISTER_READING = TableSpec(
    name="register_reading",
    subject="metering",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("meter_id", "register", "read_at", "available_at"),
    label=Label("Register reading", "表底示数"),
    columns=(
        key_id("meter_id", "Meter", "电表", "meter.meter_id"),
        text("register", "Register (total, peak, valley …)", "示数类型(总、峰、谷…)"),
        instant("read_at", "Read", "抄表时刻"),
        number("register_kwh", "Register", "表底示数", "kWh", minimum=0),
        one_of("read_kind", "How it was read", "抄表方式", "remote|manual|customer|estimated|final"),
        available_at(),
    ),
)

METER_EVENT = TableSpec(
    name="meter_event",
    subject="metering",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("meter_id", "time", "event_code", "available_at"),
    label=Label("Meter event", "电表事件"),
    update_frequency="event",
    columns=(
        key_id("meter_id", "Meter", "电表", "meter.meter_id"),
        instant("time", "Time", "发生时刻"),
        text("event_code", "Event (cover_open, voltage_loss, magnetic_field, power_off …)", "事件代码"),
        number("duration_seconds", "Duration", "持续时间", "seconds", "momentary, or end not known", 0),
        text("source_code", "Code in the source", "来源原始代码", "the source gives none"),
        available_at(),
    ),
)

AREA_SUPPLY = TableSpec(
    name="area_supply",
    subject="metering",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("transformer_id", "day", "available_at"),
    label=Label("Area supply (transformer meter)", "台区供电量"),
    columns=(
        key_id("transformer_id", "Transformer", "配电变压器", "transformer.transformer_id"),
        day("day", "Civil day", "日期"),
        long("supply_wh", "Energy supplied", "供电量", "Wh", minimum=None),
        long("backfeed_wh", "Energy fed back", "倒送电量", "Wh", "no reverse flow metered"),
        key_id(
            "meter_id", "Supply meter, where it has readings", "台区总表", "meter.meter_id", "no readings"
        ),
        available_at(),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    SERVICE_POINT,
    METER,
    METER_HISTORY,
    READING,
    REGISTER_READING,
    METER_EVENT,
    AREA_SUPPLY,
)
"""Tables of the subject `metering`, in the order of the dictionary."""
