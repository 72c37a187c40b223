with initiatives as (
    select * from {{ ref('int_problem_initiatives') }}
),

compared as (
    select * from {{ ref('int_initiatives_compared') }}
),

planned as (
    select * from {{ ref('stg_lake__initiatives') }}
),

tickets as (
    select * from {{ ref('int_initiatives_ticketed') }}
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

decided as (
    select
        initiative_id,
        'policy' as origin,
        title,
        owner_team,
        milestone,
        due_on,
        cast(decided_on as timestamp with time zone) as decided_at,
        cast(shipped_on as timestamp with time zone) as shipped_at,
        deployment_id
    from planned
    union all
    select
        initiative_id,
        'ticket' as origin,
        title,
        owner_team,
        milestone,
        due_on,
        decided_at,
        shipped_at,
        cast(null as varchar) as deployment_id
    from tickets
),

-- What was decided about nothing that is found: named wrongly, or over for longer than the list looks back.
without_problem as (
    select distinct
        decided.initiative_id,
        decided.origin,
        decided.title,
        decided.owner_team,
        decided.milestone,
        decided.due_on,
        decided.decided_at,
        decided.shipped_at,
        decided.deployment_id
    from decided
    left join initiatives on decided.initiative_id = initiatives.initiative_id
    where initiatives.initiative_id is null
),

united as (
    select
        initiatives.initiative_id,
        initiatives.problem_id,
        initiatives.origin,
        initiatives.title,
        initiatives.owner_team,
        initiatives.milestone,
        initiatives.due_on,
        initiatives.decided_at,
        initiatives.shipped_at,
        initiatives.deployment_id,
        compared.unit,
        compared.days_before,
        compared.days_after,
        compared.value_before,
        compared.value_after,
        compared.change,
        compared.change_low,
        compared.change_high,
        compared.verdict,
        compared.no_verdict_reason
    from initiatives
    inner join compared
        on initiatives.problem_id = compared.problem_id and initiatives.initiative_id = compared.initiative_id
    union all
    select
        initiative_id,
        cast(null as varchar) as problem_id,
        origin,
        title,
        owner_team,
        milestone,
        due_on,
        decided_at,
        shipped_at,
        deployment_id,
        cast(null as varchar) as unit,
        cast(null as bigint) as days_before,
        cast(null as bigint) as days_after,
        cast(null as double) as value_before,
        cast(null as double) as value_after,
        cast(null as double) as change,
        cast(null as double) as change_low,
        cast(null as double) as change_high,
        cast(null as varchar) as verdict,
        'no_pain_point' as no_verdict_reason
    from without_problem
),

final as (
    select
        united.initiative_id,
        united.problem_id as pain_point_id,
        united.origin,
        united.title,
        united.owner_team,
        united.milestone,
        united.due_on,
        united.shipped_at is null and united.due_on < cast({{ as_of() }} as date) as is_overdue,
        united.decided_at,
        united.shipped_at,
        united.deployment_id,
        united.unit,
        cast(united.days_before as bigint) as days_before,
        cast(united.days_after as bigint) as days_after,
        cast(united.value_before as double) as value_before,
        cast(united.value_after as double) as value_after,
        cast(united.change as double) as change,
        cast(united.change_low as double) as change_low,
        cast(united.change_high as double) as change_high,
        united.verdict,
        united.no_verdict_reason,
        {{ audit_columns('triage.policy_digest') }}
    from united
    cross join triage
)

select * from final
