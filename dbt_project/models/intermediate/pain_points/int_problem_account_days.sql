-- Which account met a problem on which day: one row per problem, account and day.
with problems as (
    select * from {{ ref('int_telemetry_problems') }}
),

span_account_days as (
    select * from {{ ref('stg_lake__span_account_days') }}
),

log_account_days as (
    select * from {{ ref('stg_lake__log_account_days') }}
),

templates as (
    select distinct template_id, symptom_id
    from {{ ref('int_log_warnings_identified') }}
),

final as (
    select distinct
        problems.problem_id,
        span_account_days.account_id,
        span_account_days.event_date
    from problems
    inner join span_account_days
        on
            problems.service = span_account_days.service
            and problems.operation = span_account_days.operation
            and problems.span_kind = span_account_days.span_kind
            and span_account_days.event_date >= cast(problems.started_at as date)
            and span_account_days.event_date <= cast(problems.ended_at as date)
    where
        (
            (problems.problem_kind = 'error' and span_account_days.origin_error_count > 0)
            or (problems.problem_kind = 'latency' and span_account_days.slowest_self_bucket > problems.bucket)
        )
        and (problems.feature_variant is null or problems.feature_variant = span_account_days.feature_variant)
        and (problems.service_version is null or problems.service_version = span_account_days.service_version)
    union all
    select distinct
        problems.problem_id,
        log_account_days.account_id,
        log_account_days.event_date
    from problems
    inner join templates on problems.symptom_id = templates.symptom_id
    inner join log_account_days
        on
            templates.template_id = log_account_days.template_id
            and log_account_days.event_date >= cast(problems.started_at as date)
            and log_account_days.event_date <= cast(problems.ended_at as date)
    where problems.problem_kind = 'log'
)

select * from final
