"""What differs by language and channel: how money is written, how a person is addressed, how a message is refused."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from gridloop.reach.content.render import Link, Value

_CENT = Decimal("0.01")
_SIGNS = {"CNY": ("CNY ", " 元"), "GBP": ("£", " 英镑"), "EUR": ("€", " 欧元"), "USD": ("$", " 美元")}

NOBODY = {"en": "customer", "zh": "客户"}
"""How a person is addressed whose name is not known."""


def is_chinese(language: str) -> bool:
    """Whether a language is written with Chinese words."""
    return language.lower().startswith("zh")


def money(amount: Decimal, currency: str, language: str) -> str:
    """An amount for people: two decimals, halves away from zero, thousands separated.

    Args:
        amount: in the currency.
        currency: ISO 4217; one without a sign of its own is written by its code.
        language: `en` puts the sign before, `zh` the word behind.
    """
    rounded = amount.quantize(_CENT, ROUND_HALF_UP)
    digits, minus = f"{abs(rounded):,.2f}", "-" if rounded < 0 else ""
    before, behind = _SIGNS.get(currency, (f"{currency} ", f" {currency}"))
    return f"{minus}{digits}{behind}" if is_chinese(language) else f"{minus}{before}{digits}"


def refusal(channel: str, language: str, url: str | None, mailto: str | None) -> Value:
    """How this message says that one can refuse further ones: by a link, else by mail, else as the channel allows.

    Args:
        channel: of the message.
        language: of the person.
        url: of one-click unsubscription, with its token.
        mailto: address that a mail of unsubscription goes to, as a `mailto:` link with its token.
    """
    chinese = is_chinese(language)
    if url is not None:
        return Link("不想再收到此类信息，请点此退订：" if chinese else "Stop these messages:", url)
    if mailto is not None:
        return Link("退订请发邮件至：" if chinese else "Stop these messages by mail:", mailto)
    by_channel = {
        "sms": ("Reply STOP to refuse.", "拒收请回复R"),
        "app": ("Switch offers off in the app's settings.", "可在应用“消息设置”中关闭推荐"),
        "phone": ("Say that you want no more calls.", "如不愿再接听，请直接告知"),
    }
    english, words = by_channel.get(
        channel, ("Answer this message to refuse further ones.", "回复本信息即可退订")
    )
    return words if chinese else english
