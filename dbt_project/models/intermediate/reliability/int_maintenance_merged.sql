-- Windows of a service that meet or overlap are one.
with slos as (
    select * from {{ ref('int_slos_by_service') }}
),

windows as (
    select * from {{ ref('stg_lake__maintenance_windows') }}
),

services as (
    select distinct service
    from slos
),

by_service as (
    select
        services.service,
        windows.start_minute,
        windows.end_minute,
        windows.reason
    from services
    inner join windows on {{ has_pattern('services.service', 'windows.service_pattern') }}
),

reached as (
    select
        *,
        max(end_minute) over (
            partition by service
            order by start_minute asc, end_minute asc, reason asc
            rows between unbounded preceding and 1 preceding
        ) as reached_minute
    from by_service
),

numbered as (
    select
        *,
        sum(case when reached_minute >= start_minute then 0 else 1 end) over (
            partition by service
            order by start_minute asc, end_minute asc, reason asc
            rows unbounded preceding
        ) as run_number
    from reached
),

final as (
    select
        service,
        min(start_minute) as start_minute,
        max(end_minute) as end_minute,
        {{ text_list('reason', 'start_minute', '; ') }} as reasons
    from numbered
    group by service, run_number
)

select * from final
