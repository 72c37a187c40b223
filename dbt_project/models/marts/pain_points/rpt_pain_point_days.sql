with days as (
    select * from {{ ref('int_problem_days') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

final as (
    select
        days.problem_id as pain_point_id,
        days.event_date,
        cast(days.value as double) as value,
        cast(days.baseline as double) as baseline,
        days.unit,
        {{ audit_columns('ranking.policy_digest') }}
    from days
    cross join ranking
)

select * from final
