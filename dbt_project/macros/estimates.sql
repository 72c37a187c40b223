{# What sampled rows say of all rows, as `governance/estimates` says it: same arithmetic, equal to 1e-9 (tested).

   `relation`: sampled rows with the columns of `keys` (never null), trace_id (what was drawn together; a record's own id
   where it belongs to no trace), weight (1 / probability, 1: kept for certain) and is_complete (nothing of its day was
   dropped). `value` and `flag` are expressions over a row; rows without a value are left out.
   One row per distinct keys: estimate, low, high (95 %; null where `reason` says why), drawn_traces, reason. #}

{% macro estimated_totals(relation, keys, value='1') -%}
    {%- set mean = 'drawn_part / nullif(weights, 0)' -%}
    with {{ traces_summed(relation, keys, value, slope='0.0', needs_part=true) }},

    final as (
        select
            *,
            certain_part + drawn_part as estimate,
            greatest(
                certain_part + drawn_part + skew_shift
                - sqrt(power(drawn_part - fewest_traces * {{ mean }}, 2) + power(margin, 2)),
                certain_part + seen_part
            ) as low,
            certain_part + drawn_part + skew_shift
            + sqrt(power(most_traces * {{ mean }} - drawn_part, 2) + power(margin, 2)) as high
        from limited
    )

    {{ estimates_given('final', keys) }}
{%- endmacro %}


{% macro estimated_means(relation, keys, value) -%}
    with {{ traces_summed(relation, keys, value) }},

    {{ ratio_limits() }}

    {{ estimates_given('ratios', keys) }}
{%- endmacro %}


{# `kept_for_certain`: whether every trace with a flagged row was kept, over a row. #}
{% macro estimated_rates(relation, keys, flag, kept_for_certain='false') -%}
    {%- set part = 'case when ' ~ flag ~ ' then 1 else 0 end' -%}
    with {{ traces_summed(relation, keys, part, kept_for_certain=kept_for_certain) }},

    {{ ratio_limits() }},

    independent as (
        select
            *,
            drawn_part / nullif(drawn_whole, 0) as share,
            power(drawn_whole, 2) / nullif(squared_wholes, 0) as share_count,
            {{ normal_quantile() }} * sqrt(whole_variances / nullif(squared_wholes, 0)) as narrowed,
            (is_certain = 0 and traces_with < {{ least_of_a_kind() }}) or traces_without < {{ least_of_a_kind() }} as is_rare
        from ratios
    ),

    scored as (
        select
            *,
            case
                when share <= 0 then 0.0
                else greatest(0.0, (
                    2 * share_count * share + power(narrowed, 2) - 1 - narrowed * sqrt(greatest(
                        0.0,
                        power(narrowed, 2) - 2 - 1 / share_count + 4 * share * (share_count * (1 - share) + 1)
                    ))
                ) / (2 * (share_count + power(narrowed, 2))))
            end as share_low,
            case
                when share >= 1 then 1.0
                else least(1.0, (
                    2 * share_count * share + power(narrowed, 2) + 1 + narrowed * sqrt(greatest(
                        0.0,
                        power(narrowed, 2) + 2 - 1 / share_count + 4 * share * (share_count * (1 - share) - 1)
                    ))
                ) / (2 * (share_count + power(narrowed, 2))))
            end as share_high
        from independent
    ),

    usual as (
        select
            *,
            {{ whole_trace() }} * drawn_whole / effective_traces / everything as whole_step,
            {{ normal_quantile() }} * standard_error / everything as share_margin
        from scored
    ),

    final as (
        select
            {{ keys | join(', ') }},
            estimate,
            drawn_traces,
            effective_traces,
            is_complete,
            greatest(
                0.0,
                case
                    when is_rare
                        then estimate - sqrt(power(below, 2) + power(drawn_whole / everything * (share - share_low), 2))
                    when is_certain = 1 then low
                    else
                        estimate + skew_shift / everything
                        - sqrt(power(below, 2) + power(share_margin, 2)) - whole_step
                end
            ) as low,
            least(
                1.0,
                case
                    when is_rare
                        then estimate + sqrt(power(above, 2) + power(drawn_whole / everything * (share_high - share), 2))
                    when is_certain = 1 then high
                    else
                        estimate + skew_shift / everything
                        + sqrt(power(above, 2) + power(share_margin, 2)) + whole_step
                end
            ) as high
        from usual
    )

    {{ estimates_given('final', keys) }}
{%- endmacro %}


{# Nearest rank; `quantile` between 0 and 1, both excluded. #}
{% macro estimated_quantiles(relation, keys, value, quantile) -%}
    {%- set key_list = keys | join(', ') -%}
    {%- set lopsided = (1 - 2 * quantile) ** 2 -%}
    {%- set least = [least_traces() | float, least_beyond() | float / [quantile, 1 - quantile] | min] | max -%}
    with valued as (
        select *, cast({{ value }} as double) as value_of_row
        from {{ relation }}
        where {{ value }} is not null
    ),

    reached as (
        select
            {{ key_list }},
            value_of_row,
            sum(weight) over (
                partition by {{ key_list }} order by value_of_row asc rows unbounded preceding
            ) as weight_reached,
            sum(weight) over (partition by {{ key_list }}) as weight_of_all
        from (
            select {{ key_list }}, value_of_row, sum(cast(weight as double)) as weight
            from valued
            group by {{ key_list }}, value_of_row
        ) as per_value
    ),

    at_quantile as (
        select {{ key_list }}, min(value_of_row) as value_at
        from reached
        where weight_reached >= ({{ quantile }} - 1e-9) * weight_of_all
        group by {{ key_list }}
    ),

    placed as (
        select valued.*, at_quantile.value_at
        from valued
        inner join at_quantile on {{ same_keys('valued', 'at_quantile', keys) }}
    ),

    {{ traces_summed('placed', keys, 'case when value_of_row <= value_at then 1 else 0 end') }},

    {{ ratio_limits() }},

    shares as (
        select
            *,
            {{ quantile }} + skewness * {{ skew_factor() }} * sqrt(spread) / everything as centre,
            {% if lopsided > 0 -%}
            {{ student_t('4.0 * greatest(least(traces_with, traces_without), 4) / ' ~ lopsided) }}
            {%- else -%}
            {{ normal_quantile() }}
            {%- endif %} * sqrt(spread) / everything as share_margin
        from ratios
    ),

    share_limits as (
        select
            *,
            centre - sqrt(power(above, 2) + power(share_margin, 2))
            - {{ whole_trace() }} * drawn_whole / effective_traces / everything as share_low,
            centre + sqrt(power(below, 2) + power(share_margin, 2))
            + {{ whole_trace() }} * drawn_whole / effective_traces / everything as share_high
        from shares
    ),

    inverted as (
        select
            {% for key in keys %}share_limits.{{ key }}, {% endfor %}
            min(
                case when weight_reached >= (share_low - 1e-9) * weight_of_all then value_of_row end
            ) as low,
            min(
                case when weight_reached >= (share_high - 1e-9) * weight_of_all then value_of_row end
            ) as high
        from reached
        inner join share_limits on {{ same_keys('reached', 'share_limits', keys) }}
        group by {% for key in keys %}share_limits.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
    ),

    final as (
        select
            {% for key in keys %}share_limits.{{ key }}, {% endfor %}
            at_quantile.value_at as estimate,
            inverted.low,
            inverted.high,
            share_limits.drawn_traces,
            share_limits.effective_traces,
            share_limits.is_complete
        from share_limits
        inner join at_quantile on {{ same_keys('share_limits', 'at_quantile', keys) }}
        inner join inverted on {{ same_keys('share_limits', 'inverted', keys) }}
    )

    {{ estimates_given('final', keys, least=least * (1 - 1e-9)) }}
{%- endmacro %}
