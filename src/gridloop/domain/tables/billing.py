"""What energy cost and who paid: tariff assignments, bills and their lines, payments, dunning."""

from __future__ import annotations

from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    available_at,
    day,
    instant,
    key_id,
    long,
    money,
    number,
    one_of,
    text,
    whole,
)

TARIFF_ASSIGNMENT = TableSpec(
    name="tariff_assignment",
    subject="billing",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("contract_id", "valid_from", "available_at"),
    label=Label("Tariff assignment", "电价执行记录"),
    update_frequency="event",
    columns=(
        key_id("contract_id", "Contract", "合同", "contract.contract_id"),
        key_id("tariff_id", "Tariff", "电价方案"),
        day("valid_from", "Valid from", "生效日"),
        day("valid_to", "Valid to (exclusive)", "失效日(不含)", "still valid"),
        available_at(),
    ),
)

BILL = TableSpec(
    name="bill",
    subject="billing",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("bill_id", "available_at"),
    label=Label("Bill", "电费账单"),
    update_frequency="P1M",
    columns=(
        key_id("bill_id", "Bill", "账单"),
        key_id("account_id", "Account", "账户", "account.account_id"),
        day("period_start", "Period starts", "计费期起始日"),
        day("period_end", "Period ends (exclusive)", "计费期截止日(不含)"),
        long("energy_wh", "Energy billed", "计费电量", "Wh", minimum=None),
        money("amount", "Amount, tax as the workspace says", "金额(含税与否依工作区设置)"),
        money("tax", "Tax", "税额", "not stated"),
        day("issued", "Issued", "出账日"),
        day("due", "Due", "到期日", "no due date given"),
        text("status", "Status", "状态"),
        key_id(
            "replaces_bill_id", "Bill it replaces or cancels", "冲正的原账单", "bill.bill_id", "an original"
        ),
        available_at(),
    ),
)

BILL_LINE = TableSpec(
    name="bill_line",
    subject="billing",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("bill_id", "line", "available_at"),
    label=Label("Bill line", "账单明细"),
    update_frequency="P1M",
    columns=(
        key_id("bill_id", "Bill", "账单", "bill.bill_id"),
        whole("line", "Line", "行号"),
        text("item", "Item", "收费项目"),
        number("quantity", "Quantity", "数量", "@unit", "a fixed charge"),
        text("unit", "Unit of the quantity", "数量单位", "a fixed charge"),
        money("rate", "Rate per unit", "单价", "a fixed charge", "currency/@unit"),
        money("amount", "Amount", "金额"),
        available_at(),
    ),
)

PAYMENT = TableSpec(
    name="payment",
    subject="billing",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("payment_id", "available_at"),
    label=Label("Payment", "缴费记录"),
    columns=(
        key_id("payment_id", "Payment", "缴费编号"),
        key_id("account_id", "Account", "账户", "account.account_id"),
        key_id("bill_id", "Bill it settles", "对应账单", "bill.bill_id", "paid on account"),
        day("paid", "Paid", "缴费日期"),
        money("amount", "Amount (negative: refund)", "金额(负数为退费)"),
        text("method", "Method", "缴费方式", "not known"),
        available_at(),
    ),
)

DUNNING_STEP = TableSpec(
    name="dunning_step",
    subject="billing",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("dunning_step_id", "available_at"),
    label=Label("Dunning step", "催费步骤"),
    update_frequency="event",
    columns=(
        key_id("dunning_step_id", "Dunning step", "催费编号"),
        key_id("account_id", "Account", "账户", "account.account_id"),
        key_id("bill_id", "Bill", "账单", "bill.bill_id", "concerns the whole account"),
        one_of(
            "step",
            "Step",
            "步骤",
            "reminder|notice|call|visit|instalment|disconnection_notice|disconnection|reconnection|write_off",
        ),
        instant("at", "At", "时刻"),
        money("amount_due", "Amount due", "欠费金额"),
        text("outcome", "Outcome", "结果", "not known yet"),
        available_at(),
    ),
)

TABLES: tuple[TableSpec, ...] = (TARIFF_ASSIGNMENT, BILL, BILL_LINE, PAYMENT, DUNNING_STEP)
"""Tables of the subject `billing`, in the order of the dictionary."""
