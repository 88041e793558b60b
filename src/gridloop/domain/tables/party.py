"""Who uses energy: customers, accounts, contracts, contacts (in the vault), consent, regions, industries."""

from __future__ import annotations

from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    available_at,
    day,
    flag,
    instant,
    key_id,
    number,
    one_of,
    personal,
    planned,
    text,
    whole,
)

CUSTOMER = TableSpec(
    name="customer",
    subject="party",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("customer_id", "available_at"),
    clustered=("customer_id",),
    label=Label("Customer", "客户"),
    columns=(
        key_id("customer_id", "Customer", "客户"),
        one_of("customer_class", "Class", "客户类别", "residential|shop|office|industry|farm|public|unknown"),
        key_id(
            "industry_code", "Industry", "行业代码", "industry.industry_code", "not a business, or not known"
        ),
        key_id("region_id", "Region", "区域", "region.region_id", "region not known"),
        day("since", "Customer since", "入户日期", "not known"),
        flag("vulnerable", "Vulnerable or on life support", "弱势或生命支持用户", "not known"),
        text("segment_source", "Group given by the source", "来源系统分组", "the source gives none"),
        available_at(),
    ),
)

ACCOUNT = TableSpec(
    name="account",
    subject="party",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("account_id", "available_at"),
    clustered=("customer_id",),
    label=Label("Account", "账户"),
    columns=(
        key_id("account_id", "Account", "账户"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id"),
        day("opened", "Opened", "开户日期", "not known"),
        day("closed", "Closed", "销户日期", "still open, or not known"),
        text("status", "Status", "状态"),
        available_at(),
    ),
)

CONTRACT = TableSpec(
    name="contract",
    subject="party",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("contract_id", "valid_from", "available_at"),
    clustered=("account_id",),
    label=Label("Contract", "供用电合同"),
    columns=(
        key_id("contract_id", "Contract", "合同"),
        key_id("account_id", "Account", "账户", "account.account_id"),
        key_id("service_point_id", "Service point", "用电点", "service_point.service_point_id"),
        day("valid_from", "Valid from", "生效日"),
        day("valid_to", "Valid to (exclusive)", "失效日(不含)", "open end"),
        key_id("tariff_id", "Tariff", "电价方案", null="not known"),
        number("capacity_kva", "Contract capacity", "合同容量", "kVA", "no capacity agreed", 0),
        available_at(),
    ),
)

CONTACT = TableSpec(
    name="contact",
    subject="party",
    store=Store.VAULT,
    owner=Stage.SECURITY,
    key=("customer_id",),
    label=Label("Contact data", "联系信息"),
    columns=(
        key_id("customer_id", "Customer", "客户", "customer.customer_id"),
        personal("name", "Name", "姓名", "not known"),
        personal("phone", "Telephone", "电话", "not known"),
        personal("email", "E-mail", "电子邮箱", "not known"),
        personal("address", "Address", "地址", "not known"),
        personal("language", "Language", "语言", "language of the workspace"),
    ),
)

CONSENT = TableSpec(
    name="consent",
    subject="party",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("customer_id", "channel", "purpose", "valid_from", "available_at"),
    label=Label("Consent", "授权同意"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("customer_id", "Customer", "客户", "customer.customer_id"),
        text("channel", "Channel", "渠道"),
        text("purpose", "Purpose", "目的"),
        flag("granted", "Granted", "是否同意"),
        instant("valid_from", "Valid from", "生效时刻"),
        instant("valid_to", "Valid to (exclusive)", "失效时刻(不含)", "until withdrawn"),
        text("source", "Where it was given", "同意来源"),
        available_at(),
    ),
)

UNSUBSCRIBE = TableSpec(
    name="unsubscribe",
    subject="party",
    store=Store.LEDGER,
    owner=Stage.REACH,
    key=("unsubscribe_id",),
    label=Label("Unsubscription", "退订"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("unsubscribe_id", "Unsubscription", "退订编号"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id"),
        text("channel", "Channel", "渠道", "all channels"),
        text("purpose", "Purpose", "目的", "all purposes"),
        key_id("send_id", "Send it answers", "对应发送", "send.send_id", "did not answer a send"),
        instant("at", "At", "时刻"),
        text("source", "How it came", "退订途径"),
    ),
)

REGION = TableSpec(
    name="region",
    subject="party",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("region_id", "available_at"),
    label=Label("Region", "区域"),
    update_frequency="P1Y",
    retention="forever",
    columns=(
        key_id("region_id", "Region", "区域"),
        key_id("parent_id", "Parent region", "上级区域", "region.region_id", "top of the hierarchy"),
        text("name", "Name", "名称"),
        text("level", "Level (province, city, county, town, community)", "级别(省、市、县、镇、社区)"),
        available_at(),
    ),
)

INDUSTRY = TableSpec(
    name="industry",
    subject="party",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("industry_code", "available_at"),
    label=Label("Industry", "行业"),
    update_frequency="P1Y",
    retention="forever",
    columns=(
        key_id("industry_code", "Industry", "行业代码"),
        key_id(
            "parent_code", "Parent industry", "上级行业", "industry.industry_code", "top of the hierarchy"
        ),
        text("standard", "Standard (GB/T 4754, ISIC, NACE …)", "分类标准"),
        text("name_en", "Name in English", "英文名称"),
        text("name_zh", "Name in Chinese", "中文名称", "not translated"),
        whole("level", "Level (1 is the top)", "层级(1 为最高)", minimum=1),
        available_at(),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    CUSTOMER,
    ACCOUNT,
    CONTRACT,
    CONTACT,
    CONSENT,
    UNSUBSCRIBE,
    REGION,
    INDUSTRY,
    planned(
        "organisation_unit",
        "party",
        Store.LAKE,
        Stage.DATA,
        ("unit_id", "available_at"),
        "Organisation unit",
        "组织机构",
    ),
)
"""Tables of the subject `party`, in the order of the dictionary."""
