with versions as (
    select * from {{ ref('stg_lake__ci_runs') }}
),

ordered as (
    select
        *,
        row_number() over (
            partition by source, run_id, attempt
            order by occurred_at desc, case when status = 'completed' then 0 else 1 end asc, record_id desc
        ) as place
    from versions
),

latest as (
    select
        *,
        status = 'completed' as is_completed,
        -- Only of the first attempt is it known when it was queued.
        case when attempt = 1 then created_at else started_at end as waiting_since
    from ordered
    where place = 1
),

timed as (
    select
        *,
        case when is_completed then completed_at end as ended_at
    from latest
),

final as (
    select
        source,
        run_id as ci_run_id,
        attempt,
        repository,
        service,
        workflow,
        trigger,
        conclusion,
        not is_completed as is_open,
        attempt > 1 as is_retry,
        case
            when conclusion in ('failure', 'timed_out', 'startup_failure') then true
            when conclusion in ('success', 'neutral') then false
        end as is_failed,
        waiting_since,
        started_at,
        ended_at,
        {{ minutes_between('started_at', 'ended_at') }} as run_minutes,
        {{ minutes_between('waiting_since', 'ended_at') }} as wait_minutes,
        case
            when not is_completed then 'open'
            when waiting_since is null or ended_at is null then 'not_recorded'
            when ended_at < waiting_since then 'wrong_order'
        end as no_wait_reason,
        case when not is_completed then {{ minutes_between('waiting_since', as_of()) }} end as open_minutes,
        {{ audit_columns() }}
    from timed
)

select * from final
