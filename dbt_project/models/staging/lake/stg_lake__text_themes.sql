with source as (
    select * from {{ source('lake', 'text_themes') }}
),

-- The first theme a text was given is its theme; what was looked at again and is like none stays other.
ranked as (
    select
        *,
        row_number() over (
            partition by signal, text_source, document_id
            order by case when theme_id = 'other' then 1 else 0 end asc, event_date asc
        ) as place
    from source
),

final as (
    select
        text_source as source,
        signal,
        case when signal = 'tickets' then document_id end as ticket_id,
        case when signal = 'surveys' then document_id end as answer_id,
        theme_id,
        theme,
        confidence,
        event_date as themed_date
    from ranked
    where place = 1
)

select * from final
