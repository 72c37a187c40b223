{# What the estimates of `estimates.sql` are made of; `governance/estimates` explains each step and names its source. #}

{# The constants of governance/estimates/limits.py (a test holds them equal). #}
{% macro normal_quantile() -%}1.959963984540054{%- endmacro %}
{% macro least_traces() -%}30{%- endmacro %}
{% macro least_of_a_kind() -%}10{%- endmacro %}
{% macro least_beyond() -%}5{%- endmacro %}
{% macro whole_trace() -%}0.15{%- endmacro %}


{# (z^2 - 1) / 6: what a skewness moves the 0.975 quantile by. #}
{% macro skew_factor() -%}
    ((power({{ normal_quantile() }}, 2) - 1) / 6)
{%- endmacro %}


{% macro same_keys(one, other, keys) -%}
    {%- for key in keys -%}
    {{ one }}.{{ key }} = {{ other }}.{{ key }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{# 0.975 quantile of Student's t with `freedom` degrees of freedom. #}
{% macro student_t(freedom) -%}
    {%- set z = normal_quantile() -%}
    (
        {{ z }}
        + (power({{ z }}, 3) + {{ z }}) / 4 / ({{ freedom }})
        + (5 * power({{ z }}, 5) + 16 * power({{ z }}, 3) + 3 * {{ z }}) / 96 / power({{ freedom }}, 2)
        + (3 * power({{ z }}, 7) + 19 * power({{ z }}, 5) + 17 * power({{ z }}, 3) - 15 * {{ z }}) / 384
        / power({{ freedom }}, 3)
    )
{%- endmacro %}


{# CTEs traces, sums, moments, counted, limited: the sums over traces of `part` and of rows (whole), and the limits of
   the number of traces that the drawn ones stand for. `needs_part`: only traces with a part count as drawn. #}
{% macro traces_summed(relation, keys, part, slope=none, kept_for_certain='false', needs_part=false) -%}
    {%- set key_list = keys | join(', ') -%}
    {%- set z = normal_quantile() -%}
    traces as (
        select
            {{ key_list }},
            trace_id,
            case
                when {{ 'sum(' ~ part ~ ') <> 0 and ' if needs_part }}min(weight) > 1 then cast(min(weight) as double)
                else 0.0
            end as drawn_weight,
            cast(sum({{ part }}) as double) as part,
            cast(count(*) as double) as whole,
            min(case when is_complete and weight = 1 then 1 else 0 end) as is_complete,
            min(case when {{ kept_for_certain }} then 1 else 0 end) as is_certain
        from {{ relation }}
        where ({{ part }}) is not null
        group by {{ key_list }}, trace_id
    ),

    sums as (
        select
            {{ key_list }},
            sum(case when drawn_weight > 0 then 0.0 else part end) as certain_part,
            sum(case when drawn_weight > 0 then 0.0 else whole end) as certain_whole,
            sum(drawn_weight * part) as drawn_part,
            sum(drawn_weight * whole) as drawn_whole,
            sum(case when drawn_weight > 0 then part else 0.0 end) as seen_part,
            cast(sum(case when drawn_weight > 0 then 1 else 0 end) as bigint) as drawn_traces,
            cast(sum(case when drawn_weight > 0 and part <> 0 then 1 else 0 end) as bigint) as traces_with,
            cast(sum(case when drawn_weight > 0 and part <> whole then 1 else 0 end) as bigint) as traces_without,
            sum(drawn_weight) as weights,
            sum(power(drawn_weight, 2)) as squared_weights,
            sum(drawn_weight * (drawn_weight - 1)) as variances,
            sum(power(drawn_weight * whole, 2)) as squared_wholes,
            sum(drawn_weight * (drawn_weight - 1) * power(whole, 2)) as whole_variances,
            min(is_complete) as is_complete,
            min(is_certain) as is_certain
        from traces
        group by {{ key_list }}
    ),

    sloped as (
        select
            *,
            certain_whole + drawn_whole as everything,
            {{ slope if slope is not none else '(certain_part + drawn_part) / (certain_whole + drawn_whole)' }} as slope
        from sums
    ),

    residuals as (
        select
            {% for key in keys %}traces.{{ key }}, {% endfor %}
            traces.drawn_weight,
            sloped.variances,
            (sloped.drawn_part - sloped.slope * sloped.drawn_whole) / sloped.weights as mean,
            traces.part - sloped.slope * traces.whole
            - (sloped.drawn_part - sloped.slope * sloped.drawn_whole) / sloped.weights as apart
        from traces
        inner join sloped on {{ same_keys('traces', 'sloped', keys) }}
        where traces.drawn_weight > 0
    ),

    moments as (
        select
            {{ key_list }},
            sum(drawn_weight * (drawn_weight - 1) * apart * (apart + 2 * mean)) as raw_spread,
            max(variances * power(mean, 2)) as spread_of_the_number,
            sum(drawn_weight * (drawn_weight - 1) * (drawn_weight - 2) * power(apart, 3)) as cubes,
            sum(drawn_weight * power(drawn_weight - 1, 2) * power(apart, 3)) as cubes_with_error
        from residuals
        group by {{ key_list }}
    ),

    counted as (
        select
            sloped.*,
            case when moments.raw_spread > 1e-9 * moments.spread_of_the_number then moments.raw_spread else 0.0 end as spread,
            moments.cubes,
            moments.cubes_with_error,
            1 - sloped.variances / nullif(sloped.squared_weights, 0) as kept_share,
            -- too few for any limits: unknown, and so is all that follows from it
            case
                when power(sloped.weights, 2) >= {{ least_traces() }} / 2.0 * sloped.squared_weights
                    then power(sloped.weights, 2) / nullif(sloped.squared_weights, 0)
            end as effective_traces
        from sloped
        left join moments on {{ same_keys('sloped', 'moments', keys) }}
    ),

    skewed as (
        select
            *,
            effective_traces + 0.5 + kept_share * (power({{ z }}, 2) - 2) / 6 as mid_count,
            case
                when spread > 0
                    then
                        cubes / power(spread, 1.5)
                        * sqrt(effective_traces * (effective_traces - 1)) / (effective_traces - 2)
                else 0.0
            end as skewness,
            case
                when spread > 0
                    then
                        cubes_with_error / power(spread, 1.5)
                        * sqrt(effective_traces * (effective_traces - 1)) / (effective_traces - 2)
                else 0.0
            end as skewness_with_error
        from counted
    ),

    stepped as (
        select
            *,
            1 - 1 / (9 * mid_count) as cube_root,
            {{ z }} * sqrt(1 - kept_share) / (3 * sqrt(mid_count)) as step,
            sqrt(spread * effective_traces / (effective_traces - 1)) as standard_error,
            case
                when drawn_traces - 1 > {{ least_traces() }} then 1 - power({{ least_traces() }} / (drawn_traces - 1.0), 7)
                else 0.0
            end as allowance
        from skewed
    ),

    limited as (
        select
            *,
            greatest(
                weights / effective_traces
                * (mid_count * power(greatest(cube_root - step, 0.0), 3) - {{ whole_trace() }}) * allowance,
                drawn_traces
            ) as fewest_traces,
            weights / effective_traces * (mid_count * power(cube_root + step, 3) + {{ whole_trace() }}) as most_traces,
            {{ student_t('effective_traces - 1') }} * standard_error * (1 + 1.5 * power(skewness_with_error, 2)) as margin,
            (
                skewness_with_error / 2 + (3 * skewness_with_error - skewness) * {{ skew_factor() }}
            ) * sqrt(spread) as skew_shift
        from stepped
    )
{%- endmacro %}


{# CTEs after `traces_summed`: the ratio of part to whole, how far it gets by the number of traces alone, its limits. #}
{% macro ratio_limits() -%}
    numbered as (
        select
            *,
            (certain_part + fewest_traces * drawn_part / weights)
            / (certain_whole + fewest_traces * drawn_whole / weights) as ratio_of_fewest,
            (certain_part + most_traces * drawn_part / weights)
            / (certain_whole + most_traces * drawn_whole / weights) as ratio_of_most
        from limited
    ),

    moved as (
        select
            *,
            slope - least(ratio_of_fewest, ratio_of_most, slope) as below,
            greatest(ratio_of_fewest, ratio_of_most, slope) - slope as above
        from numbered
    ),

    ratios as (
        select
            *,
            slope as estimate,
            slope + skew_shift / everything - sqrt(power(below, 2) + power(margin / everything, 2)) as low,
            slope + skew_shift / everything + sqrt(power(above, 2) + power(margin / everything, 2)) as high
        from moved
    )
{%- endmacro %}


{# The estimate itself where nothing was dropped, limits where there is enough, else none and the reason. #}
{% macro estimates_given(relation, keys, least=none) -%}
    {%- set enough -%}
        drawn_traces >= {{ least if least is not none else least_traces() }}
        and effective_traces is not null and low is not null and high is not null
    {%- endset -%}
    select
        {{ keys | join(', ') }},
        estimate,
        case when is_complete = 1 then estimate when {{ enough }} then low end as low,
        case when is_complete = 1 then estimate when {{ enough }} then high end as high,
        drawn_traces,
        case when is_complete = 1 or ({{ enough }}) then null else 'too_few_traces' end as reason
    from {{ relation }}
{%- endmacro %}
