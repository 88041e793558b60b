-- Long rows: meter, day, slot, wh.
WITH stepped AS (
    SELECT *, abs(wh - lag(wh) OVER (PARTITION BY meter ORDER BY day, slot)) AS step
    FROM read_parquet($readings)
), daily AS (
    SELECT meter, day,
        count(wh) AS present,
        sum(wh) AS wh,
        sum(wh::DOUBLE * wh) AS squares,
        max(wh) AS peak,
        arg_max(slot, wh * 128 + 127 - slot) AS peak_slot,
        sum(CASE WHEN slot < 28 OR slot >= 92 THEN wh ELSE 0 END) AS valley,
        sum(CASE WHEN slot BETWEEN 32 AND 43 OR slot BETWEEN 72 AND 87 THEN wh ELSE 0 END) AS peaks,
        sum(CASE WHEN slot BETWEEN 72 AND 87 THEN wh ELSE 0 END) AS evening,
        count(*) FILTER (wh = 0) AS zeros,
        count(step) AS steps,
        sum(step) AS step_sum,
        max(step) AS step_max
    FROM stepped
    GROUP BY meter, day
), night AS (
    SELECT meter, quantile_disc(wh, 0.1) AS base FROM read_parquet($readings) WHERE slot < 20 GROUP BY meter
), profiles AS (
    SELECT meter, list(mean ORDER BY slot) AS profile
    FROM (SELECT meter, slot, avg(wh) * 0.004 AS mean FROM read_parquet($readings) GROUP BY meter, slot)
    GROUP BY meter
)
