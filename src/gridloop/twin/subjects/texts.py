"""What people wrote and what the hotline noted, in families of templates: the last family of each list is for tests.

A family is one way of saying a thing; `{day}`, `{town}`, `{amount}`, `{hours}` are filled in, and so are `{name}` and
`{phone}`, which a source holds and no lake may.
"""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "outage": {
        "zh": (
            "{day}家里突然停电了,邻居家也没电,请问什么时候能来电?我是{name}。",
            "来电反映{town}一带{day}停电,已约{hours}小时未恢复。客户{name},联系电话{phone}。",
            "又停电了!冰箱里的东西都要坏了,麻烦尽快抢修,电话{phone}。",
            "用户称{day}起无电,表前开关正常,怀疑外线故障,要求告知复电时间并回电{phone}。",
        ),
        "en": (
            "The power went off on {day} and the whole street is dark. When will it be back? {name}",
            "Caller {name} reports no supply in {town} since {day}, about {hours} hours. Call back on {phone}.",
            "No electricity again! The food in my fridge is spoiling, please send somebody. Phone {phone}.",
            "Premises lost supply on {day}; main switch is fine, customer suspects the line outside.",
        ),
    },
    "bill_high": {
        "zh": (
            "这个月电费{amount}元,比上个月多了很多,是不是抄错了?{name},{phone}",
            "客户{name}对本期电费{amount}元有异议,称用电习惯未变,要求核查电表读数。",
            "电费怎么涨这么多?家里就两口人,请解释一下账单。",
            "来电查询账单构成,认为{amount}元与实际不符,希望派人现场校表,联系方式{phone}。",
        ),
        "en": (
            "My bill is {amount} yuan this month, far more than last month. Was the meter misread? {name}, {phone}",
            "Customer {name} disputes the bill of {amount}; nothing changed at home; asks for a check of the reading.",
            "Why did my electricity cost go up so much? There are only two of us. Please explain the bill.",
            "Caller asks what the charge of {amount} is made of and wants the meter tested. Reach at {phone}.",
        ),
    },
    "meter_fault": {
        "zh": (
            "电表屏幕不亮了,看不到度数,麻烦派人来看看。{name} {phone}",
            "客户反映电表显示异常、有报警灯闪烁,地址在{town},请安排检查。",
            "电表一直在响,还有点发热,我有点担心,请尽快处理。",
            "巡视发现用户计量装置黑屏,客户{name}同意更换,预约{day}上门。",
        ),
        "en": (
            "The screen of my meter is blank and I can't read it. Please send a technician. {name} {phone}",
            "Customer reports an alarm light blinking on the meter in {town}; inspection requested.",
            "The meter keeps clicking and feels warm, I'm worried. Please deal with it soon.",
            "Metering device found dark on a round; {name} agrees to an exchange, appointment {day}.",
        ),
    },
    "payment": {
        "zh": (
            "我{day}已经在手机上交过电费了,怎么还收到催费通知?{name},{phone}",
            "客户{name}称代扣失败,银行卡已更换,询问如何重新签约。",
            "最近手头紧,电费能不能分几次交?",
            "来电咨询欠费{amount}元的缴纳方式,表示月底发工资后支付,请勿停电,电话{phone}。",
        ),
        "en": (
            "I paid on the phone on {day}, why do I still get reminders? {name}, {phone}",
            "Customer {name} says the direct debit bounced because the bank card changed; asks how to sign up again.",
            "Money is tight at the moment. May I pay the bill in several parts?",
            "Caller asks how to settle the {amount} owed, will pay after payday. Phone {phone}.",
        ),
    },
    "tariff_question": {
        "zh": (
            "请问峰谷电价怎么办理?我家晚上用电多,划算吗?",
            "客户{name}咨询阶梯电价分档标准及年度清零时间,已解释。",
            "想了解一下充电桩能不能用单独的电价。电话{phone}",
            "用户询问改为分时电价的条件、生效日期,倾向夜间充电。",
        ),
        "en": (
            "How do I get the day and night tariff? We use most electricity at night, is it worth it?",
            "Customer {name} asked where the tiers end and when they start anew; explained.",
            "Can my car charger have a price of its own? Phone {phone}",
            "Caller wants to know the conditions and starting date of time-of-use; would charge the car overnight.",
        ),
    },
    "moving": {
        "zh": (
            "我{day}要搬走,电表怎么过户?{name} {phone}",
            "客户{name}申请销户结清,已告知所需材料。",
            "刚买了二手房,想把户名改成我的,需要带什么?",
            "租户退租,房东来电要求按{day}示数结算,联系{phone}。",
        ),
        "en": (
            "I'm moving out on {day}, how do I hand over the meter? {name} {phone}",
            "Customer {name} asks to close the account and settle; told which papers are needed.",
            "We just bought a flat and want the account in our name. What should we bring?",
            "Tenant left; the landlord asks for a final bill by the reading of {day}, contact {phone}.",
        ),
    },
    "app_trouble": {
        "zh": (
            "手机应用登录不上去,一直说验证码错误。{phone}",
            "客户{name}反映应用里看不到近期用电曲线,已登记。",
            "绑定户号的时候提示已被绑定,可是我没绑过。",
            "用户称更新版本后账单页面空白,重装无效,请技术处理。",
        ),
        "en": (
            "I can't log in to the app, it always says the code is wrong. {phone}",
            "Customer {name} can't see recent use in the app; noted.",
            "When I add my account it says somebody has added it already, but I never did.",
            "After the update the page with bills stays empty for this user, reinstalling didn't help.",
        ),
    },
}
"""Intent to language to families."""

RESOLUTIONS: Mapping[str, tuple[str, str]] = {
    "outage": ("已告知预计复电时间", "told when supply will be back"),
    "bill_high": ("已核对示数并解释账单", "reading checked, bill explained"),
    "meter_fault": ("已安排现场检查", "visit arranged"),
    "payment": ("已说明缴费方式", "ways to pay explained"),
    "tariff_question": ("已解答", "answered"),
    "moving": ("已登记", "registered"),
    "app_trouble": ("已转技术处理", "handed to the technicians"),
}
"""Intent to what the clerk wrote, Chinese and English."""


def family_name(intent: str, language: str, index: int) -> str:
    """How the truth calls a family."""
    return f"{intent}-{language}-{index + 1}"


def is_for_tests(intent: str, language: str, index: int) -> bool:
    """Whether a family is held apart for tests."""
    return index == len(FAMILIES[intent][language]) - 1
