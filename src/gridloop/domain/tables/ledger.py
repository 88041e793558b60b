"""Records that must never be lost or doubled: runs, plans, approvals, campaigns, sends, cases, audit."""

from __future__ import annotations

from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    day,
    document,
    flag,
    instant,
    key_id,
    long,
    money,
    number,
    one_of,
    planned,
    share,
    text,
    whole,
)

STAGES = "|".join(Stage)

JOB_RUN = TableSpec(
    name="job_run",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.APPS,
    key=("run_id",),
    label=Label("Job run", "作业运行"),
    update_frequency="event",
    columns=(
        key_id("run_id", "Run", "运行编号"),
        text("job", "Job", "作业"),
        one_of("stage", "Stage", "环节", STAGES),
        instant("started_at", "Started", "开始时刻", volatile=True),
        instant("finished_at", "Finished", "结束时刻", "still running", volatile=True),
        one_of("outcome", "Outcome", "结果", "running|succeeded|failed|killed|skipped"),
        text("inputs_digest", "Digest of the inputs", "输入摘要"),
        text("code_version", "Code version", "代码版本"),
        document("settings", "Settings", "参数"),
        document("manifest", "Manifest: table to snapshot", "快照清单", "published nothing"),
        document("counts", "Counts", "计数", "not finished"),
        text("error_code", "Error code", "错误代码", "no error"),
        text("error_text", "Error text", "错误说明", "no error"),
        whole("pid", "Process id", "进程号"),
        text("host", "Host", "主机", "not recorded"),
        instant("heartbeat_at", "Last sign of life", "最近心跳", "none yet", volatile=True),
    ),
)

PRODUCT = TableSpec(
    name="product",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.STRATEGY,
    key=("product_id",),
    label=Label("Product", "产品"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("product_id", "Product", "产品编号"),
        text("name", "Name", "名称"),
        one_of(
            "product_kind", "Kind", "类别", "tariff|demand_response|efficiency|green_power|prepayment|service"
        ),
        one_of("status", "Status", "状态", "draft|offered|withdrawn"),
        key_id("tariff_id", "Tariff", "电价方案", null="not a tariff product"),
        document("terms", "Terms", "条款"),
        money("unit_cost", "Cost per enrolment", "单户成本", "not costed"),
        day("valid_from", "Offered from", "起售日"),
        day("valid_to", "Offered until", "停售日", "open end"),
        instant("created_at", "Created", "创建时刻", volatile=True),
    ),
)

PLAN = TableSpec(
    name="plan",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.STRATEGY,
    key=("plan_id",),
    label=Label("Plan", "营销计划"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("plan_id", "Plan", "计划编号"),
        text("playbook", "Playbook", "策略模板"),
        whole("version", "Playbook version", "模板版本", minimum=1),
        one_of("status", "Status", "状态", "draft|submitted|approved|rejected|cancelled|launched|finished"),
        document("audience", "Audience, with exclusions and their reasons", "目标人群及排除原因"),
        document("settings", "Settings", "参数"),
        text("created_by", "Created by", "创建人"),
        instant("created_at", "Created", "创建时刻", volatile=True),
        text("digest", "Digest of what is approved", "待批内容摘要"),
        text("title", "Title", "标题", "named by its playbook"),
        document(
            "expectation",
            "Expected value, power and detectable effect",
            "预期价值与检验功效",
            "not estimated",
        ),
        document("manifest", "Snapshots it was computed from", "数据快照", "not computed from tables"),
        key_id("previous_plan_id", "Plan it learned from", "前一轮计划", "plan.plan_id", "first of its kind"),
        instant("updated_at", "Updated", "更新时刻", "never changed", volatile=True),
    ),
)

APPROVAL = TableSpec(
    name="approval",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.APPS,
    key=("approval_id",),
    label=Label("Approval", "审批"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("approval_id", "Approval", "审批编号"),
        text("subject_kind", "Kind of thing decided on", "审批对象类别"),
        key_id("subject_id", "Thing decided on", "审批对象"),
        text("subject_digest", "Digest of what was seen", "所见内容摘要"),
        one_of("decision", "Decision", "决定", "approved|rejected|withdrawn"),
        text("decided_by", "Decided by", "审批人"),
        instant("decided_at", "Decided at", "审批时刻", volatile=True),
        text("reason", "Reason", "理由", "no reason given"),
        flag("automatic", "Automatic (demo workspace only)", "自动审批(仅演示)"),
    ),
)

CAMPAIGN = TableSpec(
    name="campaign",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.REACH,
    key=("campaign_id",),
    label=Label("Campaign", "营销活动"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("campaign_id", "Campaign", "活动编号"),
        key_id("plan_id", "Plan", "计划编号", "plan.plan_id"),
        text("name", "Name", "名称"),
        one_of("status", "Status", "状态", "scheduled|running|paused|stopped|finished"),
        one_of(
            "unit_kind", "Unit of randomisation", "随机化单位", "account|customer|household|feeder|community"
        ),
        document("settings", "Arms, channels, caps and success measure", "组别、渠道、上限与成效指标"),
        instant("starts_at", "Starts", "开始时刻"),
        instant("ends_at", "Ends", "结束时刻", "open end"),
        text("launched_by", "Launched by", "启动人"),
        instant("launched_at", "Launched", "启动时刻", volatile=True),
        instant("stopped_at", "Stopped", "停止时刻", "not stopped", volatile=True),
        text("stop_reason", "Reason of the stop", "停止原因", "not stopped"),
        key_id("product_id", "Product", "产品编号", "product.product_id", "offers no product"),
    ),
)

ASSIGNMENT = TableSpec(
    name="assignment",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.STRATEGY,
    key=("campaign_id", "unit_id"),
    label=Label("Random assignment", "随机分组"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("campaign_id", "Campaign", "活动编号", "campaign.campaign_id"),
        key_id("unit_id", "Unit of randomisation", "随机化单位编号"),
        text("arm", "Arm (`holdout` is never contacted)", "组别(holdout 为对照保留组)"),
        text("stratum", "Stratum", "分层", "not stratified"),
        instant("assigned_at", "Assigned", "分组时刻", volatile=True),
        long("seed", "Seed", "随机种子", minimum=None),
        share("probability", "Probability of this arm", "入组概率", "equal shares within the stratum"),
    ),
)

SEND = TableSpec(
    name="send",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.REACH,
    key=("send_id",),
    label=Label("Send", "触达发送"),
    update_frequency="event",
    columns=(
        key_id("send_id", "Send", "发送编号"),
        key_id("campaign_id", "Campaign", "活动编号", "campaign.campaign_id"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id"),
        text("channel", "Channel", "渠道"),
        key_id("message_id", "Message id (stable over retries)", "消息编号(重试不变)"),
        one_of("status", "Status", "状态", "planned|sending|sent|unknown|failed|bounced|cancelled"),
        whole("attempts", "Attempts", "尝试次数"),
        instant("planned_at", "Planned", "计划时刻", volatile=True),
        instant("sending_at", "Handed to the channel", "交付渠道时刻", "not handed over yet", volatile=True),
        instant(
            "sent_at", "Accepted by the channel", "渠道受理时刻", "not accepted, or unknown", volatile=True
        ),
        text("idempotency_key", "Idempotency key", "幂等键"),
        text("template", "Content template", "内容模板", "content without a template"),
        text("language", "Language", "语言", "language of the workspace"),
        instant("not_before", "Not before", "最早发送时刻", "at once", volatile=True),
        text("last_error", "Last error", "最近错误", "no error"),
        money("cost", "Cost", "成本", "not costed"),
    ),
)

RESPONSE = TableSpec(
    name="response",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.REACH,
    key=("response_id",),
    label=Label("Response", "客户响应"),
    update_frequency="event",
    columns=(
        key_id("response_id", "Response", "响应编号"),
        key_id("send_id", "Send", "发送编号", "send.send_id", "came without a send"),
        key_id("campaign_id", "Campaign", "活动编号", "campaign.campaign_id", "belongs to no campaign"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id"),
        text(
            "kind",
            "Kind (delivered, opened, clicked, accepted, declined, bounced, unsubscribed …)",
            "响应类别",
        ),
        instant("at", "At", "时刻"),
        number("value", "Value", "数值", "1", "a response without a number"),
        document("details", "Details", "详情", "nothing more is known"),
        instant("recorded_at", "Recorded", "记录时刻", "recorded as it came", volatile=True),
    ),
)

ENROLMENT = TableSpec(
    name="enrolment",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.REACH,
    key=("enrolment_id",),
    label=Label("Enrolment", "产品签约"),
    update_frequency="event",
    retention="forever",
    columns=(
        key_id("enrolment_id", "Enrolment", "签约编号"),
        key_id("product_id", "Product", "产品编号", "product.product_id"),
        key_id("account_id", "Account", "账户", "account.account_id"),
        key_id("customer_id", "Customer", "客户", "customer.customer_id"),
        key_id("campaign_id", "Campaign", "活动编号", "campaign.campaign_id", "enrolled without a campaign"),
        one_of("status", "Status", "状态", "pending|active|declined|withdrawn|ended"),
        instant("enrolled_at", "Enrolled", "签约时刻"),
        instant("ended_at", "Ended", "终止时刻", "still enrolled"),
        text("end_reason", "Reason of the end", "终止原因", "still enrolled, or none given"),
        text("source", "Where it came from", "来源"),
    ),
)

CASE = TableSpec(
    name="case",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.INSIGHT,
    key=("case_id",),
    label=Label("Case", "工单案件"),
    update_frequency="event",
    columns=(
        key_id("case_id", "Case", "案件编号"),
        one_of(
            "case_kind", "Kind", "类别", "theft|arrears|churn|complaint|fault|data_quality|undecided_send"
        ),
        one_of("status", "Status", "状态", "open|research|inspection|resolved|closed"),
        text("subject_table", "Table of the subject", "对象所在表"),
        key_id("subject_id", "Subject", "对象"),
        key_id(
            "score_run_id", "Run that raised it", "产生该案件的运行", "job_run.run_id", "raised by a person"
        ),
        money("expected_value", "Expected net value", "预期净值", "not estimated"),
        number(
            "expected_energy_kwh", "Expected recovered energy", "预期追补电量", "kWh", "not an energy case"
        ),
        document("evidence", "Evidence", "证据"),
        text("assigned_to", "Assigned to", "负责人", "nobody yet"),
        instant("opened_at", "Opened", "立案时刻"),
        day("due", "Due", "期限", "no due date"),
        instant("closed_at", "Closed", "结案时刻", "still open"),
        text("result", "Result", "结论", "no result yet"),
    ),
)

CASE_EVENT = TableSpec(
    name="case_event",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.APPS,
    key=("case_event_id",),
    label=Label("Case event", "案件流转记录"),
    update_frequency="event",
    columns=(
        key_id("case_event_id", "Case event", "流转编号"),
        key_id("case_id", "Case", "案件编号", "case.case_id"),
        instant("at", "At", "时刻"),
        text("actor", "Actor", "操作人"),
        one_of("action", "Action", "动作", "opened|assigned|noted|inspected|decided|closed|reopened"),
        text("note", "Note", "备注", "no note"),
        document("details", "Details", "详情", "nothing more is known"),
    ),
)

AUDIT = TableSpec(
    name="audit",
    subject="ledger",
    store=Store.LEDGER,
    owner=Stage.SECURITY,
    key=("sequence",),
    label=Label("Audit trail", "审计日志"),
    update_frequency="event",
    retention="forever",
    columns=(
        long("sequence", "Sequence", "序号", minimum=1),
        instant("at", "At", "时刻", volatile=True),
        text("actor", "Actor", "操作主体"),
        text("action", "Action", "动作"),
        text("subject", "Subject", "对象"),
        document("details", "Details", "详情"),
        text("previous_hash", "Hash of the entry before", "前一条哈希"),
        text("hash", "Hash of this entry", "本条哈希"),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    PRODUCT,
    PLAN,
    APPROVAL,
    CAMPAIGN,
    ASSIGNMENT,
    SEND,
    RESPONSE,
    ENROLMENT,
    planned(
        "dr_event",
        "ledger",
        Store.LEDGER,
        Stage.STRATEGY,
        ("dr_event_id",),
        "Demand response event",
        "需求响应事件",
    ),
    planned(
        "settlement", "ledger", Store.LEDGER, Stage.EVALUATION, ("settlement_id",), "Settlement", "响应结算"
    ),
    planned("bid", "ledger", Store.LEDGER, Stage.STRATEGY, ("bid_id",), "Bid", "报价申报"),
    CASE,
    CASE_EVENT,
    JOB_RUN,
    AUDIT,
)
"""Tables of the subject `ledger`, in the order of the dictionary."""
