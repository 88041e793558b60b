"""What channels saw: interactions that customers began, and events of messages that the utility sent."""

from __future__ import annotations

from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    available_at,
    document,
    instant,
    key_id,
    number,
    one_of,
    text,
)

INTERACTION = TableSpec(
    name="interaction",
    subject="channel",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("interaction_id", "available_at"),
    label=Label("Interaction", "渠道互动"),
    update_frequency="event",
    columns=(
        key_id("interaction_id", "Interaction", "互动编号"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id", "not identified"),
        text("channel", "Channel (app, web, hall, call_centre …)", "渠道(应用、网站、营业厅、热线…)"),
        text("action", "Action", "行为"),
        instant("at", "At", "时刻"),
        number("duration_seconds", "Duration", "持续时间", "seconds", "not measured", 0),
        document("details", "Details, no personal data", "详情(不含个人信息)", "nothing more is known"),
        available_at(),
    ),
)

MESSAGE_EVENT = TableSpec(
    name="message_event",
    subject="channel",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("message_id", "event", "at", "available_at"),
    label=Label("Message event", "消息事件"),
    update_frequency="event",
    columns=(
        key_id("message_id", "Message id", "消息编号"),
        key_id("send_id", "Send", "发送编号", "send.send_id", "not sent by Gridloop"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id", "not identified"),
        text("channel", "Channel", "渠道"),
        one_of(
            "event",
            "Event",
            "事件",
            "accepted|delivered|opened|clicked|bounced|complained|unsubscribed|expired",
        ),
        instant("at", "At", "时刻"),
        text("reason", "Reason given by the channel", "渠道给出的原因", "none given"),
        available_at(),
    ),
)

TABLES: tuple[TableSpec, ...] = (INTERACTION, MESSAGE_EVENT)
"""Tables of the subject `channel`, in the order of the dictionary."""
