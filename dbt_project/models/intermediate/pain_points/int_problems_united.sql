-- Every problem, of telemetry or of tickets, in one shape; one row per problem.
with telemetry as (
    select * from {{ ref('int_telemetry_problems') }}
),

themes as (
    select * from {{ ref('int_ticket_problems') }}
),

problem_tickets as (
    select * from {{ ref('int_problem_tickets') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

requests as (
    select * from {{ ref('stg_lake__span_requests') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

ticket_times as (
    select
        problem_tickets.problem_id,
        min(tickets.created_at) as first_ticket_at,
        max(tickets.created_at) as last_ticket_at,
        count(*) as ticket_count
    from problem_tickets
    inner join tickets
        on problem_tickets.source = tickets.source and problem_tickets.ticket_id = tickets.ticket_id
    group by problem_tickets.problem_id
),

first_hour as (
    select min(requests.hour_start_at) as first_hour_at
    from requests
    cross join ranking
    where {{ in_window('requests.hour_start_at', day='requests.event_date') }}
),

united as (
    select
        telemetry.problem_id,
        telemetry.symptom_id,
        telemetry.problem_kind,
        telemetry.test,
        telemetry.operation_id,
        telemetry.service,
        telemetry.operation,
        telemetry.dependency,
        telemetry.feature_flag,
        telemetry.feature_variant,
        telemetry.service_version,
        telemetry.severity,
        telemetry.template,
        telemetry.bucket,
        telemetry.usual_ratio,
        telemetry.bad_ratio,
        telemetry.evidence,
        telemetry.started_at,
        telemetry.ended_at,
        telemetry.is_ongoing,
        telemetry.evidence_count,
        telemetry.operation_count,
        -- As old as the data: nothing shows when it really began, or that it ever was better.
        telemetry.started_at < first_hour.first_hour_at + interval 12 hour as is_as_old_as_data
    from telemetry
    cross join first_hour
    left join ticket_times on telemetry.problem_id = ticket_times.problem_id
    -- A line that only warns is a problem when customers say so.
    where telemetry.problem_kind != 'log' or telemetry.severity != 'WARN' or ticket_times.ticket_count >= 3
    union all
    select
        themes.problem_id,
        themes.symptom_id,
        'ticket' as problem_kind,
        'ticket' as test,
        cast(null as varchar) as operation_id,
        themes.service,
        cast(null as varchar) as operation,
        cast(null as varchar) as dependency,
        cast(null as varchar) as feature_flag,
        cast(null as varchar) as feature_variant,
        cast(null as varchar) as service_version,
        cast(null as varchar) as severity,
        cast(null as varchar) as template,
        cast(null as double) as bucket,
        cast(null as double) as usual_ratio,
        cast(null as double) as bad_ratio,
        themes.evidence,
        ticket_times.first_ticket_at as started_at,
        ticket_times.last_ticket_at as ended_at,
        themes.is_ongoing,
        themes.evidence_count,
        0 as operation_count,
        ticket_times.first_ticket_at < first_hour.first_hour_at + interval 24 hour as is_as_old_as_data
    from themes
    cross join first_hour
    inner join ticket_times on themes.problem_id = ticket_times.problem_id
),

final as (
    select
        problem_id,
        symptom_id,
        problem_kind,
        test,
        operation_id,
        service,
        operation,
        dependency,
        feature_flag,
        feature_variant,
        service_version,
        severity,
        template,
        bucket,
        usual_ratio,
        bad_ratio,
        evidence,
        started_at,
        ended_at,
        is_ongoing,
        evidence_count,
        operation_count,
        coalesce(is_as_old_as_data, false) as is_as_old_as_data
    from united
)

select * from final
