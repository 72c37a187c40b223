-- Three traces to look at, of those that sampling kept: the longest requests of the operation that failed, or that took
-- longer than its good days let expect, calls to others included, on the last day it was seen; one row per problem and
-- trace.
with problems as (
    select * from {{ ref('int_telemetry_problems') }}
    where problem_kind in ('latency', 'error')
),

spans as (
    select * from {{ ref('stg_lake__spans') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

met as (
    select
        problems.problem_id,
        spans.service,
        spans.trace_id,
        max(spans.duration_ms) as longest_ms,
        min(spans.event_at) as first_seen_at,
        max(spans.event_at) as last_seen_at
    from problems
    cross join ranking
    inner join spans
        on
            problems.service = spans.service
            and problems.operation = spans.operation
            and problems.span_kind = spans.span_kind
            and problems.dependency is not distinct from spans.dependency
            and greatest(problems.started_at, problems.ended_at - interval 1 day) <= spans.event_at
            and problems.ended_at > spans.event_at
    where
        {{ in_window('spans.event_at', day='spans.event_date') }}
        and (problems.feature_flag is null or problems.feature_flag = spans.feature_flag)
        and (problems.feature_variant is null or problems.feature_variant = spans.feature_variant)
        and (problems.service_version is null or problems.service_version = spans.service_version)
        and case problems.problem_kind
            when 'error' then spans.is_error
            else spans.duration_ms > {{ bucket_ms('problems.bucket') }}
        end
    group by problems.problem_id, spans.service, spans.trace_id
),

ordered as (
    select
        *,
        row_number() over (partition by problem_id order by longest_ms desc, trace_id asc) as place
    from met
),

final as (
    select problem_id, service, trace_id, first_seen_at, last_seen_at
    from ordered
    where place <= 3
)

select * from final
