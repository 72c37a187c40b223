-- reach x impact x confidence / effort of each problem under the weights as they are and with each of them moved, and
-- where it is going; one row per problem and set of weights.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

measures as (
    select * from {{ ref('int_problem_measures') }}
),

worths as (
    select * from {{ ref('int_problem_values') }}
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

weights as (
    select * from {{ ref('stg_lake__triage_weights') }}
),

assessments as (
    select * from {{ ref('stg_lake__assessments') }}
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

-- What somebody said of a problem last; of one day, last in the file.
assessed as (
    select problem_id, strategic_value, effort_days, author, stated_on, reason
    from (
        select
            problems.problem_id,
            assessments.*,
            row_number() over (
                partition by problems.problem_id
                order by assessments.stated_on desc, assessments.place desc
            ) as choice
        from problems
        inner join measures on problems.problem_id = measures.problem_id
        inner join assessments on {{ is_meant('assessments', 'problems', 'measures.said') }}
    ) as ordered
    where choice = 1
),

parts as (
    select
        problems.problem_id,
        weights.moved_weight,
        weights.moved_by,
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
        measures.waited_minutes
        + case problems.problem_kind
            when 'latency' then measures.affected_count * weights.minutes_per_slow_request
            when 'error' then measures.affected_count * weights.minutes_per_failed_request
            when 'log' then measures.affected_count * weights.minutes_per_log_record
            else 0
        end
        + measures.ticket_count * weights.minutes_per_ticket as minutes_lost,
        least(coalesce(measures.budget_burnt_ratio, 0), 1) * weights.minutes_per_budget as budget_minutes,
        coalesce(worths.value_lost, 0) / 100 * weights.minutes_per_hundred_lost as value_minutes,
        case
            when assessed.strategic_value is not null then assessed.strategic_value * weights.assessed_value else 1
        end as strategic_value,
        problems.evidence / (problems.evidence + ranking.least_evidence)
        * coalesce(measures.coverage_ratio, 1)
        * case when measures.ticket_count = 0 then least(weights.confidence_without_tickets, 1) else 1 end
        * case when measures.account_count = 0 then least(weights.confidence_without_accounts, 1) else 1 end
        * case when problems.is_as_old_as_data then least(weights.confidence_without_before, 1) else 1 end
        * case
            when problems.problem_kind = 'log' and measures.ticket_count < 3 then least(weights.confidence_log_only, 1)
            else 1
        end as confidence,
        case
            when assessed.effort_days is not null then assessed.effort_days * weights.assessed_effort
            when changes.deployment_id is not null or problems.feature_flag is not null then weights.effort_known_change
            when problems.problem_kind = 'latency' then weights.effort_latency
            when problems.problem_kind = 'error' then weights.effort_error
            when problems.problem_kind = 'log' then weights.effort_log
            else weights.effort_ticket
        end as effort,
        case when problems.is_ongoing then 1 else least(weights.resolved_factor, 1) end as factor,
        -- How many times somebody met it: what chance could have made more or fewer.
        greatest(
            case
                when measures.account_day_count + measures.ticket_count > 0
                    then measures.account_day_count + measures.ticket_count
                else measures.affected_count
            end,
            1
        ) as times_met,
        assessed.author as assessment_author,
        assessed.stated_on as assessment_date,
        assessed.reason as assessment_reason
    from problems
    inner join measures on problems.problem_id = measures.problem_id
    inner join worths on problems.problem_id = worths.problem_id
    inner join changes on problems.problem_id = changes.problem_id
    left join weeks on problems.problem_id = weeks.problem_id
    left join assessed on problems.problem_id = assessed.problem_id
    cross join ranking
    cross join weights
),

scores as (
    select
        *,
        (minutes_lost + budget_minutes + value_minutes) * strategic_value / greatest(reach, 1) as impact,
        reach * ((minutes_lost + budget_minutes + value_minutes) * strategic_value / greatest(reach, 1)) * confidence
        / effort * factor as score
    from parts
),

final as (
    select
        problem_id,
        moved_weight,
        moved_by,
        trend,
        reach,
        minutes_lost,
        budget_minutes,
        value_minutes,
        strategic_value,
        impact,
        confidence,
        effort,
        assessment_author,
        assessment_date,
        assessment_reason,
        score,
        score * {{ poisson_low('times_met') }} / times_met as score_low,
        score * {{ poisson_high('times_met') }} / times_met as score_high,
        row_number() over (
            partition by moved_weight, moved_by
            order by score desc, problem_id asc
        ) as place
    from scores
)

select * from final
