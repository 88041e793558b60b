"""Why a feature has no value: codes where a number would be invented."""

from __future__ import annotations

from enum import IntEnum

from gridloop.domain.finding import NotComputable
from gridloop.domain.table import Label


class Reason(IntEnum):
    """Code of why a value is absent; COMPUTED where it is present. The `feature` table keeps `code`."""

    COMPUTED = 0
    NO_DATA = 1
    TOO_FEW_DAYS = 2
    LOW_COVERAGE = 3
    ZERO_ENERGY = 4
    CONSTANT = 5
    TOO_FEW_NIGHTS = 6
    NO_SUMMER_DAYS = 7
    NO_WINTER_DAYS = 8
    NO_MILD_DAYS = 9
    NO_WEEKEND_DAYS = 10
    NO_WORKDAYS = 11
    NO_HOLIDAYS = 12
    NO_TEMPERATURE = 13
    NO_HEATING_DAYS = 14
    NO_COOLING_DAYS = 15
    NO_SUCH_PERIOD = 16
    NO_COMPARABLE_PERIOD = 17
    LESS_THAN_TWO_YEARS = 18
    INCOMPLETE_PROFILE = 19
    COLLINEAR_TEMPERATURE = 20

    @property
    def code(self) -> str:
        """Stable identifier in lower case, such as `too_few_days`."""
        return self.name.lower()

    @property
    def label(self) -> Label:
        """One phrase for a person."""
        return _LABELS[self]

    def not_computable(self) -> NotComputable | None:
        """The reason as a value; None for COMPUTED."""
        return None if self is Reason.COMPUTED else NotComputable(self.code, self.label.en)


_LABELS = {
    Reason.COMPUTED: Label("computed", "已计算"),
    Reason.NO_DATA: Label("no value was read in the whole window", "整个时段内没有任何读数"),
    Reason.TOO_FEW_DAYS: Label("too few usable days", "可用天数不足"),
    Reason.LOW_COVERAGE: Label("too many intervals are missing", "缺失的时段过多"),
    Reason.ZERO_ENERGY: Label("no positive consumption to divide by", "没有可作分母的正用电量"),
    Reason.CONSTANT: Label("the values do not vary", "数值没有变化"),
    Reason.TOO_FEW_NIGHTS: Label("too few nights were read", "有读数的夜间过少"),
    Reason.NO_SUMMER_DAYS: Label("too few summer days", "夏季天数不足"),
    Reason.NO_WINTER_DAYS: Label("too few winter days", "冬季天数不足"),
    Reason.NO_MILD_DAYS: Label("too few spring and autumn days to compare with", "可作对比的春秋季天数不足"),
    Reason.NO_WEEKEND_DAYS: Label("too few weekend days", "周末天数不足"),
    Reason.NO_WORKDAYS: Label("too few workdays to compare with", "可作对比的工作日不足"),
    Reason.NO_HOLIDAYS: Label(
        "no usable holiday with ordinary days around it", "没有前后有普通日可比的可用节假日"
    ),
    Reason.NO_TEMPERATURE: Label("too few days with a known temperature", "已知气温的天数不足"),
    Reason.NO_HEATING_DAYS: Label("too few days below the heating base", "低于采暖基准温度的天数不足"),
    Reason.NO_COOLING_DAYS: Label("too few days above the cooling base", "高于制冷基准温度的天数不足"),
    Reason.NO_SUCH_PERIOD: Label("the schedule has no such time-of-use period", "分时方案中没有该时段"),
    Reason.NO_COMPARABLE_PERIOD: Label(
        "the window's ends lie in different times of the year", "时段首尾处于一年中的不同时节"
    ),
    Reason.LESS_THAN_TWO_YEARS: Label("less than two years of usable days", "可用数据不足两年"),
    Reason.INCOMPLETE_PROFILE: Label("a slot of the day was never read", "一天中有时段从未读到数据"),
    Reason.COLLINEAR_TEMPERATURE: Label(
        "heating and cooling degrees cannot be told apart", "采暖与制冷度日无法区分"
    ),
}
