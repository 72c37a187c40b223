-- reach x impact x confidence / effort of each problem, and where it is going; one row per problem.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

measures as (
    select * from {{ ref('int_problem_measures') }}
),

changes as (
    select * from {{ ref('int_problem_changes') }}
),

days as (
    select * from {{ ref('int_problem_days') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

newest as (
    select max(event_date) as newest_date
    from days
),

weeks as (
    select
        days.problem_id,
        avg(case when days.event_date > newest.newest_date - interval 7 day then days.value end) as last_week,
        avg(
            case
                when
                    days.event_date <= newest.newest_date - interval 7 day
                    and days.event_date > newest.newest_date - interval 14 day
                    then days.value
            end
        ) as week_before
    from days
    cross join newest
    group by days.problem_id
),

parts as (
    select
        problems.problem_id,
        case
            when not problems.is_ongoing then 'falling'
            when weeks.last_week > 1.25 * weeks.week_before then 'rising'
            when weeks.last_week < 0.8 * weeks.week_before then 'falling'
            else 'steady'
        end as trend,
        -- Where no account is known, the requests affected stand in for them.
        cast(
            case when measures.account_count > 0 then measures.account_count else measures.affected_count end as double
        ) as reach,
        problems.evidence / (problems.evidence + ranking.least_evidence)
        * case when measures.ticket_count = 0 then ranking.confidence_without_tickets else 1 end
        * case when measures.account_count = 0 then ranking.confidence_without_accounts else 1 end
        * case when problems.is_as_old_as_data then ranking.confidence_without_before else 1 end
        * case
            when problems.problem_kind = 'log' and measures.ticket_count < 3 then ranking.confidence_log_only else 1
        end as confidence,
        case
            when changes.deployment_id is not null or problems.feature_flag is not null then ranking.effort_known_change
            when problems.problem_kind = 'latency' then ranking.effort_latency
            when problems.problem_kind = 'error' then ranking.effort_error
            when problems.problem_kind = 'log' then ranking.effort_log
            else ranking.effort_ticket
        end as effort,
        case when problems.is_ongoing then 1 else ranking.resolved_factor end as factor,
        measures.minutes_lost
    from problems
    inner join measures on problems.problem_id = measures.problem_id
    inner join changes on problems.problem_id = changes.problem_id
    left join weeks on problems.problem_id = weeks.problem_id
    cross join ranking
),

final as (
    select
        problem_id,
        trend,
        reach,
        minutes_lost / greatest(reach, 1) as impact,
        confidence,
        effort,
        reach * (minutes_lost / greatest(reach, 1)) * confidence / effort * factor as score,
        row_number() over (
            order by reach * (minutes_lost / greatest(reach, 1)) * confidence / effort * factor desc, problem_id asc
        ) as place
    from parts
)

select * from final
