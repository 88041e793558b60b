-- Day-vectors: meter, day, wh as a list.
WITH vectors AS (
    SELECT meter, day, wh, list_max(wh) AS peak,
        list_transform(range(1, 96), lambda i: abs(wh[i + 1] - wh[i])) AS steps,
        abs(wh[1] - lag(wh[96]) OVER (PARTITION BY meter ORDER BY day)) AS over_midnight
    FROM read_parquet($readings)
), daily AS (
    SELECT meter, day,
        list_count(wh) AS present,
        list_sum(wh) AS wh,
        list_inner_product(v, v) AS squares,
        peak,
        list_position(wh, peak) - 1 AS peak_slot,
        coalesce(list_sum(wh[1:28]), 0) + coalesce(list_sum(wh[93:96]), 0) AS valley,
        coalesce(list_sum(wh[33:44]), 0) + coalesce(list_sum(wh[73:88]), 0) AS peaks,
        coalesce(list_sum(wh[73:88]), 0) AS evening,
        len(list_filter(wh, lambda x: x = 0)) AS zeros,
        list_count(steps) + (over_midnight IS NOT NULL)::INT AS steps,
        list_sum(steps) + coalesce(over_midnight, 0) AS step_sum,
        greatest(list_max(steps), over_midnight) AS step_max
    FROM (SELECT *, list_filter(wh, lambda x: x IS NOT NULL)::DOUBLE[] AS v FROM vectors)
), night AS (
    SELECT meter, quantile_disc(v, 0.1) AS base
    FROM (SELECT meter, unnest(wh[1:20]) AS v FROM read_parquet($readings))
    GROUP BY meter
), profiles AS (
    SELECT meter, list(mean ORDER BY slot) AS profile
    FROM (
        SELECT meter, slot, avg(v) * 0.004 AS mean
        FROM (SELECT meter, unnest(wh) AS v, generate_subscripts(wh, 1) AS slot FROM read_parquet($readings))
        GROUP BY meter, slot
    )
    GROUP BY meter
)
