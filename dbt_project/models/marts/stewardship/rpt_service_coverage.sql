with services as (
    select * from {{ ref('int_services_known') }}
    where service != '{{ unknown_service() }}'
),

heard as (
    select * from {{ ref('int_services_heard') }}
),

slos as (
    select * from {{ ref('int_slos_by_service') }}
),

journeys as (
    select distinct service
    from {{ ref('stg_lake__service_journeys') }}
    where service is not null
),

ranking as (
    select * from {{ ref('stg_lake__ranking') }}
),

in_force as (
    select distinct service
    from slos
    where
        cast({{ as_of() }} as date) >= valid_from
        and (valid_to is null or valid_to > cast({{ as_of() }} as date))
),

told as (
    select
        services.service,
        services.owner_team,
        coalesce(heard.last_span_date, heard.last_log_date) is not null as is_active,
        services.is_owner_named,
        in_force.service is not null as has_objective,
        journeys.service is not null as has_journey,
        heard.last_span_date,
        heard.last_log_date,
        heard.last_deployed_date,
        heard.last_ticket_date
    from services
    left join heard on services.service = heard.service
    left join in_force on services.service = in_force.service
    left join journeys on services.service = journeys.service
),

reasoned as (
    select
        *,
        case
            when not is_active then ''
            else
                case when is_owner_named then '' else 'no_owner ' end
                || case when has_objective then '' else 'no_objective ' end
                || case when has_journey then '' else 'no_journey ' end
                || case when last_span_date is null then 'no_spans ' else '' end
                || case when last_log_date is null then 'no_logs ' else '' end
                || case when last_deployed_date is null then 'no_deployments ' else '' end
                || case when last_ticket_date is null then 'no_tickets ' else '' end
        end as reasons
    from told
),

final as (
    select
        reasoned.service,
        cast({{ as_of() }} as date) as as_of_date,
        reasoned.owner_team,
        reasoned.is_active,
        reasoned.is_owner_named,
        reasoned.has_objective,
        reasoned.has_journey,
        reasoned.last_span_date,
        reasoned.last_log_date,
        reasoned.last_deployed_date,
        reasoned.last_ticket_date,
        nullif(trim(reasoned.reasons), '') as gaps,
        {{ audit_columns('ranking.policy_digest') }}
    from reasoned
    cross join ranking
)

select * from final
