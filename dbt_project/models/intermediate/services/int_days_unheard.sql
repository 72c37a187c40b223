-- UTC days of which nothing is known of a signal: that nothing was counted there does not mean that nothing happened.
--
-- not_yet: before its first record; withheld: the gate did not let the day of a source pass; silent: nothing came.
-- Telemetry speaks every day. Of the others a day without a record is quiet, not silent, as long as a source of theirs
-- goes on to tell of later things, of whatever kind.
with ledger as (
    select * from {{ ref('stg_lake__ledger') }}
),

heard as (
    select source, signal, event_date
    from ledger
    where checked > 0
),

sources as (
    select source, max(event_date) as last_date
    from heard
    group by source
),

signals as (
    select
        heard.signal,
        heard.signal in ('spans', 'logs') as is_daily,
        min(heard.event_date) as first_date,
        max(sources.last_date) as last_date
    from heard
    inner join sources on heard.source = sources.source
    group by heard.signal
),

signal_days as (
    select
        signal,
        event_date,
        max(case when checked > 0 then 1 else 0 end) as is_heard,
        max(case when is_withheld then 1 else 0 end) as is_withheld
    from ledger
    group by signal, event_date
),

bounds as (
    select
        min(event_date) as first_date,
        {{ today() }} as last_date
    from heard
),

days as (
    {{ calendar('bounds') }}
),

known as (
    select
        signals.signal,
        days.event_date,
        case
            when signal_days.is_withheld = 1 then 'withheld'
            when days.event_date < signals.first_date then 'not_yet'
            when signals.is_daily and coalesce(signal_days.is_heard, 0) = 0 then 'silent'
            when days.event_date > signals.last_date then 'silent'
        end as reason
    from signals
    cross join days
    left join signal_days on signals.signal = signal_days.signal and days.event_date = signal_days.event_date
),

final as (
    select signal, event_date, reason
    from known
    where reason is not null
)

select * from final
