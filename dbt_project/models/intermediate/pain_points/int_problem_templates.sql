-- The log templates of a problem, with the records of its hours; one row per problem, service and template.
with symptoms as (
    select * from {{ ref('int_problem_symptoms') }}
    where problem_kind = 'log'
),

warnings as (
    select * from {{ ref('int_log_warnings_identified') }}
),

final as (
    select
        symptoms.problem_id,
        symptoms.service,
        warnings.template_id,
        min(warnings.template) as template,
        cast(sum(warnings.record_count) as bigint) as record_count,
        min(warnings.minute_start_at) as first_seen_at,
        max(warnings.minute_start_at) as last_seen_at
    from symptoms
    inner join warnings
        on
            symptoms.symptom_id = warnings.symptom_id
            and symptoms.started_at <= warnings.hour_start_at
            and symptoms.ended_at > warnings.hour_start_at
    group by symptoms.problem_id, symptoms.service, warnings.template_id
)

select * from final
