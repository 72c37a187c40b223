with results as (
    select * from {{ ref('stg_lake__gate_results') }}
),

waivers as (
    select * from {{ ref('stg_lake__waivers') }}
),

final as (
    select
        results.source,
        results.signal,
        results.event_date,
        results.expectation,
        results.severity,
        results.evaluated,
        results.failed,
        results.ruled,
        results.is_passed,
        results.is_blocking,
        results.waiver is not null as is_waived,
        results.waiver,
        waivers.expires_at as waiver_expires_at,
        waivers.asked_by as waiver_asked_by,
        waivers.approved_by as waiver_approved_by,
        waivers.reason as waiver_reason,
        {{ audit_columns() }}
    from results
    left join waivers on results.waiver = waivers.waiver
)

select * from final
