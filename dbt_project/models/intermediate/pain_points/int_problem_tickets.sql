-- The tickets of each problem; one row per ticket. Of a theme they are those whose subject came up at least twice as
-- often while it lasted as at other times, else all about its service.
with explained as (
    select * from {{ ref('int_tickets_explained') }}
),

themes as (
    select * from {{ ref('int_ticket_problems') }}
),

tickets as (
    select * from {{ ref('int_tickets_latest') }}
),

bounds as (
    select min(cast(created_at as date)) as first_date, max(cast(created_at as date)) as last_date
    from tickets
),

unexplained as (
    select
        tickets.source,
        tickets.ticket_id,
        tickets.service,
        tickets.subject_key,
        cast(tickets.created_at as date) as created_date
    from tickets
    left join explained on tickets.source = explained.source and tickets.ticket_id = explained.ticket_id
    where explained.ticket_id is null
),

uses as (
    select
        themes.problem_id,
        unexplained.subject_key,
        -- A new subject's first days can be too few to stand out: they belong to it all the same.
        case
            when min(unexplained.created_date) >= max(themes.first_date) - interval 7 day
                then least(min(unexplained.created_date), max(themes.first_date))
            else max(themes.first_date)
        end as first_date,
        sum(case when unexplained.created_date between themes.first_date and themes.last_date then 1.0 else 0 end)
            as count_inside,
        sum(case when unexplained.created_date between themes.first_date and themes.last_date then 0 else 1.0 end)
            as count_outside,
        max({{ days_between('themes.first_date', 'themes.last_date') }}) + 1 as days_inside,
        max({{ days_between('bounds.first_date', 'bounds.last_date') }}) + 1 as days_in_all
    from themes
    inner join unexplained on themes.service = unexplained.service
    cross join bounds
    group by themes.problem_id, unexplained.subject_key
),

frequent as (
    select
        *,
        max(count_inside) over (partition by problem_id) as most_inside
    from uses
),

rising as (
    select
        *,
        -- Where it lasted all the time there is no outside: what comes up most.
        count_inside >= 3
        and count_inside * 1.0 / days_inside
        >= 2 * (count_outside + 0.5) / greatest(days_in_all - days_inside, 1)
        and count_inside >= most_inside / 3 as is_rising
    from frequent
),

judged as (
    select
        *,
        bool_or(is_rising) over (partition by problem_id) as has_rising
    from rising
),

of_themes as (
    select
        themes.problem_id,
        unexplained.source,
        unexplained.ticket_id
    from themes
    inner join unexplained
        on
            themes.service = unexplained.service
            and themes.last_date >= unexplained.created_date
    inner join judged
        on
            themes.problem_id = judged.problem_id
            and unexplained.subject_key = judged.subject_key
            and unexplained.created_date >= case when judged.is_rising then judged.first_date else themes.first_date end
    where judged.is_rising or (not judged.has_rising and judged.count_inside * 2 >= judged.most_inside)
),

final as (
    select problem_id, source, ticket_id
    from explained
    union all
    select problem_id, source, ticket_id
    from of_themes
)

select * from final
