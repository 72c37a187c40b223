with source as (
    select * from {{ source('lake', 'ledger') }}
),

final as (
    select
        source,
        signal,
        event_date,
        pulled,
        malformed,
        duplicates,
        conflicts,
        landed,
        held,
        anonymized,
        checked,
        released,
        quarantined,
        discarded,
        withheld,
        sampled,
        sampled_out,
        sampled_bytes,
        sampled_out_bytes,
        cut_error_traces,
        cut_slow_traces,
        cut_rare_traces,
        cut_new_template_traces,
        canaries,
        canaries_masked,
        canaries_held,
        canaries_leaked,
        too_late,
        is_balanced,
        is_withheld
    from source
)

select * from final
