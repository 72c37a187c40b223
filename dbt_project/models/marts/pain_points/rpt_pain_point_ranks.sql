with scores as (
    select * from {{ ref('int_problems_scored') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

final as (
    select
        scores.problem_id as pain_point_id,
        scores.moved_weight as weight,
        cast(max(base.place) as bigint) as rank,
        cast(max(case when scores.moved_by < 1 then scores.place end) as bigint) as rank_with_less,
        cast(max(case when scores.moved_by > 1 then scores.place end) as bigint) as rank_with_more,
        max(base.score) as score,
        max(case when scores.moved_by < 1 then scores.score end) as score_with_less,
        max(case when scores.moved_by > 1 then scores.score end) as score_with_more,
        {{ audit_columns('max(ranking.policy_digest || triage.policy_digest)') }}
    from scores
    inner join scores as base on scores.problem_id = base.problem_id and base.moved_weight is null
    cross join ranking
    cross join triage
    where scores.moved_weight is not null
    group by scores.problem_id, scores.moved_weight
)

select * from final
