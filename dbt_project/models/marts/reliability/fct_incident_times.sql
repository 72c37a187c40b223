{%- set grain = ['measure', 'service', 'urgency', 'month_start_date'] -%}

with incidents as (
    select * from {{ ref('fct_incidents') }}
),

timed as (
    {{ times_to('incidents', 'detect') }}
    union all
    {{ times_to('incidents', 'acknowledge') }}
    union all
    {{ times_to('incidents', 'mitigate') }}
    union all
    {{ times_to('incidents', 'resolve') }}
),

known as (
    select * from timed
    where duration is not null
),

estimated as (
    {{ kaplan_meier('known', grain, [50, 90]) }}
),

counted as (
    select
        {{ grain | join(', ') }},
        count(*) as incident_count,
        cast(sum(case when is_event then 1 else 0 end) as bigint) as ended_count,
        cast(sum(case when not is_event and duration is not null then 1 else 0 end) as bigint) as open_count,
        cast(sum(case when duration is null then 1 else 0 end) as bigint) as unknown_count
    from timed
    group by {{ grain | join(', ') }}
),

final as (
    select
        counted.measure,
        counted.service,
        counted.urgency,
        counted.month_start_date,
        counted.incident_count,
        counted.ended_count,
        counted.open_count,
        counted.unknown_count,
        estimated.p50 as median_minutes,
        estimated.p90 as p90_minutes,
        case
            when counted.ended_count + counted.open_count = 0 then 'no_times'
            when estimated.p50 is null then 'not_reached'
        end as no_median_reason,
        case
            when counted.ended_count + counted.open_count = 0 then 'no_times'
            when estimated.p90 is null then 'not_reached'
        end as no_p90_reason,
        {{ audit_columns() }}
    from counted
    left join estimated on {{ same_keys('counted', 'estimated', grain) }}
)

select * from final
