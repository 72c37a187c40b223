-- From days to hours: an episode begins and ends where the sum of what each hour says for it is largest. An hour with
-- o bad of e tolerated says o * ln(r) - e * (r - 1) for an episode that is r times worse than tolerated.
with scanned as (
    select * from {{ ref('int_telemetry_episodes_scanned') }}
),

span_symptoms as (
    select * from {{ ref('int_span_symptoms') }}
),

log_symptoms as (
    select * from {{ ref('int_log_symptoms') }}
),

span_hours as (
    select * from {{ ref('int_span_symptoms_by_hour') }}
),

log_hours as (
    select * from {{ ref('int_log_symptoms_by_hour') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

symptoms as (
    select
        symptom_id,
        problem_kind,
        test,
        operation_id,
        service,
        operation,
        span_kind,
        dependency,
        feature_flag,
        feature_variant,
        cast(null as varchar) as severity,
        cast(null as varchar) as template,
        true as has_spans,
        bucket,
        usual_ratio
    from span_symptoms
    union all
    select
        symptom_id,
        'log' as problem_kind,
        'log' as test,
        cast(null as varchar) as operation_id,
        service,
        cast(null as varchar) as operation,
        cast(null as varchar) as span_kind,
        cast(null as varchar) as dependency,
        cast(null as varchar) as feature_flag,
        cast(null as varchar) as feature_variant,
        severity,
        template,
        has_spans,
        cast(null as double) as bucket,
        cast(null as double) as usual_ratio
    from log_symptoms
),

clear as (
    select
        scanned.symptom_id || '-' || scanned.round as episode_id,
        scanned.*,
        scanned.observed / scanned.expected as factor
    from scanned
    inner join symptoms on scanned.symptom_id = symptoms.symptom_id
    cross join ranking
    where
        scanned.evidence >= case
            when symptoms.problem_kind = 'log' then ranking.least_evidence_log else ranking.least_evidence
        end
        and scanned.observed >= scanned.expected * ranking.least_factor
        and scanned.observed - scanned.expected >= ranking.least_excess
),

hours as (
    select symptom_id, hour_start_at, event_date, observed, expected
    from span_hours
    union all
    select symptom_id, hour_start_at, event_date, observed, expected
    from log_hours
),

weighed as (
    select
        clear.episode_id,
        clear.first_date,
        clear.last_date,
        hours.hour_start_at,
        hours.event_date,
        hours.observed,
        hours.observed * ln(clear.factor) - hours.expected * (clear.factor - 1) as says
    from clear
    inner join hours on clear.symptom_id = hours.symptom_id
),

summed as (
    select
        *,
        sum(says) over (partition by episode_id order by hour_start_at rows unbounded preceding) as said_until,
        sum(says) over (partition by episode_id) as said_in_all
    from weighed
),

starts as (
    select episode_id, min_by(hour_start_at, said_until - says) as started_at
    from summed
    where
        says > 0
        and event_date >= first_date - interval 1 day
        and event_date <= least(first_date + interval 1 day, last_date)
    group by episode_id
),

ends as (
    select
        summed.episode_id,
        max_by(summed.hour_start_at, summed.said_until) as last_bad_hour_at,
        max_by(summed.said_in_all - summed.said_until, summed.said_until) as said_after
    from summed
    inner join starts on summed.episode_id = starts.episode_id
    where
        summed.says > 0
        and summed.event_date >= greatest(summed.last_date - interval 1 day, summed.first_date)
        and summed.event_date <= summed.last_date + interval 1 day
        and summed.hour_start_at >= starts.started_at
    group by summed.episode_id
),

final as (
    select
        clear.episode_id,
        clear.symptom_id,
        symptoms.problem_kind,
        symptoms.test,
        symptoms.operation_id,
        symptoms.service,
        symptoms.operation,
        symptoms.span_kind,
        symptoms.dependency,
        symptoms.feature_flag,
        symptoms.feature_variant,
        symptoms.severity,
        symptoms.template,
        symptoms.has_spans,
        symptoms.bucket,
        symptoms.usual_ratio,
        clear.first_date,
        clear.last_date,
        clear.observed,
        clear.expected,
        clear.evidence,
        starts.started_at,
        -- Over when the hours after it clearly say so; too few of them do not.
        ends.said_after <= -ranking.recovery_evidence as is_over,
        ends.last_bad_hour_at + interval 1 hour as ended_at
    from clear
    inner join symptoms on clear.symptom_id = symptoms.symptom_id
    inner join starts on clear.episode_id = starts.episode_id
    inner join ends on clear.episode_id = ends.episode_id
    cross join ranking
)

select * from final
