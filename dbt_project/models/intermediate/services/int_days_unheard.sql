-- UTC days of which nothing is known of a signal: that nothing was counted there does not mean that nothing happened.
--
-- not_yet: before its first record; withheld: the gate did not let the day of a source pass; silent: nothing came.
-- Telemetry speaks every day. Of the others a day without a record is quiet, not silent, as long as the sources that
-- brought at least half of its records of the last four weeks go on to tell of later things, of whatever kind: a help
-- desk that fell silent is missed though a small one goes on, and given up after four weeks.
with ledger as (
    select * from {{ ref('stg_lake__ledger') }}
),

datasets as (
    select
        source,
        signal,
        min(event_date) as first_date
    from ledger
    where checked > 0
    group by source, signal
),

sources as (
    select source, max(event_date) as last_date
    from ledger
    where checked > 0
    group by source
),

bounds as (
    select
        min(first_date) as first_date,
        {{ today() }} as last_date
    from datasets
),

days as (
    {{ calendar('bounds') }}
),

told as (
    select
        datasets.source,
        datasets.signal,
        days.event_date,
        datasets.first_date,
        sources.last_date,
        coalesce(ledger.checked, 0) as checked,
        coalesce(ledger.is_withheld, false) as is_withheld,
        sum(coalesce(ledger.checked, 0)) over (
            partition by datasets.source, datasets.signal order by days.event_date asc
            rows between 27 preceding and current row
        ) as lately_checked
    from datasets
    cross join days
    inner join sources on datasets.source = sources.source
    left join ledger
        on
            datasets.source = ledger.source
            and datasets.signal = ledger.signal
            and days.event_date = ledger.event_date
),

signal_days as (
    select
        signal,
        event_date,
        signal in ('spans', 'logs') as is_daily,
        min(first_date) as first_date,
        max(last_date) as last_date,
        sum(checked) as checked,
        max(case when is_withheld then 1 else 0 end) as is_withheld,
        sum(lately_checked) as lately_checked,
        sum(case when event_date <= last_date then lately_checked else 0 end) as lately_checked_of_going
    from told
    group by signal, event_date
),

known as (
    select
        signal,
        event_date,
        case
            when is_withheld = 1 then 'withheld'
            when event_date < first_date then 'not_yet'
            when is_daily and checked = 0 then 'silent'
            when event_date > last_date or 2 * lately_checked_of_going < lately_checked then 'silent'
        end as reason
    from signal_days
),

final as (
    select signal, event_date, reason
    from known
    where reason is not null
)

select * from final
