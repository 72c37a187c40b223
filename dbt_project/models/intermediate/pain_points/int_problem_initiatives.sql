-- What was decided or done about which problem: initiatives of the policy, tickets with their tag, and the deployment
-- with which it ended or that was meant to end it, where no initiative names that; one row per problem and initiative.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

measures as (
    select * from {{ ref('int_problem_measures') }}
),

changes as (
    select * from {{ ref('int_problem_changes') }}
),

initiatives as (
    select * from {{ ref('stg_lake__initiatives') }}
),

deployments as (
    -- An id of two systems: the later one of a service.
    select *
    from (
        select
            *,
            row_number() over (
                partition by service, deployment_id order by finished_at desc nulls last, source asc
            ) as place
        from {{ ref('int_deployments_finished') }}
    ) as ordered
    where place = 1
),

deployment_statuses as (
    select * from {{ ref('stg_lake__deployments') }}
),

pull_requests as (
    select * from {{ ref('stg_lake__pull_requests') }}
),

tickets as (
    select * from {{ ref('int_initiatives_ticketed') }}
),

services as (
    select * from {{ ref('int_services_known') }}
),

-- A deployment was decided on when the change it brought was proposed.
proposed as (
    select
        deployment_statuses.service,
        deployment_statuses.deployment_id,
        min(pull_requests.created_at) as proposed_at
    from deployment_statuses
    inner join pull_requests on deployment_statuses.sha = pull_requests.merge_commit_sha
    group by deployment_statuses.service, deployment_statuses.deployment_id
),

-- The deployment an initiative names may be of another service than its problem; of two of one id the later one.
shipped as (
    select deployment_id, max(finished_at) as finished_at
    from deployments
    group by deployment_id
),

of_policy as (
    select distinct
        problems.problem_id,
        initiatives.initiative_id,
        'policy' as origin,
        initiatives.title,
        initiatives.owner_team,
        initiatives.owner_email,
        initiatives.milestone,
        initiatives.due_on,
        cast(initiatives.decided_on as timestamp with time zone) as decided_at,
        coalesce(cast(initiatives.shipped_on as timestamp with time zone), shipped.finished_at) as shipped_at,
        initiatives.deployment_id,
        problems.started_at
    from problems
    inner join measures on problems.problem_id = measures.problem_id
    inner join initiatives on {{ is_meant('initiatives', 'problems', 'measures.said') }}
    left join shipped on initiatives.deployment_id = shipped.deployment_id
),

of_tickets as (
    select
        problems.problem_id,
        tickets.initiative_id,
        'ticket' as origin,
        tickets.title,
        tickets.owner_team,
        tickets.owner_email,
        tickets.milestone,
        tickets.due_on,
        tickets.decided_at,
        tickets.shipped_at,
        cast(null as varchar) as deployment_id,
        problems.started_at
    from tickets
    inner join problems
        on
            tickets.service = problems.service
            and tickets.created_at >= problems.started_at
            and (problems.is_ongoing or tickets.created_at <= problems.ended_at)
),

of_deployments as (
    select
        problems.problem_id,
        'deployment-' || deployments.deployment_id as initiative_id,
        'deployment' as origin,
        deployments.service || coalesce(' ' || {{ shown_version('deployments.service_version') }}, '')
        || ' (deployment ' || deployments.deployment_id || ')' as title,
        services.owner_team,
        services.owner_email,
        cast(null as varchar) as milestone,
        cast(null as date) as due_on,
        proposed.proposed_at as decided_at,
        deployments.finished_at as shipped_at,
        deployments.deployment_id,
        problems.started_at
    from problems
    inner join changes on problems.problem_id = changes.problem_id
    inner join deployments
        on problems.service = deployments.service and changes.fix_deployment_id = deployments.deployment_id
    inner join services on problems.service = services.service
    left join proposed
        on deployments.service = proposed.service and deployments.deployment_id = proposed.deployment_id
    left join of_policy
        on problems.problem_id = of_policy.problem_id and deployments.deployment_id = of_policy.deployment_id
    where of_policy.problem_id is null
),

united as (
    select * from of_policy
    union all
    select * from of_tickets
    union all
    select * from of_deployments
),

final as (
    select
        problem_id,
        initiative_id,
        origin,
        title,
        owner_team,
        owner_email,
        milestone,
        due_on,
        decided_at,
        shipped_at,
        deployment_id
    from united
    -- What was done before it began was about something else.
    where shipped_at is null or shipped_at > started_at
)

select * from final
