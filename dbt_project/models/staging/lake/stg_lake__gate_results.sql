with source as (
    select * from {{ source('lake', 'gate_results') }}
),

final as (
    select
        source,
        signal,
        event_date,
        expectation,
        severity,
        evaluated,
        failed,
        is_passed,
        is_blocking,
        ruled,
        waiver
    from source
)

select * from final
