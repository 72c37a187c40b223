-- Where everything stands that changes hands: what the run leaves in the lake for later ones; one row per subject. The
-- states of tickets, and of what was decided with them, are told by their versions.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

states as (
    select * from {{ ref('int_problem_states') }}
),

scores as (
    select * from {{ ref('int_problems_scored') }}
),

initiatives as (
    select * from {{ ref('stg_lake__initiatives') }}
),

deployments as (
    select * from {{ ref('int_deployments_finished') }}
),

problem_initiatives as (
    select * from {{ ref('int_problem_initiatives') }}
),

services as (
    select * from {{ ref('int_services_known') }}
),

initiatives_told as (
    select
        initiatives.initiative_id,
        min(initiatives.owner_team) as owner_team,
        min(initiatives.title) as title,
        min(coalesce(cast(initiatives.shipped_on as timestamp with time zone), deployments.finished_at)) as shipped_at
    from initiatives
    left join deployments on initiatives.deployment_id = deployments.deployment_id
    group by initiatives.initiative_id
    union all
    select
        initiative_id,
        min(owner_team) as owner_team,
        min(title) as title,
        min(shipped_at) as shipped_at
    from problem_initiatives
    where origin = 'deployment'
    group by initiative_id
),

final as (
    select
        {{ as_of() }} as recorded_at,
        'pain_point' as subject_kind,
        problems.problem_id as subject_id,
        states.state,
        states.state_reason as reason,
        states.owner_team,
        states.initiative_id,
        problems.service,
        cast(scores.place as bigint) as place,
        scores.score
    from problems
    inner join states on problems.problem_id = states.problem_id
    inner join scores on problems.problem_id = scores.problem_id and scores.moved_weight is null
    union all
    select
        {{ as_of() }} as recorded_at,
        'initiative' as subject_kind,
        initiative_id as subject_id,
        case when shipped_at <= {{ as_of() }} then 'shipped' else 'in progress' end as state,
        title as reason,
        owner_team,
        initiative_id,
        cast(null as varchar) as service,
        cast(null as bigint) as place,
        cast(null as double) as score
    from initiatives_told
    union all
    select
        {{ as_of() }} as recorded_at,
        'service' as subject_kind,
        service as subject_id,
        'owned' as state,
        cast(null as varchar) as reason,
        owner_team,
        cast(null as varchar) as initiative_id,
        service,
        cast(null as bigint) as place,
        cast(null as double) as score
    from services
)

select * from final
