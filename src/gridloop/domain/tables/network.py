"""What carries the energy: substations, feeders, transformers, assets and makers, chargers, generation."""

from __future__ import annotations

from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    available_at,
    day,
    document,
    instant,
    key_id,
    latitude,
    longitude,
    money,
    number,
    one_of,
    text,
    whole,
)

SUBSTATION = TableSpec(
    name="substation",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("substation_id", "available_at"),
    label=Label("Substation", "变电站"),
    retention="forever",
    columns=(
        key_id("substation_id", "Substation", "变电站"),
        key_id("region_id", "Region", "区域", "region.region_id", "region not known"),
        text("name", "Name", "名称", "not named"),
        number("voltage_kv", "Primary voltage", "一次侧电压", "kV", "not known", 0),
        number("rated_mva", "Rated capacity", "额定容量", "MVA", "not known", 0),
        latitude(),
        longitude(),
        available_at(),
    ),
)

FEEDER = TableSpec(
    name="feeder",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("feeder_id", "available_at"),
    label=Label("Feeder", "馈线"),
    retention="forever",
    columns=(
        key_id("feeder_id", "Feeder", "馈线"),
        key_id("substation_id", "Substation", "变电站", "substation.substation_id", "not known"),
        text("name", "Name", "名称", "not named"),
        number("voltage_kv", "Voltage", "电压", "kV", "not known", 0),
        number("length_km", "Length", "长度", "km", "not known", 0),
        number("limit_kw", "Power limit", "功率限额", "kW", "no limit known", 0),
        available_at(),
    ),
)

TRANSFORMER = TableSpec(
    name="transformer",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("transformer_id", "available_at"),
    label=Label("Transformer", "配电变压器"),
    retention="forever",
    columns=(
        key_id("transformer_id", "Transformer", "配电变压器"),
        key_id("feeder_id", "Feeder", "馈线", "feeder.feeder_id", "not known"),
        number("rated_kva", "Rated capacity", "额定容量", "kVA", "not known", 0),
        latitude(),
        longitude(),
        text("ownership", "Ownership (public, customer)", "产权(公用、专用)", "not known"),
        day("installed", "Installed", "投运日期", "not known"),
        available_at(),
    ),
)

ASSET = TableSpec(
    name="asset",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("asset_id", "available_at"),
    label=Label("Asset", "电网设备"),
    retention="forever",
    columns=(
        key_id("asset_id", "Asset", "设备"),
        text("asset_kind", "Kind (meter, transformer, cable, switchgear …)", "设备类别"),
        key_id("supplier_id", "Maker", "制造商", "supplier.supplier_id", "maker not known"),
        text("batch", "Batch", "批次", "not known"),
        text("type_name", "Type", "型号", "not known"),
        key_id("feeder_id", "Feeder", "馈线", "feeder.feeder_id", "not on a feeder"),
        key_id("transformer_id", "Transformer area", "所属台区", "transformer.transformer_id", "in no area"),
        day("installed", "Installed", "投运日期", "not known"),
        day("retired", "Retired", "退役日期", "in service"),
        money("purchase_price", "Purchase price", "采购价", "not known"),
        latitude(),
        longitude(),
        available_at(),
    ),
)

ASSET_EVENT = TableSpec(
    name="asset_event",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("asset_event_id", "available_at"),
    label=Label("Asset event", "设备事件"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("asset_event_id", "Asset event", "设备事件编号"),
        key_id("asset_id", "Asset", "设备", "asset.asset_id"),
        one_of("event", "Event", "事件", "fault|defect|test|maintenance|repair|replacement|inspection"),
        instant("at", "At", "时刻"),
        text("cause", "Cause", "原因", "not known"),
        money("cost", "Cost", "费用", "not costed"),
        document("details", "Details", "详情", "nothing more is known"),
        available_at(),
    ),
)

SUPPLIER = TableSpec(
    name="supplier",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("supplier_id", "available_at"),
    label=Label("Supplier", "供应商"),
    update_frequency="P1M",
    columns=(
        key_id("supplier_id", "Supplier", "供应商"),
        text("name", "Name", "名称"),
        text("country", "Country (ISO 3166)", "国家(ISO 3166)", "not known"),
        one_of("status", "Status", "状态", "approved|watched|suspended|blacklisted"),
        available_at(),
    ),
)

EV_CHARGER = TableSpec(
    name="ev_charger",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("charger_id", "available_at"),
    label=Label("Electric vehicle charger", "充电桩"),
    columns=(
        key_id("charger_id", "Charger", "充电桩"),
        key_id("service_point_id", "Service point", "用电点", "service_point.service_point_id", "not known"),
        text("site", "Site", "站点", "a single charger"),
        number("rated_kw", "Rated power", "额定功率", "kW", "not known", 0),
        one_of("current", "Current", "电流类型", "ac|dc|unknown"),
        whole("connectors", "Connectors", "接口数", minimum=1),
        day("installed", "Installed", "投运日期", "not known"),
        latitude(),
        longitude(),
        available_at(),
    ),
)

CHARGING_SESSION = TableSpec(
    name="charging_session",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("session_id", "available_at"),
    label=Label("Charging session", "充电订单"),
    columns=(
        key_id("session_id", "Session", "充电订单"),
        key_id("charger_id", "Charger", "充电桩", "ev_charger.charger_id"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id", "driver not known"),
        instant("connected_at", "Connected", "插枪时刻"),
        instant("charged_at", "Charging ended", "充电结束时刻", "not recorded"),
        instant("disconnected_at", "Disconnected", "拔枪时刻", "still connected, or not recorded"),
        number("energy_kwh", "Energy", "充电量", "kWh", minimum=0),
        number("requested_kwh", "Energy asked for", "需求电量", "kWh", "not asked", 0),
        money("amount", "Amount", "金额", "not billed, or not known"),
        available_at(),
    ),
)

DER_UNIT = TableSpec(
    name="der_unit",
    subject="network",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("der_unit_id", "available_at"),
    label=Label("Distributed energy resource", "分布式能源"),
    columns=(
        key_id("der_unit_id", "Unit", "机组"),
        key_id("service_point_id", "Service point", "用电点", "service_point.service_point_id"),
        one_of("der_kind", "Kind", "类别", "pv|battery|wind|chp|heat_pump|other"),
        number("rated_kw", "Rated power", "额定功率", "kW", minimum=0),
        number("storage_kwh", "Storage", "储能容量", "kWh", "no storage", 0),
        number("tilt_deg", "Tilt", "倾角", "deg", "not known, or not PV", 0, 90),
        number(
            "azimuth_deg", "Azimuth (0 north, 180 south)", "方位角(0 北,180 南)", "deg", "not known", 0, 360
        ),
        day("commissioned", "Commissioned", "并网日期", "not known"),
        day("retired", "Retired", "退役日期", "in service"),
        available_at(),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    SUBSTATION,
    FEEDER,
    TRANSFORMER,
    ASSET,
    ASSET_EVENT,
    SUPPLIER,
    EV_CHARGER,
    CHARGING_SESSION,
    DER_UNIT,
)
"""Tables of the subject `network`, in the order of the dictionary."""
