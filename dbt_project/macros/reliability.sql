{# Minutes that a row of rollups stands for. #}
{% macro minutes_of_grain(grain) -%}
    case {{ grain }} when 'minute' then 1 when 'hour' then 60 else 1440 end
{%- endmacro %}


{# Whether a definition, with valid_from and valid_to, holds on a day. #}
{% macro is_in_force(definition, day) -%}
    {{ definition }}.valid_from <= {{ day }} and ({{ definition }}.valid_to is null or {{ definition }}.valid_to > {{ day }})
{%- endmacro %}


{# Which rows of rollups an objective is about; needs `scoped`, an objective by operation, and `kinds`. #}
{% macro in_scope(rollup) -%}
    {{ is_in_force('scoped', rollup ~ '.event_date') }}
    and case when scoped.span_kind is null then kinds.is_request else scoped.span_kind = {{ rollup }}.span_kind end
    and (scoped.feature_flag is null or scoped.feature_flag = {{ rollup }}.feature_flag)
    and (scoped.feature_variant is null or scoped.feature_variant = {{ rollup }}.feature_variant)
{%- endmacro %}


{# Burn rate: how many times what was allowed was bad; 1 spends the budget of a period in just that period. With one
   definition it is (bad / counted) / (1 - objective). #}
{% macro burn_rate(bad, allowed) -%}
    round({{ bad }} / nullif({{ allowed }}, 0), 9)
{%- endmacro %}


{# How long something takes, where some of it has not ended: Kaplan and Meier's product-limit estimate.

   One row per distinct keys: a column per quantile (whole percent, `p50`), null where fewer than so many ended before
   the last was lost sight of. `relation` has the keys, `duration` and `is_event`: whether it had ended by then (false:
   censored, it takes longer). What is censored at the time of an event is still at risk then. Where the curve lies at
   the quantile itself until the next event, the middle is taken (as R's survival does): without censoring the 50th is
   the median of everyday use, the mean of the two in the middle. #}
{% macro kaplan_meier(relation, keys, percents) -%}
    {%- set key_list = keys | join(', ') -%}
    select
        {{ key_list }},
        {%- for percent in percents %}
        {%- set left = (100 - percent) / 100 %}
        round(
            (
                min(case when still_open <= {{ left }} + 1e-9 then duration end)
                + min(
                    case
                        when still_open < {{ left }} - 1e-9 then duration
                        when still_open <= {{ left }} + 1e-9 and next_duration is null then duration
                    end
                )
            ) / 2,
            6
        ) as p{{ percent }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            {{ key_list }},
            duration,
            {#- A product of shares; at the last event of all that were left nothing is open any more. #}
            case
                when event_count = at_risk_count then 0.0
                else exp(
                    sum(
                        case
                            when event_count = at_risk_count then 0.0
                            else ln(1.0 - event_count * 1.0 / at_risk_count)
                        end
                    ) over (partition by {{ key_list }} order by duration asc rows unbounded preceding)
                )
            end as still_open,
            lead(duration) over (partition by {{ key_list }} order by duration asc) as next_duration
        from (
            select
                {{ key_list }},
                duration,
                event_count,
                sum(ended_count) over (
                    partition by {{ key_list }} order by duration desc rows unbounded preceding
                ) as at_risk_count
            from (
                select
                    {{ key_list }},
                    duration,
                    sum(case when is_event then 1 else 0 end) as event_count,
                    count(*) as ended_count
                from {{ relation }}
                group by {{ key_list }}, duration
            ) as per_duration
        ) as at_risk
        where event_count > 0
    ) as curve
    group by {{ key_list }}
{%- endmacro %}


{# Why there is no time from the detection of an incident to `time`; null where there is. #}
{% macro no_time_reason(time) -%}
    case
        when {{ time }} is null and ended_at is null then 'open'
        when {{ time }} is null or detected_at is null then 'not_recorded'
        when {{ time }} < detected_at then 'wrong_order'
    end
{%- endmacro %}


{# One measure of incidents as durations; what is open takes longer than it has taken by now. #}
{% macro times_to(relation, measure) -%}
    select
        '{{ measure }}' as measure,
        service,
        coalesce(urgency, 'unknown') as urgency,
        cast(date_trunc('month', dated_at) as date) as month_start_date,
        coalesce(
            time_to_{{ measure }}_minutes,
            case when no_time_to_{{ measure }}_reason = 'open' then open_minutes end
        ) as duration,
        time_to_{{ measure }}_minutes is not null as is_event
    from {{ relation }}
{%- endmacro %}
