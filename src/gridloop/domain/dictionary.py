"""The data dictionary as Markdown, generated from the catalogue in English and Chinese (docs/conventions.md §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from gridloop.domain.table import Column, Kind, Label, Privacy, Stage, Store, TableSpec
from gridloop.domain.tables import CATALOGUE
from gridloop.domain.tables.columns import UNITLESS
from gridloop.domain.tables.null_phrases import NULL_PHRASES_ZH

Language = Literal["en", "zh"]
"""Languages of the dictionary."""

LANGUAGES: tuple[Language, ...] = get_args(Language)
"""Both languages, English first."""

SUBJECTS: Mapping[str, Label] = {
    "party": Label("Parties", "主体"),
    "metering": Label("Metering", "计量"),
    "billing": Label("Billing", "计费"),
    "service": Label("Service", "客户服务"),
    "channel": Label("Channels", "渠道"),
    "network": Label("Network", "电网"),
    "environment": Label("Environment", "外部环境"),
    "intake": Label("Intake", "数据接入"),
    "results": Label("Results", "分析结果"),
    "ledger": Label("Ledger", "台账"),
}
"""Groups of tables, in the order of the index."""

_KINDS = {
    Kind.STRING: Label("text", "文本"),
    Kind.BOOL: Label("yes or no", "是否"),
    Kind.INT: Label("whole number, 32 bits", "整数(32 位)"),
    Kind.LONG: Label("whole number, 64 bits", "整数(64 位)"),
    Kind.DOUBLE: Label("number, 64 bits", "浮点数(64 位)"),
    Kind.MONEY: Label("decimal(18, 6)", "定点数(18, 6)"),
    Kind.DATE: Label("civil day", "日期"),
    Kind.INSTANT: Label("instant, UTC, µs", "时刻(UTC,微秒)"),
    Kind.JSON: Label("JSON", "JSON 文档"),
    Kind.INT_LIST: Label("list of whole numbers, 32 bits", "整数列表(32 位)"),
    Kind.DOUBLE_LIST: Label("list of numbers, 64 bits", "浮点数列表(64 位)"),
}

_PRIVACY = {
    Privacy.PUBLIC: Label("public", "公开"),
    Privacy.INTERNAL: Label("internal", "内部"),
    Privacy.PERSONAL: Label("personal", "个人信息"),
    Privacy.SECRET: Label("secret", "机密"),
}

_STORES = {
    Store.LAKE: Label("lake (Iceberg)", "数据湖(Iceberg)"),
    Store.LEDGER: Label("ledger (SQL)", "台账(SQL)"),
    Store.VAULT: Label("vault (encrypted)", "保险库(加密)"),
}

_OWNERS = {
    Stage.DATA: Label("data", "数据"),
    Stage.INSIGHT: Label("insight", "洞察"),
    Stage.STRATEGY: Label("strategy", "策略"),
    Stage.REACH: Label("reach", "触达"),
    Stage.EVALUATION: Label("evaluation", "评估"),
    Stage.SECURITY: Label("security", "安全"),
    Stage.APPS: Label("apps", "应用"),
}

_DURATIONS = {
    "PT6H": Label("every 6 hours", "每 6 小时"),
    "P1D": Label("every day", "每日"),
    "P1M": Label("every month", "每月"),
    "P1Y": Label("every year", "每年"),
    "event": Label("as it happens", "随事件发生"),
    "P2Y": Label("2 years", "2 年"),
    "P3Y": Label("3 years", "3 年"),
    "P10Y": Label("10 years", "10 年"),
}

_UNIT_WORDS = {
    "currency": Label("currency", "本位币"),
    "percent": Label("percent", "%"),
    "bytes": Label("bytes", "字节"),
    "seconds": Label("seconds", "秒"),
    "minutes": Label("minutes", "分钟"),
    "hours": Label("hours", "小时"),
    "days": Label("days", "天"),
    "deg": Label("degrees", "度(角度)"),
    "degC": Label("°C", "°C"),
    "W/m2": Label("W/m²", "W/m²"),
    "km2": Label("km²", "km²"),
}

_KEPT_FOREVER = {
    "party": Label(
        "forever: proof of consent, and codes that old rows still use", "永久:同意的凭证及历史数据所用代码"
    ),
    "metering": Label("forever: old readings cannot be read without it", "永久:历史读数的解读依据"),
    "network": Label(
        "forever: failure rates need every unit ever exposed", "永久:故障率统计需全部曾在役设备"
    ),
    "environment": Label("forever: old days keep their kind", "永久:历史日期的日类型依据"),
    "results": Label("forever: later rounds learn from it", "永久:供后续轮次学习"),
    "ledger": Label("forever: proof of what was decided and done", "永久:决策与执行的凭证"),
}

_HEADINGS = (
    Label("Column", "列"),
    Label("Label", "名称"),
    Label("Type", "类型"),
    Label("Unit", "单位"),
    Label("Privacy", "隐私级别"),
    Label("Absent means", "空值含义"),
    Label("Values", "取值"),
    Label("Points to", "引用"),
)


def dictionary_pages() -> dict[str, str]:
    """Every page of the dictionary: path below `docs/dictionary` to Markdown text."""
    pages: dict[str, str] = {}
    for language in LANGUAGES:
        pages[f"{language}/index.md"] = dictionary_index(language)
        for spec in CATALOGUE.values():
            pages[f"{language}/{spec.name}.md"] = dictionary_page(spec, language)
    return pages


def dictionary_page(spec: TableSpec, language: Language) -> str:
    """The page of one table: what it is, who owns it, and every column with its meaning."""
    title = f"# {_said(spec.label, language)} · `{spec.name}`"
    blocks = [title, _facts(spec, language)]
    if spec.planned:
        blocks.append(
            _said(
                Label(
                    "Planned: name, key and owner only; no code writes it yet.",
                    "规划中:仅声明表名、主键与归属,尚无代码写入。",
                ),
                language,
            )
        )
    else:
        blocks.append(_columns(spec, language))
        blocks.append(_notes(spec, language))
    blocks.append(_said(Label("[All tables](index.md)", "[全部数据表](index.md)"), language))
    return "\n\n".join(block for block in blocks if block) + "\n"


def dictionary_index(language: Language) -> str:
    """The page that lists every table by subject, with its owner, store and number of columns."""
    header = (
        Label("Table", "数据表"),
        Label("Label", "名称"),
        Label("Owner", "归属环节"),
        Label("Store", "存储"),
        Label("Columns", "列数"),
    )
    blocks = [
        _said(Label("# Data dictionary", "# 数据字典"), language),
        _said(
            Label(
                "Generated from `gridloop.domain.tables` by `make docs`; rules in "
                "[conventions](../../conventions.md), §5.",
                "由 `make docs` 根据 `gridloop.domain.tables` 生成;规则见[约定](../../conventions.md)第 5 节。",
            ),
            language,
        ),
    ]
    for subject, label in SUBJECTS.items():
        rows = [
            (
                f"[{spec.name}]({spec.name}.md)",
                _said(spec.label, language),
                _said(_OWNERS[spec.owner], language),
                _said(_STORES[spec.store], language),
                _said(Label("planned", "规划中"), language) if spec.planned else str(len(spec.columns)),
            )
            for spec in CATALOGUE.values()
            if spec.subject == subject
        ]
        blocks.append(f"## {_said(label, language)}\n\n" + _grid([_said(h, language) for h in header], rows))
    return "\n\n".join(blocks) + "\n"


def _facts(spec: TableSpec, language: Language) -> str:
    facts = [
        (Label("Subject", "主题"), _said(SUBJECTS[spec.subject], language)),
        (Label("Key", "主键"), _names(spec.key)),
        (Label("Owner", "归属环节"), _said(_OWNERS[spec.owner], language)),
        (Label("Store", "存储"), _said(_STORES[spec.store], language)),
    ]
    if not spec.planned:
        facts += [
            (Label("Updated", "更新频率"), _duration(spec.update_frequency, language)),
            (Label("Kept", "保留期限"), _retention(spec, language)),
        ]
    if spec.partition:
        facts.append((Label("Partitioned by", "分区"), _names(spec.partition)))
    if spec.clustered:
        facts.append((Label("Sorted by", "排序"), _names(spec.clustered)))
    users = sorted(
        {
            other.name
            for other in CATALOGUE.values()
            for column in other
            if column.references and column.references.split(".")[0] == spec.name and other.name != spec.name
        }
    )
    if users:
        facts.append(
            (Label("Pointed to by", "被引用于"), ", ".join(f"[{name}]({name}.md)" for name in users))
        )
    header = (_said(Label("Property", "属性"), language), _said(Label("Value", "值"), language))
    return _grid(header, [(_said(label, language), value) for label, value in facts])


def _columns(spec: TableSpec, language: Language) -> str:
    rows = [
        (
            f"**`{column.name}`**" if column.name in spec.key else f"`{column.name}`",
            _said(column.label, language),
            _said(_KINDS[column.kind], language),
            _unit(column, language),
            _said(_PRIVACY[column.privacy], language),
            _absent(column, language),
            _values(column),
            _target(column),
        )
        for column in spec
    ]
    return _grid([_said(heading, language) for heading in _HEADINGS], rows)


def _notes(spec: TableSpec, language: Language) -> str:
    notes = [_said(Label("Bold: part of the key.", "加粗者为主键列。"), language)]
    if spec.bitemporal:
        notes.append(
            _said(
                Label(
                    "A revision is a new row with a later `available_at` (conventions §1).",
                    "修订以更晚的 `available_at` 新增一行(约定第 1 节)。",
                ),
                language,
            )
        )
    volatile = [column.name for column in spec if column.volatile]
    if volatile:
        stem = _said(Label("Left out of content digests: ", "不计入内容摘要:"), language)
        notes.append(f"{stem}{_names(volatile)}{_said(Label('.', '。'), language)}")
    return (" " if language == "en" else "").join(notes)


def _unit(column: Column, language: Language) -> str:
    if column.unit is None:
        return ""
    if column.unit == UNITLESS:
        return "1"
    price, _, teller = column.unit.partition("@")
    if teller:
        told = Label(f"by `{teller}`", f"依 `{teller}`")
        priced = Label(f"currency per `{teller}`", f"货币/`{teller}`")
        return _said(priced if price else told, language)
    return _said(_UNIT_WORDS.get(column.unit, Label(column.unit, column.unit)), language)


def _absent(column: Column, language: Language) -> str:
    if not column.nullable:
        return _said(Label("never absent", "不可为空"), language)
    phrase = column.null_means or ""
    return phrase if language == "en" else NULL_PHRASES_ZH[phrase]


def _values(column: Column) -> str:
    if column.values:
        return _names(column.values)
    low, high = column.minimum, column.maximum
    if low is None and high is None:
        return ""
    if high is None:
        return f"≥ {low:g}"
    return f"{low:g} … {high:g}" if low is not None else f"≤ {high:g}"


def _target(column: Column) -> str:
    if column.references is None:
        return ""
    return f"[{column.references}]({column.references.split('.')[0]}.md)"


def _duration(code: str, language: Language) -> str:
    label = _DURATIONS.get(code)
    return f"`{code}`" if label is None else f"{_said(label, language)} (`{code}`)"


def _retention(spec: TableSpec, language: Language) -> str:
    if spec.retention == "forever":
        return _said(_KEPT_FOREVER[spec.subject], language)
    return _duration(spec.retention, language)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _said(label: Label, language: Language) -> str:
    return label.en if language == "en" else label.zh


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines: list[Sequence[str]] = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
