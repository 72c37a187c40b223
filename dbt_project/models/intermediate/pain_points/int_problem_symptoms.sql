-- What telemetry shows of a problem; one row per problem and episode.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

telemetry as (
    select * from {{ ref('int_telemetry_problems') }}
),

episodes as (
    select * from {{ ref('int_telemetry_episodes_located') }}
),

span_hours as (
    select * from {{ ref('int_span_symptoms_by_hour') }}
),

log_hours as (
    select * from {{ ref('int_log_symptoms_by_hour') }}
),

hours as (
    select symptom_id, hour_start_at, observed
    from span_hours
    union all
    select symptom_id, hour_start_at, observed
    from log_hours
),

observed as (
    select episodes.episode_id, cast(sum(hours.observed) as bigint) as observed_count
    from episodes
    inner join hours
        on
            episodes.symptom_id = hours.symptom_id
            and episodes.started_at <= hours.hour_start_at
            and episodes.ended_at > hours.hour_start_at
    group by episodes.episode_id
),

final as (
    select
        problems.problem_id,
        episodes.episode_id,
        episodes.symptom_id,
        episodes.problem_kind,
        episodes.operation_id,
        episodes.service,
        episodes.operation,
        episodes.feature_flag,
        episodes.feature_variant,
        episodes.service_version,
        episodes.severity,
        episodes.started_at,
        episodes.ended_at,
        observed.observed_count,
        cast(episodes.variant_bad_count as bigint) as variant_bad_count,
        cast(episodes.version_bad_count as bigint) as version_bad_count
    from problems
    inner join telemetry on problems.problem_id = telemetry.problem_id
    inner join episodes on array_contains(telemetry.episode_ids, episodes.episode_id)
    inner join observed on episodes.episode_id = observed.episode_id
)

select * from final
