{# A model that reads a day of rollups once, and again when it or the model's own SQL has changed. Its rows carry
   source, event_date and `made_from`; before it is built, rows of days that are not there any more or are other ones go
   (`forget_other_days`), and of the days it then has it reads nothing (`days_to_read`). So a kill between the two, a day
   that expired, was withheld or came late, and a new definition all end in the rows that building it anew would give. #}
{% macro read_by_day(signal) -%}
    {{ return(config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='sync_all_columns',
        pre_hook="{{ forget_other_days('" ~ signal ~ "') }}",
    )) }}
{%- endmacro %}


{# The days of a signal that are there, and what makes a row of them current. #}
{% macro rolled_up_days(signal) -%}
    select
        source,
        event_date,
        substr(md5('{{ definition_hash() }}' || digest), 1, 16) as made_from
    from {{ ref('stg_lake__partitions') }}
    where signal = '{{ signal }}'
{%- endmacro %}


{% macro days_to_read(signal) -%}
    select days.source, days.event_date, days.made_from
    from ({{ rolled_up_days(signal) }}) as days
    {%- if is_incremental() %}
    where days.made_from not in (select made.made_from from {{ this }} as made)
    {%- endif %}
{%- endmacro %}


{% macro forget_other_days(signal) -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where made_from not in (select days.made_from from ({{ rolled_up_days(signal) }}) as days)
    {%- endif -%}
{%- endmacro %}
