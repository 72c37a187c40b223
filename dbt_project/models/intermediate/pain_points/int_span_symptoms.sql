-- What could be wrong with an operation, and how much of it is still normal. A variant of a flag is looked at by itself
-- too: a fault that hits one of them is diluted in the whole.
with operation_counts as (
    select * from {{ ref('int_operation_counts_by_hour') }}
),

reference_values as (
    select * from {{ ref('int_operation_references') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

sliced as (
    select
        operation_id,
        service,
        operation,
        span_kind,
        dependency,
        cast(null as varchar) as feature_flag,
        cast(null as varchar) as feature_variant,
        '' as slice,
        event_date,
        span_count,
        origin_error_count
    from operation_counts
    union all
    select
        operation_id,
        service,
        operation,
        span_kind,
        dependency,
        feature_flag,
        feature_variant,
        feature_flag || '=' || feature_variant as slice,
        event_date,
        span_count,
        origin_error_count
    from operation_counts
    where feature_flag is not null and feature_variant is not null
),

days as (
    select
        operation_id,
        slice,
        event_date,
        sum(span_count) as span_count,
        sum(origin_error_count) as error_count,
        row_number() over (
            partition by operation_id, slice
            order by sum(origin_error_count) * 1.0 / sum(span_count) asc, sum(span_count) desc, event_date asc
        ) as place,
        count(*) over (partition by operation_id, slice) as day_count
    from sliced
    group by operation_id, slice, event_date
),

error_ratios as (
    -- The better half of the days shows what is normal; half an error is added, so that none is not never.
    select
        operation_id,
        slice,
        (sum(error_count) + 0.5) / (sum(span_count) + 1) as error_ratio,
        sum(span_count) as span_count
    from days
    where place * 2 <= day_count + 1
    group by operation_id, slice
),

least_error_ratios as (
    select
        error_ratios.operation_id,
        min(error_ratios.error_ratio) as error_ratio
    from error_ratios
    cross join ranking
    where error_ratios.slice = '' or error_ratios.span_count >= ranking.reference_spans
    group by error_ratios.operation_id
),

slices as (
    select distinct operation_id, service, operation, span_kind, dependency, feature_flag, feature_variant, slice
    from sliced
),

tests as (
    select
        slices.*,
        'latency' as problem_kind,
        'slow' as test,
        reference_values.slow_bucket as bucket,
        reference_values.slow_ratio as usual_ratio,
        ranking.tolerated_factor * reference_values.slow_ratio + ranking.tolerated_slow_ratio as tolerated_ratio
    from slices
    inner join reference_values on slices.operation_id = reference_values.operation_id
    cross join ranking
    union all
    select
        slices.*,
        'latency' as problem_kind,
        'very_slow' as test,
        reference_values.very_slow_bucket as bucket,
        reference_values.very_slow_ratio as usual_ratio,
        ranking.tolerated_factor * reference_values.very_slow_ratio + ranking.tolerated_slow_ratio as tolerated_ratio
    from slices
    inner join reference_values on slices.operation_id = reference_values.operation_id
    cross join ranking
    union all
    select
        slices.*,
        'latency' as problem_kind,
        'objective' as test,
        reference_values.objective_bucket as bucket,
        cast(null as double) as usual_ratio,
        ranking.slow_objective_ratio as tolerated_ratio
    from slices
    inner join reference_values on slices.operation_id = reference_values.operation_id
    cross join ranking
    -- Work in the background may take as long as it takes.
    where slices.slice = '' and slices.span_kind in ('server', 'client')
    union all
    select
        slices.*,
        'error' as problem_kind,
        'error' as test,
        cast(null as double) as bucket,
        least_error_ratios.error_ratio as usual_ratio,
        least(
            ranking.tolerated_factor * least_error_ratios.error_ratio + ranking.tolerated_error_ratio,
            ranking.error_objective_ratio
        ) as tolerated_ratio
    from slices
    inner join least_error_ratios on slices.operation_id = least_error_ratios.operation_id
    cross join ranking
),

final as (
    select
        md5(operation_id || '|' || slice || '|' || test) as symptom_id,
        operation_id,
        problem_kind,
        test,
        service,
        operation,
        span_kind,
        dependency,
        feature_flag,
        feature_variant,
        bucket,
        usual_ratio,
        tolerated_ratio
    from tests
)

select * from final
