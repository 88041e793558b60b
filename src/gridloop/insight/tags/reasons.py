"""Why a customer lacks a tag, in words: codes of the tags' own, and those of the features behind them."""

from __future__ import annotations

from gridloop.domain.table import Label
from gridloop.insight.tags.frame import NO_BILLS, NO_METER

REASONS = {
    NO_METER: Label("the customer has no meter that is described", "客户没有可描述的电表"),
    NO_BILLS: Label("the customer has no bill", "客户没有账单"),
    "not_extracted": Label("the meter is not described by this feature", "该电表未计算此特征"),
    "attribute_not_known": Label("the customer register does not say", "客户档案中没有该属性"),
    "small_population": Label("too few customers to compare with", "可作对比的客户过少"),
}
"""Reasons that features do not have."""


def reason_label(code: str) -> Label:
    """A reason of absence for people; a code that nobody declared stands for itself."""
    from gridloop.kernels.features.reason import Reason

    if code in REASONS:
        return REASONS[code]
    return next((reason.label for reason in Reason if reason.code == code), Label(code, code))
