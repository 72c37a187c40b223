{# The rule of policies/changes.yml for each row of a relation with `service`: an exact name wins over a pattern, a
   longer pattern over a shorter. Needs `rules` in scope. #}
{% macro rules_of(services) -%}
    select *
    from (
        select
            {{ services }}.service,
            rules.incident_hours,
            rules.same_service_confidence,
            rules.later_commit_confidence,
            rules.next_deployment_confidence,
            row_number() over (
                partition by {{ services }}.service
                order by
                    case when rules.service = {{ services }}.service then 0 else 1 end,
                    length(rules.service) desc,
                    rules.service asc
            ) as place
        from {{ services }}
        inner join rules
            on
                {{ services }}.service = rules.service
                or {{ services }}.service like rules.like_pattern escape '!'
    ) as fitting
    where place = 1
{%- endmacro %}


{# Why a stage has no length; null where it has one. `missing`: what it means that its later end is not known. #}
{% macro no_stage_reason(earlier, later, missing) -%}
    case
        when {{ later }} is null then {{ missing }}
        when {{ later }} < {{ earlier }} then 'wrong_order'
    end
{%- endmacro %}


{# Rows of a relation whose `date` lies in the complete weeks of `periods`, as rows of their service and of all (*).
   Its columns and those of `periods` can be asked for. #}
{% macro in_the_last_weeks(relation, date, columns) -%}
    {%- for service in ['service', "'*' as service"] -%}
    select
        {{ service }},
        {{ columns | join(', ') }}
    from {{ relation }}
    inner join periods on {{ days_between(date, 'until_date') }} between 1 and performance_weeks * 7
    {{ 'union all' if not loop.last }}
    {% endfor -%}
{%- endmacro %}
