-- What the journeys that need a problem's service did not earn while it lasted: what its days would have brought at the
-- rate of success of the days before, less what they brought; one row per problem.
with problems as (
    select * from {{ ref('int_problems_united') }}
),

journeys as (
    select * from {{ ref('stg_lake__service_journeys') }}
),

outcomes as (
    select * from {{ ref('fct_journey_outcomes') }}
),

triage as (
    select * from {{ ref('stg_lake__triage') }}
),

days as (
    -- Segments add up where the whole is not reported itself.
    select
        source,
        journey,
        measure,
        event_date,
        max(unit_value) as unit_value,
        max(currency) as currency,
        coalesce(sum(case when segment = 'all' then success_count end), sum(success_count)) as success_count,
        coalesce(sum(case when segment = 'all' then tried_count end), sum(tried_count)) as tried_count
    from outcomes
    where measured_value is not null and tried_count > 0
    group by source, journey, measure, event_date
),

reached as (
    select
        problems.problem_id,
        days.*,
        days.event_date < cast(problems.started_at as date) as is_before
    from problems
    inner join journeys on problems.service = journeys.service
    inner join days on journeys.journey = days.journey
    cross join triage
    where
        days.event_date >= cast(problems.started_at as date) - triage.days_before * interval 1 day
        and days.event_date <= cast(problems.ended_at as date)
),

compared as (
    select
        problem_id,
        source,
        journey,
        measure,
        currency,
        max(unit_value) as unit_value,
        count(case when is_before then 1 end) as days_before,
        sum(case when is_before then success_count end) / sum(case when is_before then tried_count end) as usual_ratio,
        sum(case when is_before then tried_count end) as tried_before,
        sum(case when not is_before then success_count end) as success_count,
        sum(case when not is_before then tried_count end) as tried_count
    from reached
    group by problem_id, source, journey, measure, currency
),

missed as (
    -- What chance alone could have made, two standard errors, is not put down to the problem.
    select
        compared.problem_id,
        compared.currency,
        compared.unit_value,
        compared.usual_ratio * compared.tried_count - compared.success_count as missed_count,
        2 * sqrt(
            greatest(compared.usual_ratio * (1 - compared.usual_ratio), 0)
            * compared.tried_count * (1 + compared.tried_count / compared.tried_before)
        ) as chance_count,
        compared.days_before >= triage.least_days_before and compared.tried_count > 0 as is_known
    from compared
    cross join triage
),

summed as (
    select
        problem_id,
        max(case when is_known then currency end) as currency,
        count(distinct case when is_known then currency end) as currency_count,
        sum(
            case when is_known and missed_count > chance_count then missed_count * unit_value else 0.0 end
        ) as value_lost
    from missed
    group by problem_id
),

final as (
    select
        problems.problem_id,
        case when summed.currency_count = 1 then summed.value_lost end as value_lost,
        case when summed.currency_count = 1 then summed.currency end as value_currency,
        case
            when summed.currency_count = 1 then null
            when summed.currency_count > 1 then 'several_currencies'
            when summed.currency_count = 0 then 'too_few_days_to_compare'
            else 'no_worth_measured'
        end as no_value_reason
    from problems
    left join summed on problems.problem_id = summed.problem_id
)

select * from final
