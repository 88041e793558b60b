"""What came in, what was refused and why, and how good it is (docs/conventions.md §2)."""

from __future__ import annotations

from gridloop.domain.finding import Severity
from gridloop.domain.reading import Channel
from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    available_at,
    day,
    document,
    instant,
    key_id,
    long,
    number,
    one_of,
    text,
    undigested,
    whole,
)

LANDING_FILE = TableSpec(
    name="landing_file",
    subject="intake",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("file_id", "recipe", "role"),
    label=Label("Landing file", "落地文件"),
    update_frequency="event",
    columns=(
        key_id("file_id", "File (SHA-256 of its content)", "文件(内容 SHA-256)"),
        text("recipe", "Recipe", "导入配方"),
        text("recipe_version", "Recipe version", "配方版本"),
        text("role", "Role of the file in the recipe", "文件角色"),
        text("name", "File name", "文件名"),
        long("bytes", "Size", "大小", "bytes"),
        long("rows", "Rows", "行数", null="not counted"),
        instant("received_at", "Received", "接收时刻", volatile=True),
        text("purpose", "Purpose it may be used for", "使用目的"),
        text("provenance", "Where it came from", "来源"),
        text("licence", "Licence", "许可", "the utility's own data"),
        undigested(text("key_id", "Key that seals it", "加密密钥编号")),
    ),
)

QUARANTINE = TableSpec(
    name="quarantine",
    subject="intake",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("file_id", "role", "source_row", "reason_code"),
    label=Label("Quarantined row", "隔离行"),
    update_frequency="event",
    retention="P2Y",
    columns=(
        key_id("file_id", "File", "文件", "landing_file.file_id"),
        text("recipe", "Recipe", "导入配方"),
        text("role", "Role of the file in the recipe", "文件角色"),
        long("source_row", "Row in the source", "源文件行号"),
        text("reason_code", "Reason code", "原因代码"),
        text("reason", "Reason", "原因"),
        long("intervals", "Intervals the row held", "所含时段数"),
        undigested(text("row_sealed", "Row, sealed", "加密保存的原始行", "the row could not be read")),
        available_at(volatile=True),
    ),
)

ROW_ACCOUNT = TableSpec(
    name="row_account",
    subject="intake",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("file_id", "recipe", "role"),
    label=Label("Row account", "行数核算"),
    update_frequency="event",
    columns=(
        key_id("file_id", "File", "文件", "landing_file.file_id"),
        text("recipe", "Recipe", "导入配方"),
        text("role", "Role of the file in the recipe", "文件角色"),
        long("rows_in", "Rows in", "读入行数"),
        long("rows_accepted", "Rows accepted", "接受行数"),
        long("rows_superseded", "Rows superseded", "被替代行数"),
        long("rows_quarantined", "Rows quarantined", "隔离行数"),
        long("intervals_in", "Intervals in", "读入时段数"),
        long("intervals_accepted", "Intervals accepted", "接受时段数"),
        long("intervals_superseded", "Intervals superseded", "被替代时段数"),
        long("intervals_quarantined", "Intervals quarantined", "隔离时段数"),
        long("intervals_missing", "Intervals that never came", "缺失时段数"),
    ),
)

QUALITY_FINDING = TableSpec(
    name="quality_finding",
    subject="intake",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("finding_id",),
    label=Label("Quality finding", "质量发现"),
    retention="P3Y",
    columns=(
        key_id("finding_id", "Finding", "发现编号"),
        text("rule", "Rule", "规则"),
        one_of(
            "dimension", "Dimension", "质量维度", "accuracy|consistency|timeliness|completeness|uniqueness"
        ),
        text("table_name", "Table", "表名"),
        key_id("subject", "Key of the thing concerned", "涉及对象", null="the whole table"),
        day("day_from", "From", "起始日", "not bound to days"),
        day("day_to", "To", "截止日", "not bound to days"),
        one_of("severity", "Severity", "严重程度", "|".join(Severity)),
        long("count", "How many", "数量"),
        text("text", "Finding", "发现内容"),
        document("evidence", "Evidence", "证据"),
        instant("run_at", "Checked", "检查时刻", volatile=True),
    ),
)

COMPLETENESS = TableSpec(
    name="completeness",
    subject="intake",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("meter_id", "channel", "day"),
    label=Label("Completeness by meter and day", "逐表逐日完整率"),
    columns=(
        key_id("meter_id", "Meter", "电表", "meter.meter_id"),
        one_of("channel", "Channel", "量测通道", "|".join(Channel)),
        day("day", "Day", "日期"),
        whole("expected", "Intervals expected", "应有时段数"),
        whole("present", "Intervals present", "实有时段数"),
        whole("estimated", "Intervals estimated", "估算时段数"),
        whole("suspect", "Intervals suspect", "可疑时段数"),
        whole("zero", "Intervals at zero", "零值时段数"),
        number(
            "late_hours", "Lateness after the end of the day", "迟到时长", "hours", "arrival not recorded"
        ),
    ),
)

TABLES: tuple[TableSpec, ...] = (LANDING_FILE, QUARANTINE, ROW_ACCOUNT, QUALITY_FINDING, COMPLETENESS)
"""Tables of the subject `intake`, in the order of the dictionary."""
