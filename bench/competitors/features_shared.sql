-- From one row a meter and day to the features of a meter; the same for both layouts.
-- daily(meter, day, present, wh, squares, peak, peak_slot, valley, peaks, evening, zeros, steps, step_sum, step_max)
-- night(meter, base), profile(meter, profile)
, usable AS (
    SELECT meter, d.*, wh * 96.0 / present AS e
    FROM daily JOIN days AS d USING (day)
    WHERE present >= 48
), lagged AS (
    SELECT *,
        CASE WHEN number - lag(number) OVER w = 1 THEN lag(e) OVER w END AS before
    FROM usable
    WINDOW w AS (PARTITION BY meter ORDER BY number)
), by_meter AS (
    SELECT meter,
        avg(e) AS daily_mean,
        stddev_pop(e) / avg(e) AS daily_variation,
        avg(e) FILTER (season = 2) / avg(e) FILTER (season IN (1, 3)) AS summer_ratio,
        avg(e) FILTER (season = 0) / avg(e) FILTER (season IN (1, 3)) AS winter_ratio,
        avg(e) FILTER (weekend AND NOT holiday) / avg(e) FILTER (NOT weekend AND NOT holiday) AS weekend_ratio,
        corr(e, before) AS daily_autocorrelation_1,
        (covar_pop(e, heating) * var_pop(cooling) - covar_pop(e, cooling) * covar_pop(heating, cooling))
            / (var_pop(heating) * var_pop(cooling) - covar_pop(heating, cooling) ** 2) AS heating_slope,
        (covar_pop(e, cooling) * var_pop(heating) - covar_pop(e, heating) * covar_pop(heating, cooling))
            / (var_pop(heating) * var_pop(cooling) - covar_pop(heating, cooling) ** 2) AS cooling_slope,
        avg(e) FILTER (number >= $days - 28) / avg(e) FILTER (number < 28) - 1 AS growth_within_window
    FROM lagged
    GROUP BY meter
), near_holidays AS (
    SELECT h.meter, h.number, any_value(h.e) AS e, avg(o.e) AS ordinary
    FROM usable AS h
    JOIN usable AS o ON o.meter = h.meter AND o.number BETWEEN h.number - 14 AND h.number + 14
    WHERE h.holiday AND NOT o.holiday
    GROUP BY h.meter, h.number
    HAVING count(*) >= 7
), holiday AS (
    SELECT meter, sum(e) / sum(ordinary) AS holiday_ratio FROM near_holidays GROUP BY meter
), totals AS (
    SELECT meter,
        sum(wh) AS total_energy,
        max(peak) AS top,
        max({'p': peak, 'd': -epoch(day), 's': peak_slot}) AS first_peak,
        sum(present) AS present,
        sum(squares) AS squares,
        sum(valley) / sum(wh) AS valley_share,
        sum(peaks) / sum(wh) AS peak_share,
        (sum(wh) - sum(valley) - sum(peaks)) / sum(wh) AS flat_share,
        sum(evening) / sum(wh) AS evening_share,
        sum(zeros) / sum(present) AS zero_share,
        1 - sum(present) / ($days * 96) AS missing_share,
        sum(step_sum) / sum(steps) * 0.004 AS mean_ramp,
        max(step_max) * 0.004 AS maximum_ramp
    FROM daily
    GROUP BY meter
)
SELECT t.meter, total_energy, daily_mean, top * 0.004 AS peak_power,
    -first_peak.d / 86400 + 719163 AS peak_day, first_peak.s * 15 AS peak_minute,
    total_energy / present / top AS load_factor,
    valley_share, flat_share, peak_share, evening_share,
    sqrt(squares / present - (total_energy / present) ** 2) / (total_energy / present) AS interval_variation,
    daily_variation, base * 0.004 AS night_base_load, summer_ratio, winter_ratio, weekend_ratio, holiday_ratio,
    mean_ramp, maximum_ramp, daily_autocorrelation_1, heating_slope, cooling_slope,
    missing_share, zero_share, growth_within_window, profile AS mean_profile
FROM totals AS t
JOIN by_meter USING (meter)
JOIN holiday USING (meter)
JOIN night USING (meter)
JOIN profiles USING (meter)
ORDER BY t.meter
