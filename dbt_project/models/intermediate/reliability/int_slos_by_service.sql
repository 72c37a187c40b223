-- An objective by pattern is one of each service that fits and was measured; one by name needs no request to be there.
with slos as (
    select * from {{ ref('stg_lake__slos') }}
),

kinds as (
    select * from {{ ref('int_span_kinds_classified') }}
),

owned as (
    select * from {{ ref('int_services_known') }}
),

measured as (
    select distinct service
    from kinds
    where service != '{{ unknown_service() }}'
),

services as (
    select slo, valid_from, service
    from slos
    where service_pattern is null
    union all
    select slos.slo, slos.valid_from, measured.service
    from slos
    inner join measured on {{ has_pattern('measured.service', 'slos.service_pattern') }}
    where
        slos.service_pattern is not null
        and (slos.except_services is null or not {{ has_pattern('measured.service', 'slos.except_services') }})
),

final as (
    select
        slos.slo,
        services.service,
        slos.valid_from,
        slos.valid_to,
        coalesce(slos.owner_team, owned.owner_team) as owner_team,
        coalesce(slos.owner_email, owned.owner_email) as owner_email,
        slos.indicator,
        slos.operation_pattern,
        slos.excluded_operations,
        slos.span_kind,
        slos.feature_flag,
        slos.feature_variant,
        slos.threshold_bucket,
        slos.effective_threshold_ms,
        slos.objective_ratio,
        slos.budget_ratio,
        slos.period_days,
        slos.digest
    from slos
    inner join services on slos.slo = services.slo and slos.valid_from = services.valid_from
    left join owned on services.service = owned.service
)

select * from final
