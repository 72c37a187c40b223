-- Tickets a day that no telemetry problem explains, by service, by subject and by service with only the subjects that
-- came up later, against what is usual. Usual is the best quarter of five-day blocks, and at most so many times what
-- the median service gets: a theme can be as old as the data.
with tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

explained as (
    select * from {{ ref('int_tickets_explained') }}
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

unexplained as (
    select
        tickets.service,
        tickets.subject_key,
        cast(tickets.created_at as date) as event_date
    from tickets
    cross join ranking
    left join explained on tickets.source = explained.source and tickets.ticket_id = explained.ticket_id
    where
        explained.ticket_id is null
        and {{ in_window('tickets.created_at') }}
),

bounds as (
    select min(event_date) as first_date, max(event_date) as last_date
    from unexplained
),

days as (
    {{ calendar('bounds') }}
),

subjects as (
    select
        unexplained.service,
        unexplained.subject_key,
        count(*) as ticket_count,
        -- New is a subject of which six were to be expected before its first, had it always been as frequent: 1 : 400.
        -- A week without one of those that come twice a week is 1 : 7, and there are many subjects.
        count(*) >= 3
        and {{ days_between('min(bounds.first_date)', 'min(unexplained.event_date)') }} * count(*)
        >= 6 * ({{ days_between('min(bounds.first_date)', 'min(bounds.last_date)') }} + 1) as is_new
    from unexplained
    cross join bounds
    where unexplained.subject_key != ''
    group by unexplained.service, unexplained.subject_key
),

series as (
    select distinct
        md5(service) as symptom_id,
        'service' as scope,
        service,
        cast(null as varchar) as subject_key
    from unexplained
    union all
    select distinct
        md5(service || '|new') as symptom_id,
        'new subjects' as scope,
        service,
        cast(null as varchar) as subject_key
    from subjects
    where is_new
    union all
    select
        md5(service || '|subject|' || subject_key) as symptom_id,
        'subject' as scope,
        service,
        subject_key
    from subjects
    where ticket_count >= 8
),

daily as (
    select
        unexplained.service,
        unexplained.subject_key,
        coalesce(subjects.is_new, false) as is_new,
        unexplained.event_date,
        count(*) as ticket_count
    from unexplained
    left join subjects
        on unexplained.service = subjects.service and unexplained.subject_key = subjects.subject_key
    group by unexplained.service, unexplained.subject_key, subjects.is_new, unexplained.event_date
),

counted as (
    select
        series.symptom_id,
        series.scope,
        series.service,
        series.subject_key,
        days.event_date,
        coalesce(sum(daily.ticket_count), 0) as ticket_count
    from series
    cross join days
    left join daily
        on
            series.service = daily.service
            and days.event_date = daily.event_date
            and (series.subject_key is null or series.subject_key = daily.subject_key)
            and (series.scope != 'new subjects' or daily.is_new)
    group by series.symptom_id, series.scope, series.service, series.subject_key, days.event_date
),

-- Blocks of five days: of single days with few tickets the best have none, which is not what is usual.
blocks as (
    select
        counted.symptom_id,
        {{ five_day_block('bounds.first_date', 'counted.event_date') }} as block,
        avg(counted.ticket_count) as daily_count
    from counted
    cross join bounds
    group by counted.symptom_id, {{ five_day_block('bounds.first_date', 'counted.event_date') }}
    having count(*) >= 3
),

ordered_blocks as (
    select
        symptom_id,
        daily_count,
        row_number() over (partition by symptom_id order by daily_count asc, block asc) as place,
        count(*) over (partition by symptom_id) as block_count
    from blocks
),

usual as (
    select symptom_id, avg(daily_count) as usual_count
    from ordered_blocks
    where place * 4 <= block_count + 3
    group by symptom_id
),

-- A company with few services in its tickets has no median to speak of.
median_service as (
    select
        case when count(*) >= 4 then percentile_cont(0.5) within group (order by daily_count) end as daily_count
    from (
        select service, avg(ticket_count) as daily_count
        from counted
        where scope = 'service' and service != '{{ unknown_service() }}'
        group by service
    ) as services
),

final as (
    select
        counted.symptom_id,
        counted.service,
        counted.scope,
        counted.subject_key,
        counted.event_date,
        cast(counted.ticket_count as double) as observed,
        least(
            ranking.tolerated_factor * coalesce(usual.usual_count, 0) + ranking.tolerated_tickets,
            case
                when counted.service != '{{ unknown_service() }}'
                    then coalesce(median_service.daily_count * ranking.ticket_objective_factor, 1000000000.0)
                else 1000000000.0
            end
        ) as expected
    from counted
    left join usual on counted.symptom_id = usual.symptom_id
    cross join median_service
    cross join ranking
)

select * from final
