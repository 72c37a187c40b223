-- The log templates of a problem, with the records of its hours; one row per problem, service and template.
with symptoms as (
    select * from {{ ref('int_problem_symptoms') }}
    where problem_kind = 'log'
),

log_templates as (
    select log_templates.*
    from {{ ref('stg_lake__log_templates') }} as log_templates
    cross join {{ ref('stg_lake__ranking') }} as ranking
    where {{ in_window('log_templates.hour_start_at', day='log_templates.event_date') }}
),

named as (
    select distinct
        log_templates.service,
        log_templates.severity,
        log_templates.template_id,
        {{ log_symptom_id('log_templates') }} as symptom_id
    from log_templates
    where log_templates.severity in (select symptoms.severity from symptoms)
),

final as (
    select
        symptoms.problem_id,
        symptoms.service,
        log_templates.template_id,
        min(log_templates.template) as template,
        cast(sum(log_templates.record_count) as bigint) as record_count,
        min(log_templates.minute_start_at) as first_seen_at,
        max(log_templates.minute_start_at) as last_seen_at
    from symptoms
    inner join named on symptoms.symptom_id = named.symptom_id
    inner join log_templates
        on
            named.service = log_templates.service
            and named.severity = log_templates.severity
            and named.template_id = log_templates.template_id
            and symptoms.started_at <= log_templates.hour_start_at
            and symptoms.ended_at > log_templates.hour_start_at
    group by symptoms.problem_id, symptoms.service, log_templates.template_id
)

select * from final
