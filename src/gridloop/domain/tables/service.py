"""What customers asked for and suffered: tickets, outages and interruptions, applications, inspections."""

from __future__ import annotations

from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    available_at,
    document,
    instant,
    key_id,
    money,
    number,
    one_of,
    planned,
    text,
    whole,
)

TICKET = TableSpec(
    name="ticket",
    subject="service",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("ticket_id", "available_at"),
    label=Label("Ticket", "服务工单"),
    update_frequency="event",
    columns=(
        key_id("ticket_id", "Ticket", "工单"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id", "caller not identified"),
        key_id(
            "service_point_id", "Service point", "用电点", "service_point.service_point_id", "not located"
        ),
        text("channel", "Channel", "渠道"),
        instant("opened_at", "Opened", "受理时刻"),
        instant("closed_at", "Closed", "办结时刻", "still open"),
        text("category", "Category given by the source", "来源分类", "not categorised"),
        one_of("language", "Language of the text", "文本语言", "zh|en|other"),
        text("text", "Text, personal data scrubbed", "文本(已去除个人信息)", "no text recorded"),
        text("resolution", "Resolution", "处理结果", "not resolved yet"),
        whole(
            "satisfaction", "Satisfaction (1 worst, 5 best)", "满意度(1 最差,5 最好)", "1", "not rated", 1, 5
        ),
        available_at(),
    ),
)

OUTAGE = TableSpec(
    name="outage",
    subject="service",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("outage_id", "available_at"),
    label=Label("Outage", "停电事件"),
    update_frequency="event",
    columns=(
        key_id("outage_id", "Outage", "停电编号"),
        one_of("outage_kind", "Kind", "类别", "planned|fault|upstream|rota"),
        key_id("feeder_id", "Feeder", "馈线", "feeder.feeder_id", "not a whole feeder"),
        key_id(
            "transformer_id", "Transformer", "配电变压器", "transformer.transformer_id", "not a whole area"
        ),
        key_id("asset_id", "Asset at fault", "故障设备", "asset.asset_id", "no asset at fault, or not known"),
        instant("starts_at", "Started", "停电时刻"),
        instant("ends_at", "Restored", "复电时刻", "not restored yet"),
        text("cause", "Cause", "原因", "not known"),
        whole("customers_affected", "Customers affected", "影响户数", null="not counted"),
        available_at(),
    ),
)

INTERRUPTION = TableSpec(
    name="interruption",
    subject="service",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("outage_id", "service_point_id", "available_at"),
    label=Label("Interruption of one service point", "用户停电记录"),
    update_frequency="event",
    columns=(
        key_id("outage_id", "Outage", "停电编号", "outage.outage_id"),
        key_id("service_point_id", "Service point", "用电点", "service_point.service_point_id"),
        instant("starts_at", "Started", "停电时刻"),
        instant("ends_at", "Restored", "复电时刻", "not restored yet"),
        available_at(),
    ),
)

APPLICATION = TableSpec(
    name="application",
    subject="service",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("application_id", "available_at"),
    label=Label("Application", "业扩申请"),
    update_frequency="event",
    columns=(
        key_id("application_id", "Application", "申请编号"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id", "not a customer yet"),
        key_id(
            "service_point_id", "Service point", "用电点", "service_point.service_point_id", "not built yet"
        ),
        one_of(
            "application_kind",
            "Kind",
            "类别",
            "new_connection|capacity_increase|capacity_decrease|suspension|tariff_change|der|ev_charger|closure",
        ),
        number("capacity_kva", "Capacity asked for", "申请容量", "kVA", "not about capacity", 0),
        instant("submitted_at", "Submitted", "申请时刻"),
        instant("completed_at", "Completed", "完成时刻", "not completed yet"),
        one_of("status", "Status", "状态", "submitted|survey|quoted|works|completed|refused|withdrawn"),
        available_at(),
    ),
)

INSPECTION = TableSpec(
    name="inspection",
    subject="service",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("inspection_id", "available_at"),
    label=Label("Inspection", "用电检查"),
    update_frequency="event",
    columns=(
        key_id("inspection_id", "Inspection", "检查编号"),
        key_id("service_point_id", "Service point", "用电点", "service_point.service_point_id"),
        key_id("meter_id", "Meter", "电表", "meter.meter_id", "no meter found"),
        key_id("case_id", "Case", "案件编号", "case.case_id", "not from a case"),
        one_of("reason", "Reason", "检查原因", "case|routine|random|tip_off|complaint|unknown"),
        instant("inspected_at", "Inspected", "检查时刻"),
        one_of("result", "Result", "检查结果", "nothing_found|theft|meter_fault|wiring_fault|no_access"),
        number("recovered_kwh", "Energy recovered", "追补电量", "kWh", "nothing recovered, or not yet", 0),
        money("recovered_amount", "Money recovered", "追补金额", "nothing recovered, or not yet"),
        document("evidence", "Evidence", "证据", "none recorded"),
        available_at(),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    TICKET,
    OUTAGE,
    INTERRUPTION,
    APPLICATION,
    INSPECTION,
    planned("visit", "service", Store.LAKE, Stage.DATA, ("visit_id", "available_at"), "Visit", "上门走访"),
)
"""Tables of the subject `service`, in the order of the dictionary."""
