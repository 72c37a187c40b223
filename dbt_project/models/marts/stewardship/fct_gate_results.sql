with results as (
    select * from {{ ref('stg_lake__gate_results') }}
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
        {{ audit_columns() }}
    from results
)

select * from final
