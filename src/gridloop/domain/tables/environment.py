"""What happens around the customers: weather, calendar, economy, population, prices."""

from __future__ import annotations

from gridloop.domain.table import Label, Stage, Store, TableSpec
from gridloop.domain.tables.columns import (
    available_at,
    day,
    document,
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

WEATHER = TableSpec(
    name="weather",
    subject="environment",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("station_id", "time", "kind", "available_at"),
    label=Label("Weather", "气象"),
    update_frequency="PT6H",
    columns=(
        key_id("station_id", "Station", "气象站"),
        instant("time", "Time", "时刻"),
        number("temperature_c", "Air temperature", "气温", "degC", "not measured", -90, 60),
        number("humidity_percent", "Relative humidity", "相对湿度", "percent", "not measured", 0, 100),
        number("wind_m_s", "Wind speed", "风速", "m/s", "not measured", 0, 120),
        number("irradiance_w_m2", "Global irradiance", "总辐照度", "W/m2", "not measured", 0, 1600),
        one_of("kind", "Kind", "类别", "observed|forecast"),
        available_at(),
    ),
)

CALENDAR = TableSpec(
    name="calendar",
    subject="environment",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("region_id", "day", "available_at"),
    label=Label("Calendar", "日历"),
    update_frequency="P1Y",
    retention="forever",
    columns=(
        key_id("region_id", "Region", "区域", "region.region_id"),
        day("day", "Day", "日期"),
        one_of("day_kind", "Kind of day", "日类型", "workday|weekend|holiday|adjusted_workday"),
        text("holiday_name", "Holiday", "节假日名称", "not a holiday"),
        one_of("season", "Season", "季节", "winter|spring|summer|autumn"),
        available_at(),
    ),
)

ECONOMY = TableSpec(
    name="economy",
    subject="environment",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("region_id", "indicator", "period_start", "available_at"),
    label=Label("Economic indicator", "经济指标"),
    update_frequency="P1M",
    columns=(
        key_id("region_id", "Region", "区域", "region.region_id"),
        text("indicator", "Indicator", "指标"),
        day("period_start", "Period starts", "期初"),
        day("period_end", "Period ends (exclusive)", "期末(不含)"),
        number("value", "Value", "数值", "@unit"),
        text("unit", "Unit of the value", "数值单位"),
        text("source", "Published by", "发布机构"),
        available_at(),
    ),
)

POPULATION = TableSpec(
    name="population",
    subject="environment",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("region_id", "day", "available_at"),
    label=Label("Population", "人口"),
    update_frequency="P1Y",
    columns=(
        key_id("region_id", "Region", "区域", "region.region_id"),
        day("day", "Counted for", "统计日"),
        long("persons", "Persons", "人口数"),
        long("households", "Households", "户数", null="not counted"),
        share("share_over_65", "Share over 65 years", "65 岁以上占比", "not counted"),
        number("area_km2", "Area", "面积", "km2", "not known", 0),
        available_at(),
    ),
)

PRICE_SERIES = TableSpec(
    name="price_series",
    subject="environment",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("series_id", "time", "available_at"),
    label=Label("Price series", "价格序列"),
    columns=(
        key_id("series_id", "Series", "序列"),
        instant("time", "Start of the interval", "时段起始时刻"),
        whole("interval_minutes", "Interval length", "时段长度", "minutes", minimum=1),
        money("price", "Price", "价格", unit="currency/@per_unit"),
        text("label", "Price level in the source", "来源价格档位", "the source gives none"),
        text("currency", "Currency (ISO 4217)", "币种(ISO 4217)"),
        text("per_unit", "Unit that is priced", "计价单位"),
        available_at(),
    ),
)

PRICE_EVENT = TableSpec(
    name="price_event",
    subject="environment",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("series_id", "starts_at", "available_at"),
    label=Label("Price event", "价格事件"),
    update_frequency="event",
    columns=(
        key_id("series_id", "Price series", "价格序列", "price_series.series_id"),
        instant("starts_at", "Starts", "开始时刻"),
        instant("ends_at", "Ends (exclusive)", "结束时刻(不含)"),
        text("level", "Price level (high, low, critical …)", "价格档位(高、低、尖峰…)"),
        instant("notified_at", "Customers were told", "通知客户时刻", "not known"),
        available_at(),
    ),
)

MAP_FEATURE = TableSpec(
    name="map_feature",
    subject="environment",
    store=Store.LAKE,
    owner=Stage.DATA,
    key=("feature_id", "available_at"),
    label=Label("Map feature", "地图要素"),
    update_frequency="P1Y",
    retention="forever",
    columns=(
        key_id("feature_id", "Feature", "要素"),
        one_of("feature_kind", "Kind", "类别", "county|town|river|road|other"),
        text("name", "Name", "名称", "not named"),
        key_id("region_id", "Region", "区域", "region.region_id", "belongs to no region"),
        document("geometry", "GeoJSON geometry, WGS 84", "GeoJSON 几何(WGS 84)"),
        available_at(),
    ),
)

TABLES: tuple[TableSpec, ...] = (
    WEATHER,
    CALENDAR,
    ECONOMY,
    POPULATION,
    planned("policy", "environment", Store.LAKE, Stage.DATA, ("policy_id", "available_at"), "Policy", "政策"),
    PRICE_SERIES,
    PRICE_EVENT,
    MAP_FEATURE,
)
"""Tables of the subject `environment`, in the order of the dictionary."""
