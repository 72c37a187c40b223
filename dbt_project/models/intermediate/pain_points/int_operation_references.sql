-- An operation as it is on its good days. Days, not hours: a day has a whole day's mix of requests. A variant of a flag
-- is measured too: where a fault hits one variant from the first day on, the other one shows what is normal.
-- Good days are chosen by one half of the spans (even buckets) and measured by the other: measured by what they were
-- chosen for, they would look better than any day can be expected to be, and everything else like a fault.
with own_times as (
    select * from {{ ref('int_own_times_by_hour') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

pooled as (
    select operation_id, '' as pool, event_date, bucket, span_count
    from own_times
    union all
    select operation_id, feature_flag || '=' || feature_variant as pool, event_date, bucket, span_count
    from own_times
    where feature_flag is not null and feature_variant is not null
),

days as (
    select
        operation_id,
        pool,
        event_date,
        sum(span_count) as span_count,
        -- The mean of buckets is that of the logarithms: every slow request counts, none counts for all.
        sum(bucket * span_count) * 1.0 / sum(span_count) as mean_bucket
    from pooled
    where bucket % 2 = 0
    group by operation_id, pool, event_date
),

usual_days as (
    select
        *,
        avg(span_count) over (partition by operation_id, pool) as usual_span_count
    from days
),

ordered_days as (
    select
        operation_id,
        pool,
        event_date,
        span_count,
        row_number() over (partition by operation_id, pool order by mean_bucket asc, event_date asc) as place,
        sum(span_count) over (
            partition by operation_id, pool order by mean_bucket asc, event_date asc rows unbounded preceding
        ) as counted_up
    from usual_days
    where span_count >= usual_span_count / 2
),

good_days as (
    select ordered_days.operation_id, ordered_days.pool, ordered_days.event_date
    from ordered_days
    cross join ranking
    where
        ordered_days.place <= ranking.reference_days
        or (ordered_days.counted_up - ordered_days.span_count) * 2 < ranking.reference_spans
),

good_times as (
    select
        pooled.operation_id,
        pooled.pool,
        pooled.bucket,
        sum(pooled.span_count) as span_count
    from pooled
    inner join good_days
        on
            pooled.operation_id = good_days.operation_id
            and pooled.pool = good_days.pool
            and pooled.event_date = good_days.event_date
    group by pooled.operation_id, pooled.pool, pooled.bucket
),

measuring_times as (
    select *
    from good_times
    where bucket % 2 = 1
),

measured as (
    {{ percentiles('measuring_times', ['operation_id', 'pool'], [50, 95]) }}
),

pools as (
    select
        operation_id,
        pool,
        sum(span_count) as span_count,
        sum({{ bucket_ms('bucket') }} * span_count) / sum(span_count) as mean_ms,
        sum(case when bucket % 2 = 0 then bucket * span_count end) * 1.0
        / sum(case when bucket % 2 = 0 then span_count end) as mean_bucket
    from good_times
    group by operation_id, pool
),

chosen as (
    select *
    from (
        select
            measured.operation_id,
            measured.pool,
            measured.p50_ms,
            measured.p95_ms,
            pools.mean_ms,
            row_number() over (
                partition by measured.operation_id
                order by pools.mean_bucket asc, measured.pool asc
            ) as place
        from measured
        inner join pools on measured.operation_id = pools.operation_id and measured.pool = pools.pool
        cross join ranking
        where measured.pool = '' or pools.span_count >= ranking.reference_spans
    ) as placed
    where place = 1
),

bounded as (
    select
        chosen.operation_id,
        chosen.pool,
        chosen.p50_ms,
        chosen.p95_ms,
        chosen.mean_ms,
        {{ bucket_of_ms('greatest(chosen.p50_ms * ranking.slow_factor, chosen.p50_ms + ranking.slow_floor_ms)') }}
            as slow_bucket,
        {{ bucket_of_ms(
            'greatest(chosen.p50_ms * ranking.very_slow_factor, chosen.p50_ms + 2 * ranking.slow_floor_ms)'
        ) }} as very_slow_bucket,
        {{ bucket_of_ms('ranking.slow_objective_ms') }} as objective_bucket
    from chosen
    cross join ranking
),

shares as (
    select
        bounded.operation_id,
        -- Two more than were seen: of 75 spans 5 % can be none.
        (sum(case when measuring_times.bucket > bounded.slow_bucket then measuring_times.span_count else 0 end) + 2.0)
        / (sum(measuring_times.span_count) + 2) as slow_ratio,
        (
            sum(case when measuring_times.bucket > bounded.very_slow_bucket then measuring_times.span_count else 0 end)
            + 0.5
        ) / (sum(measuring_times.span_count) + 1) as very_slow_ratio
    from bounded
    inner join measuring_times
        on bounded.operation_id = measuring_times.operation_id and bounded.pool = measuring_times.pool
    group by bounded.operation_id
),

final as (
    select
        bounded.operation_id,
        bounded.p50_ms,
        bounded.p95_ms,
        bounded.mean_ms,
        bounded.slow_bucket,
        bounded.very_slow_bucket,
        bounded.objective_bucket,
        shares.slow_ratio,
        shares.very_slow_ratio
    from bounded
    inner join shares on bounded.operation_id = shares.operation_id
)

select * from final
