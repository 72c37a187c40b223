{# A model that reads a day of rollups once, and again when it or the model's own SQL has changed. Its rows carry
   source, event_date and `made_from`; before it is built, rows of days that are not there any more or are other ones go
   (`forget_other_days`), and of the days it then has it reads nothing (`days_to_read`). So a kill between the two, a day
   that expired, was withheld or came late, and a new definition all end in the rows that building it anew would give.
   What cannot be added up from source to source, such as distinct accounts, is read `of_all_sources`: its rows carry no
   source, and a day is another one when it is of any of them. #}
{% macro read_by_day(signal, of_all_sources=false) -%}
    {{ return(config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='sync_all_columns',
        pre_hook="{{ forget_other_days('" ~ signal ~ "', " ~ of_all_sources ~ ") }}",
    )) }}
{%- endmacro %}


{# The days of a signal that are there, and what makes a row of them current. #}
{% macro rolled_up_days(signal, of_all_sources=false) -%}
    {%- set digest = text_list('digest', 'source') if of_all_sources else 'digest' -%}
    select
        {% if not of_all_sources %}source,{% endif %}
        event_date,
        substr(md5('{{ definition_hash() }}' || {{ digest }}), 1, 16) as made_from
    from {{ ref('stg_lake__partitions') }}
    where signal = '{{ signal }}'
    {% if of_all_sources %}group by event_date{% endif %}
{%- endmacro %}


{% macro days_to_read(signal, of_all_sources=false) -%}
    select days.*
    from ({{ rolled_up_days(signal, of_all_sources) }}) as days
    {%- if is_incremental() %}
    where days.made_from not in (select made.made_from from {{ this }} as made)
    {%- endif %}
{%- endmacro %}


{% macro forget_other_days(signal, of_all_sources=false) -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where made_from not in (select days.made_from from ({{ rolled_up_days(signal, of_all_sources) }}) as days)
    {%- endif -%}
{%- endmacro %}
