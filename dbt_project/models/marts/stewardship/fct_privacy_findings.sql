with findings as (
    select * from {{ ref('stg_lake__privacy_findings') }}
),

final as (
    select
        source,
        signal,
        event_date,
        field,
        entity,
        finding_count,
        propagated_count,
        value_count,
        entity = 'WITHHELD' as is_withheld,
        {{ audit_columns() }}
    from findings
)

select * from final
