-- The figure that shows a problem, day by day over the window, and what is usual; one row per problem and day.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

own_times as (
    select * from {{ ref('int_own_times_by_hour') }}
),

reference_values as (
    select * from {{ ref('int_operation_references') }}
),

operation_counts as (
    select * from {{ ref('int_operation_counts_by_hour') }}
),

log_hours as (
    select * from {{ ref('int_log_symptoms_by_hour') }}
),

ticket_days as (
    select * from {{ ref('int_ticket_symptoms_by_day') }}
),

slow_times as (
    select
        problems.problem_id,
        own_times.event_date,
        own_times.bucket,
        own_times.span_count
    from problems
    inner join own_times
        on
            problems.operation_id = own_times.operation_id
            and (problems.feature_variant is null or problems.feature_variant = own_times.feature_variant)
    where problems.problem_kind = 'latency'
),

slow_days as (
    {{ percentiles('slow_times', ['problem_id', 'event_date'], [95]) }}
),

final as (
    select
        slow_days.problem_id,
        slow_days.event_date,
        slow_days.p95_ms as value,
        reference_values.p95_ms as baseline,
        'ms' as unit
    from slow_days
    inner join problems on slow_days.problem_id = problems.problem_id
    inner join reference_values on problems.operation_id = reference_values.operation_id
    union all
    select
        problems.problem_id,
        operation_counts.event_date,
        sum(operation_counts.origin_error_count) * 1.0 / sum(operation_counts.span_count) as value,
        max(problems.usual_ratio) as baseline,
        'ratio' as unit
    from problems
    inner join operation_counts
        on
            problems.operation_id = operation_counts.operation_id
            and (problems.feature_variant is null or problems.feature_variant = operation_counts.feature_variant)
    where problems.problem_kind = 'error'
    group by problems.problem_id, operation_counts.event_date
    union all
    select
        problems.problem_id,
        log_hours.event_date,
        sum(log_hours.observed) as value,
        sum(log_hours.expected) as baseline,
        'records' as unit
    from problems
    inner join log_hours on problems.symptom_id = log_hours.symptom_id
    where problems.problem_kind = 'log'
    group by problems.problem_id, log_hours.event_date
    union all
    select
        problems.problem_id,
        ticket_days.event_date,
        ticket_days.observed as value,
        ticket_days.expected as baseline,
        'tickets' as unit
    from problems
    inner join ticket_days on problems.symptom_id = ticket_days.symptom_id
    where problems.problem_kind = 'ticket'
)

select * from final
