-- What the journeys that need a problem's service did not earn while it lasted; one row per problem.
--
-- Days with a problem are compared with days before it on which the same other problems of the journey went on: what
-- these cost is on both sides. What is missing then, at the rate of success of those days, is put down to the problem,
-- also on its days that no day can be compared with. Problems of a journey that went on upon the very same days cannot
-- be told apart: they are compared as one and share alike.
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

journey_days as (
    select distinct journey, event_date from days
),

problem_days as (
    select
        problems.problem_id,
        journey_days.journey,
        journey_days.event_date
    from problems
    inner join journeys on problems.service = journeys.service
    inner join journey_days
        on
            journeys.journey = journey_days.journey
            and journey_days.event_date >= cast(problems.started_at as date)
            -- The end is the first moment after it.
            and journey_days.event_date <= cast(problems.ended_at - interval 1 second as date)
),

stretches as (
    select
        problem_id,
        journey,
        min(event_date) as first_date,
        {{ text_list('cast(event_date as varchar)', 'event_date') }} as dates
    from problem_days
    group by problem_id, journey
),

-- Those of the same days, by the first of their ids.
alike as (
    select
        problem_id,
        journey,
        first_date,
        min(problem_id) over (partition by journey, dates) as alike_id,
        count(*) over (partition by journey, dates) as alike_count
    from stretches
),

alike_days as (
    select distinct
        alike.alike_id,
        problem_days.journey,
        problem_days.event_date
    from problem_days
    inner join alike on problem_days.problem_id = alike.problem_id and problem_days.journey = alike.journey
),

compared_days as (
    select
        alike.alike_id,
        alike.journey,
        journey_days.event_date,
        own.event_date is null as is_before,
        {{ text_list('others.alike_id', 'others.alike_id') }} as other_ids
    from alike
    cross join triage
    inner join journey_days on alike.journey = journey_days.journey
    left join alike_days as own
        on
            alike.alike_id = own.alike_id
            and alike.journey = own.journey
            and journey_days.event_date = own.event_date
    left join alike_days as others
        on
            alike.alike_id != others.alike_id
            and alike.journey = others.journey
            and journey_days.event_date = others.event_date
    where
        alike.problem_id = alike.alike_id
        and (
            own.event_date is not null
            or (
                journey_days.event_date < alike.first_date
                and journey_days.event_date >= alike.first_date - triage.days_before * interval 1 day
            )
        )
    group by alike.alike_id, alike.journey, journey_days.event_date, own.event_date
),

-- By which others went on; null where there is no day of one of the two sides.
compared as (
    select
        compared_days.alike_id,
        compared_days.journey,
        days.source,
        days.measure,
        days.currency,
        max(days.unit_value) as unit_value,
        count(case when compared_days.is_before then 1 end) as days_before,
        sum(case when compared_days.is_before then days.success_count end)
        / sum(case when compared_days.is_before then days.tried_count end) as usual_ratio,
        sum(case when compared_days.is_before then days.tried_count end) as tried_before,
        sum(case when not compared_days.is_before then days.success_count end) as success_count,
        sum(case when not compared_days.is_before then days.tried_count end) as tried_count
    from compared_days
    inner join days on compared_days.journey = days.journey and compared_days.event_date = days.event_date
    group by
        compared_days.alike_id,
        compared_days.journey,
        compared_days.other_ids,
        days.source,
        days.measure,
        days.currency
),

missed as (
    select
        alike_id,
        journey,
        currency,
        max(unit_value) as unit_value,
        sum(case when tried_count > 0 then days_before end) as days_before,
        sum(days_before) as all_days_before,
        sum(usual_ratio * tried_count - success_count) as missed_count,
        sqrt(
            sum(greatest(usual_ratio * (1 - usual_ratio), 0) * tried_count * (1 + tried_count / tried_before))
        ) as standard_error,
        sum(tried_count) / sum(case when days_before > 0 then tried_count end) as share_factor
    from compared
    group by alike_id, journey, source, measure, currency
),

-- What chance alone could have made, two standard errors, is not put down to the problem.
valued as (
    select
        missed.alike_id,
        missed.journey,
        missed.currency,
        missed.days_before >= triage.least_days_before as is_known,
        missed.all_days_before >= triage.least_days_before as is_long_enough,
        case
            when missed.missed_count > 2 * missed.standard_error
                then missed.missed_count * missed.share_factor * missed.unit_value
            else 0.0
        end as value_lost,
        missed.missed_count * missed.share_factor * missed.unit_value as value_estimated,
        missed.standard_error * missed.share_factor * missed.unit_value as value_error
    from missed
    cross join triage
),

summed as (
    select
        alike.problem_id,
        max(case when valued.is_known then valued.currency end) as currency,
        count(distinct case when valued.is_known then valued.currency end) as currency_count,
        max(case when valued.is_long_enough then 1 else 0 end) as is_long_enough,
        sum(case when valued.is_known then valued.value_lost / alike.alike_count end) as value_lost,
        sum(case when valued.is_known then valued.value_estimated / alike.alike_count end) as value_estimated,
        sqrt(sum(case when valued.is_known then power(valued.value_error / alike.alike_count, 2) end)) as value_error
    from alike
    inner join valued on alike.alike_id = valued.alike_id and alike.journey = valued.journey
    group by alike.problem_id
),

final as (
    select
        problems.problem_id,
        case when summed.currency_count = 1 then summed.value_lost end as value_lost,
        case
            when summed.currency_count = 1
                then least(greatest(summed.value_estimated - 1.96 * summed.value_error, 0), summed.value_lost)
        end as value_lost_low,
        case
            when summed.currency_count = 1
                then greatest(summed.value_estimated + 1.96 * summed.value_error, summed.value_lost)
        end as value_lost_high,
        case when summed.currency_count = 1 then summed.currency end as value_currency,
        case
            when summed.currency_count = 1 then null
            when summed.currency_count > 1 then 'several_currencies'
            when summed.is_long_enough = 1 then 'not_told_apart'
            when summed.is_long_enough = 0 then 'too_few_days_to_compare'
            else 'no_worth_measured'
        end as no_value_reason
    from problems
    left join summed on problems.problem_id = summed.problem_id
)

select * from final
