with problems as (
    select * from {{ ref('int_problems_united') }}
),

symptoms as (
    select * from {{ ref('int_problem_symptoms') }}
),

templates as (
    select * from {{ ref('int_problem_templates') }}
),

traces as (
    select * from {{ ref('int_problem_traces') }}
),

problem_tickets as (
    select * from {{ ref('int_problem_tickets') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

themes as (
    select * from {{ ref('stg_lake__text_themes') }}
    where signal = 'tickets' and theme_id != 'other'
),

changes as (
    select * from {{ ref('int_problem_changes') }}
),

deployments as (
    select * from {{ ref('int_deployments_finished') }}
),

incidents as (
    select * from {{ ref('int_incidents_timed') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

met as (
    select
        *,
        'operation' as evidence_kind,
        operation_id as evidence_id,
        operation as evidence_name,
        observed_count as bad_count
    from symptoms
    where operation_id is not null
    union all
    select
        *,
        'feature_flag' as evidence_kind,
        feature_flag || '=' || feature_variant as evidence_id,
        feature_flag || '=' || feature_variant as evidence_name,
        variant_bad_count as bad_count
    from symptoms
    where feature_variant is not null
    union all
    select
        *,
        'version' as evidence_kind,
        service_version as evidence_id,
        service_version as evidence_name,
        version_bad_count as bad_count
    from symptoms
    where service_version is not null
),

-- Two tests of an operation count the same requests: the one that found most counts. Its episodes share no hour, and
-- operations no request.
by_symptom as (
    select
        problem_id,
        evidence_kind,
        service,
        evidence_id,
        evidence_name,
        operation_id,
        sum(bad_count) as bad_count,
        min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at
    from met
    group by problem_id, evidence_kind, service, evidence_id, evidence_name, operation_id, symptom_id
),

by_operation as (
    select
        problem_id,
        evidence_kind,
        service,
        evidence_id,
        evidence_name,
        max(bad_count) as bad_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from by_symptom
    group by problem_id, evidence_kind, service, evidence_id, evidence_name, operation_id
),

of_requests as (
    select
        problem_id,
        evidence_kind,
        service,
        evidence_id,
        evidence_name,
        sum(bad_count) as bad_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from by_operation
    group by problem_id, evidence_kind, service, evidence_id, evidence_name
),

of_tickets as (
    select
        problem_tickets.problem_id,
        themes.theme_id,
        max(themes.theme) as theme,
        count(*) as ticket_count,
        min(tickets.created_at) as first_seen_at,
        max(tickets.created_at) as last_seen_at
    from problem_tickets
    inner join tickets
        on problem_tickets.source = tickets.source and problem_tickets.ticket_id = tickets.ticket_id
    inner join themes
        on problem_tickets.source = themes.source and problem_tickets.ticket_id = themes.ticket_id
    group by problem_tickets.problem_id, themes.theme_id
),

of_changes as (
    select problem_id, 'cause' as evidence_role, deployment_id
    from changes
    where deployment_id is not null
    union all
    select problem_id, 'fix' as evidence_role, fix_deployment_id as deployment_id
    from changes
    where fix_deployment_id is not null
),

deployed as (
    select
        of_changes.problem_id,
        of_changes.evidence_role,
        of_changes.deployment_id,
        min(deployments.service_version) as service_version,
        min(deployments.finished_at) as finished_at
    from of_changes
    inner join problems on of_changes.problem_id = problems.problem_id
    inner join deployments
        on problems.service = deployments.service and of_changes.deployment_id = deployments.deployment_id
    group by of_changes.problem_id, of_changes.evidence_role, of_changes.deployment_id
),

-- The incident that began with it is one of its service.
of_incidents as (
    select
        problems.problem_id,
        changes.incident_id,
        min(coalesce(incidents.started_at, incidents.detected_at)) as began_at,
        max(incidents.ended_at) as ended_at
    from problems
    inner join changes on problems.problem_id = changes.problem_id
    inner join incidents on problems.service = incidents.service and changes.incident_id = incidents.incident_id
    group by problems.problem_id, changes.incident_id
),

united as (
    select
        problem_id,
        case evidence_kind when 'operation' then 'symptom' else 'scope' end as evidence_role,
        evidence_kind,
        service,
        evidence_id,
        evidence_name,
        cast(bad_count as bigint) as observed_count,
        'requests' as unit,
        first_seen_at,
        last_seen_at
    from of_requests
    union all
    select
        problem_id,
        'symptom' as evidence_role,
        'log_template' as evidence_kind,
        service,
        template_id as evidence_id,
        template as evidence_name,
        record_count as observed_count,
        'records' as unit,
        first_seen_at,
        last_seen_at
    from templates
    union all
    select
        problem_id,
        'symptom' as evidence_role,
        'trace' as evidence_kind,
        service,
        trace_id as evidence_id,
        trace_id as evidence_name,
        cast(null as bigint) as observed_count,
        cast(null as varchar) as unit,
        first_seen_at,
        last_seen_at
    from traces
    union all
    select
        problems.problem_id,
        'symptom' as evidence_role,
        'ticket_theme' as evidence_kind,
        problems.service,
        of_tickets.theme_id as evidence_id,
        of_tickets.theme as evidence_name,
        of_tickets.ticket_count as observed_count,
        'tickets' as unit,
        of_tickets.first_seen_at,
        of_tickets.last_seen_at
    from problems
    inner join of_tickets on problems.problem_id = of_tickets.problem_id
    union all
    select
        problems.problem_id,
        deployed.evidence_role,
        'deployment' as evidence_kind,
        problems.service,
        deployed.deployment_id as evidence_id,
        coalesce(deployed.service_version, deployed.deployment_id) as evidence_name,
        cast(null as bigint) as observed_count,
        cast(null as varchar) as unit,
        deployed.finished_at as first_seen_at,
        deployed.finished_at as last_seen_at
    from problems
    inner join deployed on problems.problem_id = deployed.problem_id
    union all
    select
        problems.problem_id,
        'symptom' as evidence_role,
        'incident' as evidence_kind,
        problems.service,
        of_incidents.incident_id as evidence_id,
        of_incidents.incident_id as evidence_name,
        cast(null as bigint) as observed_count,
        cast(null as varchar) as unit,
        of_incidents.began_at as first_seen_at,
        of_incidents.ended_at as last_seen_at
    from problems
    inner join of_incidents on problems.problem_id = of_incidents.problem_id
),

final as (
    select
        united.problem_id as pain_point_id,
        united.evidence_role,
        united.evidence_kind,
        united.service,
        united.evidence_id,
        united.evidence_name,
        united.observed_count,
        united.unit,
        united.first_seen_at,
        united.last_seen_at,
        {{ audit_columns('ranking.policy_digest') }}
    from united
    cross join ranking
)

select * from final
