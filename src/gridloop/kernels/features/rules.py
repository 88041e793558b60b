"""The fixed numbers of the feature definitions, each with what it decides."""

from __future__ import annotations

USABLE_DAY_COVERAGE = 0.5
"""Least share of a day's intervals for the day to count (as CalTRACK 2.0 asks of daily data)."""
NIGHT_HOURS = 5
"""The night is 00:00 up to this hour on the wall clock."""
SEASON_WINDOW_DAYS = 270
"""Usable days before a season is compared with another: 92 days cannot show one."""
GROUP_DAYS = 28
"""Usable days that each side of a season comparison needs."""
HOLIDAY_REACH_DAYS = 14
"""A holiday is compared with the ordinary days at most this far away, so that its season cancels."""
HOLIDAY_NEIGHBOURS = 7
"""Usable ordinary days that a holiday needs within reach."""
GROWTH_DAYS = 28
"""Length of the first and of the last period of growth within the window."""
GROWTH_USABLE_DAYS = 21
"""Usable days that each of those periods needs."""
GROWTH_WINDOW_DAYS = 330
"""Shortest window for growth within it."""
GROWTH_SEASON_GAP_DAYS = 45
"""Greatest distance within the year (circular, 365.25 days) between the middles of the two periods."""
YEAR_LAG_DAYS = 364
"""A year in whole weeks, so that equal weekdays are compared."""
YEAR_PAIRS = 270
"""Pairs of usable days 364 days apart before year-on-year growth is stated."""
DEGREE_DAYS = 10
"""Days with heating (or cooling) degrees before a slope is fitted to them."""
FIT_DAYS = 30
"""Usable days with a known temperature before a slope is fitted."""
CONSTANT_VARIANCE = 1e-10
"""Below this variance, relative to the squared mean, a series counts as constant: rounding looks like it."""
NIGHTS = 7
"""Whole nights' worth of values before a base load is stated."""
COMPLETE_DAYS = 7
"""Complete days before a mean of daily indices is stated."""
WEEKEND_DAYS = 6
"""Usable weekend days of a weekend ratio."""
WORKDAYS = 14
"""Usable workdays of a weekend ratio."""
DAILY_PAIRS = 21
"""Pairs of usable days of a daily autocorrelation."""
HOURLY_PAIRS = 500
"""Pairs of whole hours of the hourly autocorrelation (three weeks)."""
COLLINEAR = 1e-6
"""Least determinant of the two degree-day series relative to the product of their variances."""
