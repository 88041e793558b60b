"""The words of the report and of `campaign result`, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("What the campaign caused", "活动效果报告"),
    "decision": ("Decision", "决策建议"),
    "trust": ("Can it be trusted?", "结果可信吗？"),
    "effects": ("Effects by assignment", "按分组比较的效果"),
    "effects_note": (
        "Everyone assigned to the offer against the holdout, reached or not, in percent of the holdout's mean. "
        "Bars are 95 % intervals; ○ marks one that includes zero. Only the first measure decides; the others are "
        "secondary and not adjusted for their number.",
        "将分配到推广组的全部用户（无论是否触达）与对照保留组比较，以对照组均值的百分比表示。"
        "横线为 95% 区间；○ 表示区间包含零。"
        "仅第一项指标用于决策，其余为次要指标，区间未作多重比较校正。",
    ),
    "groups": ("By group (exploratory)", "分组效果（探索性）"),
    "groups_note": (
        "Looked at afterwards in many groups at once: a hint where to look next, not a finding. p is adjusted by Holm.",
        "同时考察多个分组，仅供后续研究参考，不作为结论。p 值按 Holm 法校正。",
    ),
    "curve": ("Day by day", "逐日曲线"),
    "curve_note": (
        "Mean of either arm. Season and weather move both alike; what the offer did is the gap between them that was "
        "not there before the start.",
        "两组每日均值。季节和天气对两组影响相同；推广的作用是启动后两组之间新出现的差距。",
    ),
    "before": ("Alike before the start?", "启动前两组是否相似？"),
    "before_note": (
        "Distribution of the measure before the start. Bins are widened until each holds at least 15 members of "
        "either arm.",
        "启动前指标的分布。区间自动加宽，使每格两组均不少于 15 户。",
    ),
    "money": ("Money", "资金"),
    "money_note": (
        "Effect × customers assigned × {days} days × {price} {currency} per kWh, less costs. Taken to last as it was "
        "in the window.",
        "效果 × 受邀户数 × {days} 天 × 每千瓦时 {price} {currency}，减去成本；假定效果在整个期间保持不变。",
    ),
    "naive": ("What would have misled", "容易误导的比较"),
    "naive_note": (
        "Before-and-after mixes in the season; those who enrol differ from those who do not. Neither is an effect.",
        "前后对比混入了季节变化；签约用户与未签约用户本就不同。二者都不是效果。",
    ),
    "funnel": ("From list to contract", "从名单到签约"),
    "tables": ("The numbers behind the plots", "图表数据"),
    "definitions": ("Definitions", "定义"),
    "provenance": ("Where this comes from", "数据与版本"),
    "numbers": ("Numbers", "数据"),
    "right": ("Offer against holdout, by chance", "推广组对比对照组（随机）"),
    "naive_before_after": ("Misleading: contacted, before and after", "误导：触达用户前后对比"),
    "naive_enrolled": ("Misleading: enrolled against not enrolled", "误导：签约与未签约对比"),
    "offer": ("Offer", "推广组"),
    "holdout": ("Holdout", "对照保留组"),
    "start": ("start", "启动"),
    "judged": ("judged", "评估期"),
    "not_shown": ("fewer than 15 members", "不足 15 户，不显示"),
    "value": ("Value of the effect", "效果价值"),
    "contact_cost": ("Contact cost", "触达成本"),
    "enrolment_cost": ("Enrolment cost", "签约成本"),
    "net": ("Net", "净值"),
    "selected": ("Selected", "入选"),
    "assigned": ("Assigned to the offer", "分配到推广组"),
    "sent": ("Sent", "已发送"),
    "delivered": ("Delivered", "已送达"),
    "opened": ("Opened", "已打开"),
    "accepted": ("Accepted", "已接受"),
    "enrolled": ("Enrolled", "已签约"),
    "unsubscribed": ("Unsubscribed", "已退订"),
    "bounced": ("Bounced", "退回"),
    "measure": ("Measure", "指标"),
    "population": ("Group", "分组"),
    "effect": ("Effect, % (95 % interval)", "效果，%（95% 区间）"),
    "interval": ("95 % interval", "95% 区间"),
    "mde": ("Detectable, %", "可检测，%"),
    "units": ("Offer / holdout", "推广 / 对照"),
    "p": ("p (Holm)", "p(Holm)"),
    "day": ("Week of", "周起始日"),
    "amount": ("Amount", "金额"),
    "count": ("Customers", "户数"),
    "comparison": ("Comparison", "比较"),
    "passed": ("passed", "通过"),
    "failed": ("failed", "未通过"),
    "unchecked": ("not checked", "无法检查"),
    "open": ("not yet", "尚未"),
    "kwh_a_day": ("kWh a day", "千瓦时/天"),
    "percent_of_mean": ("percent of the holdout's mean", "占对照组均值的百分比"),
    "campaign": ("Campaign", "活动"),
    "status": ("Status", "状态"),
    "window": ("Window", "评估期"),
    "baseline": ("Baseline", "基线期"),
    "judged_at": ("Judged", "评估时刻"),
    "code": ("Code version", "代码版本"),
    "snapshots": ("Snapshots", "数据快照"),
    "method": ("Method", "方法"),
}
"""Key → (English, Chinese)."""

CHECKS: Mapping[str, tuple[str, str]] = {
    "split": ("Split as drawn", "分组比例与抽签一致"),
    "attrition": ("Losses alike in both arms", "两组流失相近"),
    "balance": ("Alike before the start", "启动前两组相似"),
    "holdout": ("Holdout left alone", "对照组未被触达"),
    "window": ("Whole window seen", "评估期完整"),
    "guardrails": ("Guardrails kept", "护栏指标未超限"),
}
"""Trust check → its name."""

REASONS: Mapping[str, tuple[str, str]] = {
    "window_not_begun": ("no day of the window has arrived yet", "评估期数据尚未到达"),
    "holdout_contacted": ("units of the holdout were contacted", "对照组用户被触达"),
    "split_unchecked": (
        "there are too few customers to check that the split is the one drawn",
        "用户太少，无法检查分组比例",
    ),
    "split_failed": ("the arms are no longer split as they were drawn", "分组比例与抽签不一致"),
    "attrition_uneven": ("the arms lost customers unevenly", "两组用户流失不均"),
    "unbalanced": (
        "the arms differed before the start by more than chance explains",
        "启动前两组差异超出随机范围",
    ),
    "too_few_units": ("too few customers have an outcome", "有结果的用户太少"),
    "no_variation": ("the outcome does not vary between customers", "用户之间结果无差异"),
    "stratum_too_small": ("too few customers in an arm have an outcome", "某组有结果的用户太少"),
    "no_price": ("a share of energy has no price", "占比指标没有单价"),
}
"""Code → why there is no number, as the end of a sentence."""

DEFINITIONS: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (
        ("Effect", "效果"),
        (
            "Mean of everyone assigned to the offer minus mean of the holdout, within strata, adjusted for the same "
            "measure before the start (intention to treat; docs/methods/campaign-effect.md).",
            "分配到推广组的全部用户均值减去对照组均值，分层并按启动前同一指标调整（意向处理分析；docs/methods/campaign-effect.md）。",
        ),
    ),
    (
        ("95 % interval", "95% 区间"),
        (
            "If campaigns like this were repeated, 95 of 100 such intervals would hold the true effect.",
            "若重复进行同类活动,100 个此类区间中约有 95 个包含真实效果。",
        ),
    ),
    (
        ("Detectable", "可检测效果"),
        (
            "The smallest effect that this campaign finds in eight of ten cases.",
            "本活动在 80% 的情形下能够发现的最小效果。",
        ),
    ),
    (
        ("Complete day", "完整日"),
        (
            "A day on which every interval of the hours was measured at every meter of the account.",
            "账户所有电表在规定时段的每个间隔都有实测值的一天。",
        ),
    ),
    (
        ("Holdout", "对照保留组"),
        (
            "Customers drawn by chance before the first message and contacted on no channel.",
            "在首条消息发出前随机抽出、任何渠道都不触达的用户。",
        ),
    ),
)
"""Terms of the report and what they mean."""


def word(key: str, language: Language) -> str:
    """A word or sentence of `WORDS`."""
    return WORDS[key][LANGUAGES.index(language)]


def chosen(pair: tuple[str, str], language: Language) -> str:
    """English or Chinese of a pair."""
    return pair[LANGUAGES.index(language)]
