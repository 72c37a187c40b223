-- Tickets a day that no telemetry problem explains, by service and by subject, against what is usual. Usual is the
-- better half of five-day blocks, and at most so many times what the median service gets: a theme can be as old as the data.
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

series as (
    select md5(service) as symptom_id, service, cast(null as varchar) as subject_key, count(*) as ticket_count
    from unexplained
    group by service
    union all
    select md5(service || '|' || subject_key) as symptom_id, service, subject_key, count(*) as ticket_count
    from unexplained
    where subject_key != ''
    group by service, subject_key
    having count(*) >= 8
),

counted as (
    select
        series.symptom_id,
        series.service,
        series.subject_key,
        days.event_date,
        count(unexplained.service) as ticket_count
    from series
    cross join days
    left join unexplained
        on
            series.service = unexplained.service
            and days.event_date = unexplained.event_date
            and (series.subject_key is null or series.subject_key = unexplained.subject_key)
    group by series.symptom_id, series.service, series.subject_key, days.event_date
),

-- Blocks of five days: of single days with few tickets the better half has none, which is not what is usual.
blocks as (
    select
        counted.symptom_id,
        cast(floor({{ days_between('bounds.first_date', 'counted.event_date') }} / 5) as integer) as block,
        avg(counted.ticket_count) as daily_count
    from counted
    cross join bounds
    group by counted.symptom_id, cast(floor({{ days_between('bounds.first_date', 'counted.event_date') }} / 5) as integer)
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
    where place * 2 <= block_count + 1
    group by symptom_id
),

-- A company with few services in its tickets has no median to speak of.
median_service as (
    select
        case when count(*) >= 4 then percentile_cont(0.5) within group (order by daily_count) end as daily_count
    from (
        select service, avg(ticket_count) as daily_count
        from counted
        where subject_key is null and service != '{{ unknown_service() }}'
        group by service
    ) as services
),

final as (
    select
        counted.symptom_id,
        counted.service,
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
