with tickets as (
    select * from {{ ref('fct_tickets') }}
),

answers as (
    select * from {{ ref('stg_lake__surveys') }}
),

themes as (
    select * from {{ ref('stg_lake__text_themes') }}
    where signal = 'surveys'
),

texts as (
    select
        cast(created_at as date) as event_date,
        'tickets' as signal,
        theme_id,
        theme,
        service,
        account_plan,
        coalesce(account_id, ticket_id) as author
    from tickets
    where created_at is not null
    union all
    select
        cast(answers.occurred_at as date) as event_date,
        'surveys' as signal,
        themes.theme_id,
        themes.theme,
        answers.service,
        'unknown' as account_plan,
        coalesce(answers.respondent, answers.response_id, answers.record_id) as author
    from answers
    inner join themes on answers.source = themes.source and answers.record_id = themes.answer_id
),

final as (
    select
        event_date,
        signal,
        theme_id,
        max(theme) as theme,
        service,
        account_plan,
        count(*) as text_count,
        count(distinct author) as author_count,
        {{ audit_columns() }}
    from texts
    group by event_date, signal, theme_id, service, account_plan
)

select * from final
